"""Stages an app with a hostile buildpack, and lists what it got.

    ci/hostile-buildpack [--only TEXT] [--image IMAGE] [--binaries DIR] [--without-guards]

    --only TEXT        only the stagings with TEXT in their names: restage, drop-in, terminal, swap,
                       limit, output
    --image IMAGE      the stager image; default: STAGER_TEST_IMAGE, else stager:latest
    --binaries DIR     where host-cli, mini-hcf and the demo's lifecycle are; default: STAGER_STATIC_BIN, else target/static
    --without-guards   instead: lets it try all in a container of another make, as root, with the socket and without seccomp.
                       What is denied there too is held up by more than our guards

examples/buildpacks/hostile tries from inside, by `restage` and in the drop-in form with the Docker socket and on a terminal.
Then the same buildpack puts links, pipes and others' files in the place of its droplet, its result and its cache (swap),
runs into memory_mb, disk_mb and the limit of processes (limit), and prints without end and what looks like lines of ours
(output). Needs what ci/setup, ci/build-static and docker/build make. The last
line is

    attempts=N succeeded=0

and the exit code is 0 when it says so and every staging ended as it should.
"""
import re
import shutil
import subprocess
import sys
import tempfile

from harness import command
from harness.engine import HERE as engine
from harness.hostile_buildpack.world import LIMIT, PACK, SOCKET, World
from harness.tables import last_line

PLACES = {'droplet': 'droplet', 'output-cache': 'build artifacts cache', 'result': ''}
SWAPS = ['droplet=symlink', 'droplet=symlink-environ', 'droplet=symlink-cache', 'droplet=hard-link', 'droplet=fifo',
         'droplet=directory', 'droplet=unix-socket', 'droplet=sparse', 'result=symlink', 'result=fifo',
         'output-cache=symlink', 'output-cache=hard-link']
# By name: the buildpack's mode, the request's limits, and what the failure says that they make of it. A fork bomb that the
# limit of processes stops fails or not, as the buildpack's own forks do; that it ends, with all of it, is what counts. One
# whose processes do not all have room in the memory is ended for that.
LIMITS = {
    'memory': ('memory', {'memory_mb': 128}, 'out of memory'),
    'disk': ('disk', {'disk_mb': 64}, 'disk quota exceeded'),
    'renamed': ('renamed', {'disk_mb': 64}, 'disk quota exceeded'),
    'forks': ('forks', {'memory_mb': 2048}, ''),
    'forks-memory': ('forks', {'memory_mb': 384}, 'out of memory'),
}
FORGED = 'FORGED'
HEADS = ('======>', 'error:', 'warning:', 'try:', 'note:', 'Next:')
MOST_OUTPUT = 64 << 20  # the agent's --max-output; in JSON a line has more around it


class Tally:
    def __init__(self):
        self.attempts, self.succeeded, self.wrong = 0, 0, 0

    def take(self, where, name, verdict):
        self.attempts += 1
        self.succeeded += verdict.startswith('SUCCEEDED')
        print(f'{where:8} {name:26} {verdict}', flush=True)

    def complain(self, where, what):
        self.wrong += 1
        print(f'{where:8} WRONG: {what}', flush=True)


def reports(lines):
    for line in lines:
        if line.startswith('tried '):
            name, _, verdict = line.removeprefix('tried ').partition(': ')
            yield name, verdict


def names():
    """All that the buildpack is to report."""
    told = subprocess.run([sys.executable, '-B', PACK / 'lib/names.py'], stdout=subprocess.PIPE, text=True, check=True).stdout
    return told.splitlines()


def battery(world, tally, where, stage):
    done = stage(world.edited(survivors=world.buildpack()))
    reported = dict(reports(done.lines))
    for name, verdict in reported.items():
        tally.take(where, name, verdict)
    missing = [name for name in names() if name not in reported]
    if missing:
        tally.complain(where, f'no report of {", ".join(missing)}')
    if done.code or not done.heard('image'):
        tally.complain(where, f'the staging failed; {done.why()}')


def swaps(world, tally):
    runs = [(swap, lambda request: world.restage(request, '--no-image')) for swap in SWAPS]
    runs.append(('droplet=symlink-socket', world.drop_in))
    for swap, stage in runs:
        place = swap.partition('=')[0]
        done = stage(world.edited(mode=swap))
        if place == 'result':
            got = done.heard('result')
        else:
            got = done.heard('image') or [event for event in done.heard('uploaded') if event.get('name') == PLACES[place]]
        refused = [event['text'] for event in done.heard('failed') + done.heard('ignored') if 'not taken' in event.get('text', '')]
        tally.take('swap', swap, 'SUCCEEDED it was taken' if got else f'denied ({refused[0] if refused else done.why()})')
        if not got and not refused:
            tally.complain('swap', f'{swap} was not refused for what it is')


def limits(world, tally):
    for limit, (mode, fields, words) in LIMITS.items():
        done = world.restage(world.edited(mode=mode, **fields), '--no-image')
        told = done.why()
        ended = done.code and words in told if words else done.code in (0, 5, 222, 223, 224)
        tally.take('limit', limit, f'denied ({told})' if ended else f'SUCCEEDED {told}')


def outputs(world, tally):
    done = world.plain(world.edited(mode='lines'))
    forged = [line for line in (done.out + done.error).splitlines() if FORGED in line]
    # What nobody sees in front of a line makes it no other line.
    taken = [line for line in forged if re.sub('\033\\[[0-9;]*m|[\u200b\\s]', '', line).startswith(HEADS)]
    tally.take('output', 'lines-like-ours', f'SUCCEEDED {taken[0]!r}' if taken else f'denied ({forged[0] if forged else "nothing was said"})')
    if len(forged) < 18:
        tally.complain('output', f'{len(forged)} of 18 forged lines were said')
    done = world.restage(world.edited(mode='output'), '--no-image')
    printed = sum(len(line) + 1 for line in done.lines)
    told = any('--max-output' in event.get('text', '') for event in done.heard('warning'))
    tally.take('output', 'without-end', f'SUCCEEDED {printed} bytes' if printed > MOST_OUTPUT else f'denied ({printed} bytes)')
    if done.code or not told:
        tally.complain('output', f'the bound was not told, or ended the staging; {done.why()}')


def without_guards(world, tally):
    copy = world.folder / 'buildpacks' / PACK.name
    shutil.copytree(PACK, copy)
    name = f'stager-{world.hcf.name}'
    secret = '-upload-uri=a-secret'
    engine.docker('run', '-d', '--name', name, '--label', 'stager.kind=staging', '--user', '0', '--env', f'A={secret}',
                  '--net', world.hcf.network, '--security-opt', 'seccomp=unconfined', '-v', f'{SOCKET}:{SOCKET}', '-v', f'{world.volume}:/var/cache/stager',
                  '-v', f'{copy.parent}:/tmp/buildpacks', '-v', f'{world.lifecycle}:/tmp/lifecycle', '--entrypoint', 'sleep', world.image, '600')
    try:
        engine.docker(
            'exec', name, 'sh', '-c', 'echo completion_callback_url >/tmp/request.json; mkdir -p /var/cache/stager/entries; echo 1 >/var/cache/stager/index'
        )
        for program in ('compile', 'survivors'):
            said = engine.docker('exec', '--user', '0', name, f'/tmp/buildpacks/hostile/bin/{program}', check=False, patience=LIMIT)
            for attempt, verdict in reports(said.splitlines()):
                tally.take('free', attempt, verdict)
    finally:
        engine.remove('container', name)


def main():
    options = arguments()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix='hostile-buildpack-') as folder:
        world = World(options, folder)
        try:
            world.up()
            if options.without_guards:
                without_guards(world, tally)
            else:
                stagings = {
                    'restage': lambda: battery(world, tally, 'restage', world.restage),
                    'drop-in': lambda: battery(world, tally, 'drop-in', world.drop_in),
                    'terminal': lambda: battery(world, tally, 'terminal', world.on_terminal),
                    'swap': lambda: swaps(world, tally),
                    'limit': lambda: limits(world, tally),
                    'output': lambda: outputs(world, tally),
                }
                for name, staging in stagings.items():
                    if options.only in name:
                        staging()
        finally:
            world.down()
    print(last_line(attempts=tally.attempts, succeeded=tally.succeeded))
    return 0 if tally.attempts and not (tally.succeeded or tally.wrong) else 1


def arguments():
    options = command.Options(__doc__)
    options.add_programs()
    options.add_argument('--only', default='')
    options.add_flags('--without-guards')
    return options.parse_args()


command.run(main, 'hostile-buildpack')
