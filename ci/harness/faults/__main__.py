"""Lets things fail while an app is staged and launched, and looks at what becomes of it.

    ci/faults [--short] [--only NAME]... [--lanes N] [--markdown FILE] [--work DIR] [--keep] [--list]

    --short          the faults that take four minutes and hurt nobody, on this machine's engine
    --only NAME      this fault only; several may be named, also as patterns: --only 'blobstore-*'
    --lanes N        so many faults at once where they do not disturb one another; default: 3
    --markdown FILE  writes what happened as docs/measured/faults.md has it; with --only, the other rows of FILE stay
    --work DIR       where the engines lie, with their images; default: a folder in /var/tmp that goes at the end
    --keep           leaves the engines' Debian packages in DIR for the next run
    --list           lists the faults

Processes are ended by signals, the engine is restarted, servers break off, lie and stall, names do not resolve, disks and
memory are full, many stage at once: against a mini-HCF, on Docker Engines of their own (ci/engine), whose data lie on
loop-mounted files; one is for what disturbs all beside it. After each fault all of the promises of docs/measured/faults.md are
checked. A fault that did not really happen has failed.

The last line is `tried=… failed=…`; the exit code is 0 when none failed. Needs root, and what ci/setup, ci/build-static and
docker/build make (STAGER_STATIC_BIN, STAGER_TEST_IMAGE name others). On two cores the whole takes about a quarter of an hour.

    ci/faults --only host-cli-kill-fetch --only 'engine-*'
"""
import fnmatch
import shutil
import tempfile
import threading
from importlib import import_module
from pathlib import Path

from harness import command
from harness.faults import table
from harness.faults.fault import groups
from harness.faults.matrix import Matrix
from harness.faults.places import Here, Own
from harness.faults.run import Run
from harness.own_engine.supplies import Images

# The groups of the page, in its order.
MODULES = ('cells', 'crowds', 'kills', 'lives', 'names', 'restarts', 'servers', 'space')


def main():
    options = arguments()
    chosen = choose(options)
    if options.list:
        for fault in chosen:
            print(f'{fault.name:34} {fault.what}')
        return 0
    if not chosen:
        raise command.Unavailable('no fault is called so; --list tells the names')
    command.need_root('ci/faults')
    work = options.work or Path(tempfile.mkdtemp(prefix='faults-', dir='/var/tmp'))
    parts = []
    try:
        parts = divided(options, chosen, work)
        threads = [threading.Thread(target=part.run, daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for part in parts:
            part.stopping = True
        Run.end_all()
        for part in parts:
            part.close()
        shutil.rmtree(work / 'supplies', ignore_errors=True)
        if not options.keep:
            shutil.rmtree(work / 'roots', ignore_errors=True)
        if work.exists() and not [*work.iterdir()]:
            work.rmdir()
    return told(options, parts)


def divided(options, chosen, work):
    """On this machine's engine; or on two of their own, of which one is for those that disturb whatever is beside them."""
    if options.short:
        return [Matrix('short', Here, chosen, options.lanes)]
    (work / 'supplies').mkdir(parents=True, exist_ok=True)
    images = Images(work / 'supplies')
    parts = {'beside': [fault for fault in chosen if not fault.alone], 'alone': [fault for fault in chosen if fault.alone]}
    return [Matrix(name, lambda name=name: Own(images, work, name), faults, options.lanes if name == 'beside' else 1)
            for name, faults in parts.items() if faults]


def told(options, parts):
    broken = [error for part in parts for error in part.broken]
    if broken:
        raise broken[0]
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    if options.markdown:
        before = options.markdown.read_text() if options.only and options.markdown.exists() else ''
        options.markdown.write_text(table.markdown(outcomes, before))
    left = [thing for part in parts for thing in part.left]
    for thing in left:
        print(f'left on the engine: {thing}')
    print(table.last_line(outcomes))
    return 0 if outcomes and not left and not any(outcome.wrong for outcome in outcomes) else 1


def choose(options):
    for module in MODULES:
        import_module(f'harness.faults.{module}')
    every = [fault for faults in groups().values() for fault in faults]
    if options.short:
        every = [fault for fault in every if fault.short]
    wanted = options.only or ['*']
    return [fault for fault in every if any(fnmatch.fnmatchcase(fault.name, name) for name in wanted)]


def arguments():
    options = command.Options(__doc__)
    options.add_argument('--only', action='append', metavar='NAME')
    options.add_argument('--lanes', type=int, default=3)
    options.add_flags('--short', '--list', '--keep')
    options.add_files('--work', '--markdown')
    return options.parse_args()


command.run(main, 'faults')
