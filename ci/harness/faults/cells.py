"""The cell keeps apps running: what ends, and how it is started again; and what becomes of them when the cell or the engine goes."""
import time

from harness.faults.crowds import together
from harness.faults.fault import Fault, group
from harness.faults.lives import STEPS as LIVE_STEPS
from harness.faults.lives import begun, running, typed, went_well
from harness.faults.run import NotInjected
from harness.processes import until

CELL = 'stager-cell'
# Ends as it is told to: `/tmp/end` holds what is run instead of the app.
TOLD = './serve & until [ -e /tmp/end ]; do sleep 0.1; done; exec sh -c "$(cat /tmp/end)"'
# How an app ends, and how that is told.
ENDS = {
    'exit-0': ('exit 0', (), 'the app ends with status 0', 'Exited with status 0'),
    'exit-1': ('exit 1', (), 'the app ends with status 1', 'Exited with status 1'),
    'memory': ('exec tail /dev/zero', ('--memory', '64M'), 'the app takes more memory than it may', 'out of memory'),
}
# Of what a cell asks the engine for when it brings an instance up; there is nothing to stop: the earlier one has ended.
STEPS = {step: of for step, of in LIVE_STEPS.items() if step != 'stop'}
AT_ONCE = 3  # crashes after which an instance is started again at once
LAUNCHED = 25  # seconds within which two instances are launched
SOON = 30  # seconds within which what is started at once is back, on a busy machine


@group('the cell keeps apps running')
def cells():
    def fault(name, what, act, says, **more):
        return Fault(f'cell-{name}', what, lambda lane: under_a_cell(lane, act), (0,), says, within=120, then='launch', alone=True, **more)
    for name, (ends, options, what, words) in ENDS.items():
        yield fault(name, what, lambda lane, ends=ends, options=options: ended(lane, ends, options), words, short=name == 'exit-1')
    yield fault('delete', '`delete` and a first `launch` under a cell', deleted, 'Exited with status 1', short=True)
    yield fault('crash-loop', 'the app ends again and again', loop, r'crash_count: 4')
    yield fault('never-healthy', '`stop` while the cell starts an app that listens nowhere', never_healthy, 'audit.app.stop')
    yield fault('fails-at-start', 'the app ends before it is healthy, each time', fails_at_start, 'Exited with status 3', short=True)
    yield fault('killed', 'SIGKILL for the cell, and an app ends meanwhile', killed, 'Exited with status 1')
    for step, (_, when) in STEPS.items():
        yield fault(f'killed-at-{step}', f'SIGKILL for the cell that starts an app again, {when}', lambda lane, step=step: at_work(lane, step),
                    'Exited with status 1')
    yield fault('stopped-at-start', '`cell stop` as it starts an app again', stopped_at_work, 'audit.app.start')
    yield fault('two', '`cell start` twice at once', two, '')
    yield fault('engine-killed', 'dockerd is killed, and started again', lambda lane: restarted(lane, 'kill'), 'audit.app.start')
    yield fault('engine-power', 'all of the engine is gone at once, and started again', lambda lane: restarted(lane, 'power'), 'audit.app.start')


def under_a_cell(lane, act):
    """With an app of two instances in its care; none of it is left."""
    if lane.engine.run('inspect', CELL).returncode == 0:
        raise NotInjected(f'the engine has a container {CELL} already')
    begun(lane, '--instances', '2', '--command', TOLD)
    try:
        went_well(lane, lane.host_cli('cell', 'start', '--output', 'json'))
        return act(lane)
    finally:
        stopped = lane.host_cli('cell', 'stop', '--output', 'json')
        if stopped.end(60) != 0:
            lane.complaints.append(f'cell stop failed: {stopped.last_words()}')
        lane.engine.docker('rm', '--force', CELL, check=False)
        lane.engine.docker('volume', 'rm', '--force', CELL, check=False)


def container_of(lane, index):
    def found():
        index_of = '{{index .Config.Labels "stager.index"}}'
        return [one for one in running(lane) if lane.engine.docker('inspect', '--format', index_of, one, check=False) == str(index)]
    if not until(found, SOON):
        raise NotInjected(f'instance {index} does not run')
    return found()[0]


def end(lane, index, how='exit 1'):
    """The app in this instance ends so. Its container."""
    container = container_of(lane, index)
    lane.engine.docker('exec', container, 'sh', '-c', 'printf %s "$1" >/tmp/end', '-', how)
    if not until(lambda: container not in running(lane), 20):
        raise NotInjected(f'instance {index} does not end')
    return container


def both_run(lane, patience=SOON):
    if not until(lambda: len(running(lane)) == 2, patience):
        lane.complaints.append(f'{len(running(lane))} instances run, not 2')


def events(lane):
    run = typed(lane, 'events')
    run.end(lane.within)
    return run


def said(lane):
    done = lane.engine.run('logs', CELL)
    return done.stdout + done.stderr


def ended(lane, how, options):
    if options:
        went_well(lane, lane.launch('--instances', '2', '--command', TOLD, *options))
    other = container_of(lane, 1)
    end(lane, 0, how)
    both_run(lane)
    if other not in running(lane):
        lane.complaints.append('the other instance does not run on')
    if not until(lambda: 'runs again' in said(lane), 20):
        lane.complaints.append(f'the cell says nothing of it: {said(lane)[:200]!r}')
    return events(lane)


def deleted(lane):
    went_well(lane, lane.host_cli('delete', lane.guid, '--force', '--output', 'json'))
    if not until(lambda: not running(lane), 10) or until(lambda: running(lane), 3):
        lane.complaints.append('what was deleted is started again')
    begun(lane, '--instances', '2', '--command', TOLD)
    if lane.remembered():
        lane.complaints.append("what is wanted is not in the cell's volume alone")
    end(lane, 0)
    both_run(lane)
    return events(lane)


def loop(lane):
    began = time.monotonic()
    for number in range(AT_ONCE):
        # With 0 it is a crash, too.
        end(lane, 0, f'exit {number % 2}')
        both_run(lane)
    end(lane, 0)
    time.sleep(3)
    waits = len(running(lane)) == 1
    if not waits and time.monotonic() - began < 30:
        lane.complaints.append('after the fourth crash it is started again at once')
    both_run(lane, 60)
    return events(lane)


def broken_soon(lane, how):
    """The app's next start does this, and no more, once it has been started well."""
    soon = int(time.time()) + LAUNCHED
    went_well(lane, lane.launch('--instances', '2', '--command', f'[ "$(date +%s)" -lt {soon} ] || {{ {how}; }}; {TOLD}'))
    time.sleep(max(0, soon - time.time()) + 1)


def never_healthy(lane):
    broken_soon(lane, 'exec sleep 1000')
    ended = end(lane, 0)
    if not until(lambda: len(running(lane)) == 2, SOON):
        raise NotInjected('the cell starts nothing')
    if ended in running(lane):
        raise NotInjected('it did not end')
    began = time.monotonic()
    went_well(lane, typed(lane, 'stop'))
    if (took := time.monotonic() - began) > 20:
        lane.complaints.append(f'stop waited {took:.0f} s for the cell')
    time.sleep(3)
    if running(lane):
        lane.complaints.append('what was stopped is started again')
    return events(lane)


def fails_at_start(lane):
    broken_soon(lane, 'echo came to nothing; exit 3')
    end(lane, 0)
    if not until(lambda: 'in 30 s' in said(lane) or 'in 29 s' in said(lane), SOON):
        lane.complaints.append(f'it is started at once again and again: {said(lane)[-300:]!r}')
    logs = typed(lane, 'logs', '--recent')
    logs.end(lane.within)
    if 'came to nothing' not in logs.all_words:
        lane.complaints.append('nothing is left of what it printed')
    shown = typed(lane, 'app')
    shown.end(lane.within)
    if 'crashed 4 times in a row, starts again at' not in shown.all_words:
        lane.complaints.append(f'app does not say what becomes of it: {shown.last_words()}')
    if (left := len(lane.containers('app'))) > 4:
        lane.complaints.append(f'{left} containers are there')
    return events(lane)


def killed(lane):
    lane.engine.docker('kill', CELL)
    end(lane, 0)
    time.sleep(3)
    if len(running(lane)) != 1:
        lane.complaints.append(f'{len(running(lane))} instances run without a cell, not 1')
    went_well(lane, lane.host_cli('cell', 'start', '--output', 'json'))
    both_run(lane)
    return events(lane)


def at_work(lane, step):
    held(lane, step)
    lane.engine.docker('kill', CELL)
    lane.gate.open()
    went_well(lane, lane.host_cli('cell', 'start', '--output', 'json'))
    if not until(lambda: 'runs again' in said(lane), SOON):
        lane.complaints.append(f'the next cell does not go on: {said(lane)[-200:]!r}')
    both_run(lane)
    if len(lane.containers('app')) > 4:
        lane.complaints.append(f"{len(lane.containers('app'))} containers are there, of two instances and what they replaced")
    return events(lane)


def stopped_at_work(lane):
    held(lane, 'start')
    stopped = lane.host_cli('cell', 'stop', '--output', 'json')
    if stopped.end(lane.within) != 0 or 'host-cli start' not in stopped.all_words:
        lane.complaints.append(f'cell stop does not say that an instance is missing: {stopped.last_words()}')
    lane.gate.open()
    if left := lane.containers('guard'):
        lane.complaints.append(f'{len(left)} guards are left: nobody elsewhere may launch the app')
    went_well(lane, typed(lane, 'start'))
    both_run(lane)
    return events(lane)


def held(lane, step):
    """The cell speaks to the engine through the gate, which holds it as it starts an app again."""
    lane.engine.docker('rm', '--force', CELL)
    went_well(lane, lane.host_cli('cell', 'start', '--socket', lane.gate.path, '--output', 'json'))
    lane.gate.wait_for(STEPS[step][0])
    end(lane, 0)
    if not lane.gate.reached.wait(SOON):
        raise NotInjected(f'the cell starts nothing: {said(lane)[-200:]!r}')


def two(lane):
    lane.engine.docker('rm', '--force', CELL)
    runs = [lane.host_cli('cell', 'start', '--output', 'json') for _ in range(2)]
    crowd = together(lane, runs)
    end(lane, 0)
    both_run(lane)
    return crowd


def restarted(lane, how):
    lane.engine.restart(lane.engine.kind, how)
    lane.gate.open()
    # An engine that was killed ends what survived it a moment after it is back.
    until(lambda: len(running(lane)) != 2, 5)
    both_run(lane, 60)
    lane.hcf.start_again()
    lane.start_proxy()
    end(lane, 0)
    both_run(lane)
    return events(lane)
