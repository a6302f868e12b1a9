"""Runs the image, export, push, restage and launch tests against every engine that stager supports, and shows what differs.

    ci/engines [--only NAME]... [--fast] [--keep] [--work DIR] [--markdown FILE] [--list]

    --only NAME      this engine only; several may be named. --list tells the names
    --fast           without the push, restage and launch tests, which take some minutes for each engine
    --keep           leaves the engines' packages in DIR for the next run; their images go in any case
    --work DIR       where engines and their images lie, 2 GB each; default: a folder in /var/tmp that goes at the end
    --markdown FILE  writes what happened as a table, which docs/measured/engines.md is

Each engine is started from Debian packages in namespaces of its own (ci/engine), one after the other, gets the
images that docker/build made on this machine's engine, and is removed again. On each run host-cli's tests that need an
engine, and then the checks of harness/engines/checks.py: an image that is made there runs, there and elsewhere, is pushed and
pulled, has its labels and history, is the same as on other engines, and leaves nothing behind.

An engine that cannot be had is skipped, with the reason; it never counts as passed. The last line is
`engines=… passed=… skipped=… failed=…`; the exit code is 0 when none failed and at least one passed. Needs root, cargo, and what ci/setup
installs; the whole takes about an hour on two cores.

    ci/engines --only docker-current --only docker-20.10 --fast
"""
import shutil
import tempfile
import time
from pathlib import Path

from harness import command
from harness.engines import report
from harness.engines.checks import Checks
from harness.engines.supplies import Supplies
from harness.own_engine.kinds import KINDS
from harness.own_engine.machine import Machine


def main():
    options = arguments()
    if options.list:
        for kind in KINDS.values():
            print(f'{kind.name:26} {kind.what}')
        return 0
    command.need_root('ci/engines')
    work = options.work or Path(tempfile.mkdtemp(prefix='engines-', dir='/var/tmp'))
    (work / 'supplies').mkdir(parents=True, exist_ok=True)
    outcomes, made = [], []
    try:
        supplies = Supplies(work / 'supplies')
        for name in options.only or KINDS:
            outcomes.append(tried(KINDS[name], work, supplies, made, options.fast))
    finally:
        shutil.rmtree(work / 'supplies')
        if not options.keep:
            shutil.rmtree(work / 'roots', ignore_errors=True)
            if not [*work.iterdir()]:
                work.rmdir()
    if options.markdown:
        options.markdown.write_text(report.markdown(outcomes))
    print('\n'.join(report.ids(outcomes)))
    print(report.last_line(outcomes))
    return 0 if all(outcome.state != 'failed' for outcome in outcomes) and any(o.state == 'passed' for o in outcomes) else 1


def tried(kind, work, supplies, made, fast):
    """Starts an engine, runs all checks on it, ends it."""
    print(f'\n--- {kind.name}: {kind.what}', flush=True)
    outcome, began = report.Outcome(kind), time.monotonic()
    machine = Machine(work, kind.name)
    try:
        machine.start(kind)
        checks = Checks(kind, machine, supplies, made)
        outcome.version = checks.version()
        print(f'    {outcome.version}', flush=True)
        for check in checks.all(fast):
            outcome.add(check())
    except command.Unavailable as reason:
        outcome.skipped = str(reason)
    finally:
        machine.stop(keep=True)
    outcome.seconds = time.monotonic() - began
    print(f'--- {kind.name}: {outcome.state}{f" ({outcome.skipped})" if outcome.skipped else ""}, {outcome.seconds:.0f} s', flush=True)
    return outcome


def arguments():
    options = command.Options(__doc__)
    options.add_argument('--only', action='append', choices=KINDS, metavar='NAME')
    options.add_flags('--list', '--fast', '--keep')
    options.add_files('--work', '--markdown')
    return options.parse_args()


command.run(main, 'engines')
