"""Lets the agent unpack hostile archives, and looks whether anything got out.

    ci/hostile [--agent FILE] [--only TEXT] [--table [FILE]]

    --agent FILE    a static stager-agent; default: one built from this tree
    --only TEXT     only the archives with TEXT in their names
    --table [FILE]  writes what happened to each as Markdown; default: docs/measured/hostile-archives.md, which is otherwise
                    compared with what happened

The archives are made byte by byte (harness/archives), each with what has to become of it. A server on the loopback
interface gives them to a real agent with a real request, in a root file system of its own (chroot) that holds nothing
but canaries. Afterwards nothing outside of the directory to unpack into may have changed; inside there may be no device,
no set-user-id, nothing that others may write to; and after a refusal nothing at all. Then the same through the agent's cache,
which must be whole afterwards, and empty after a refusal. The last line is

    wrong=0 peak_mib=N tried=N escaped=0 crashed=0

and the exit code is 0 when it says so. A crash is a signal, a panic, an exit code that is not documented, more than
64 MiB of memory, or more than 30 seconds.
"""
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import command
from harness.archives import gzips, tars, zips
from harness.command import TOP
from harness.hostile.server import Server
from harness.hostile.world import World
from harness.tables import escaped, last_line

TABLE = TOP / 'docs/measured/hostile-archives.md'
HEAD = """# What happens to hostile archives

Archives come from strangers: a package is whatever was pushed, a buildpack whatever was uploaded. `ci/hostile` makes the
archives below, lets the agent unpack each, and checks that nothing outside of the directory changed and that nothing is
left in it after a refusal; then the same in a cache, which keeps no entry after a refusal. This page is its output (`ci/hostile --table`).

A refusal ends the staging with exit code 4. The bounds on bytes, entries, ratio, depth and names are options of the agent
(`--max-unpacked 32G`, `--max-entries 1000000`, `--max-ratio 200`, `--max-depth 256`, `--max-name 4095`, where not said otherwise).
"""


def main():
    options = arguments()
    agent = options.agent or command.built('stager-agent') / 'stager-agent'
    archives = [a for group in (tars, gzips, zips) for a in group.archives() if options.only in a.name]
    counts = dict.fromkeys(('wrong', 'peak_mib', 'tried', 'escaped', 'crashed'), 0)
    rows = []
    with tempfile.TemporaryDirectory(prefix='hostile-') as folder, Server(archives) as server, ThreadPoolExecutor(2) as two:
        agent = shutil.copy2(agent, folder)

        def tried(archive):
            return World(Path(folder) / archive.name, agent).unpack(server.url(archive), archive)

        for archive, outcome in zip(archives, two.map(tried, archives), strict=True):
            counts['tried'] += 1
            counts['peak_mib'] = max(counts['peak_mib'], outcome.peak_mib)
            print(f'{archive.name:34} {outcome.text}', flush=True)
            for kind in ('wrong', 'escaped', 'crashed'):
                for complaint in getattr(outcome, kind):
                    counts[kind] += 1
                    print(f'{"":34} {kind.upper()}: {complaint}', flush=True)
            rows.append((archive, outcome))
    if not options.only:
        counts['wrong'] += written(options.table, rows) if options.table else compared(rows)
    print(last_line(**counts))
    return 0 if counts['tried'] and not (counts['wrong'] or counts['escaped'] or counts['crashed']) else 1


def arguments():
    options = command.Options(__doc__)
    options.add_files('--agent')
    options.add_argument('--only', default='')
    options.add_argument('--table', type=Path, nargs='?', const=TABLE)
    return options.parse_args()


def table(rows):
    lines = [HEAD]
    for group in dict.fromkeys(archive.group for archive, _ in rows):
        lines.append(f'## {group}\n\n| archive | holds | what happens |\n|---|---|---|')
        for archive, outcome in rows:
            if archive.group == group:
                lines.append(f'| {archive.name} | {archive.holds} | {escaped(outcome.text)} |')
        lines.append('')
    return '\n'.join(lines)


def written(file, rows):
    file.write_text(table(rows))
    return 0


def compared(rows):
    if TABLE.exists() and TABLE.read_text() == table(rows):
        return 0
    print(f'{TABLE.relative_to(TOP)} says otherwise: ci/hostile --table')
    return 1


command.run(main, 'hostile')
