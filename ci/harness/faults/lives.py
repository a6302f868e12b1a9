"""What goes wrong with an app that lives on: its replacement, what is remembered of it, its containers and images."""
import json
import time

from harness.faults.crowds import together
from harness.faults.fault import Fault, group
from harness.faults.run import NotInjected
from harness.processes import until

# Of a replacement, by what host-cli asks the engine for: what has been done by then.
STEPS = {
    'create': ('/containers/create?name=cf-app-', 'before the new container is made'),
    'fill': ('/archive?', 'while the new container is filled'),
    'start': ('/start', 'before the new container starts'),
    'stop': ('/stop', 'before the earlier container ends'),
}
NOT_REMEMBERED = {
    'lost': (lambda file: file.unlink(), 'is lost', 'nothing is remembered'),
    'damaged': (lambda file: file.write_bytes(file.read_bytes()[:100]), 'is cut off', 'damaged'),
    'newer': (lambda file: file.write_text('{"form":9}'), 'is of a newer host-cli', 'newer host-cli'),
}


@group('an app that lives on')
def lives():
    for step, (_, when) in STEPS.items():
        yield Fault(f'life-kill-{step}', f'SIGKILL for host-cli in a `restart`, {when}', lambda lane, step=step: killed(lane, step), (-9,),
                    then='launch', short=step == 'start')
    for how, (_, what, says) in NOT_REMEMBERED.items():
        yield Fault(f'life-file-{how}', f'what is remembered {what}: `restart`', lambda lane, how=how: not_remembered(lane, how), (8,), says, then='launch')
    yield Fault('life-crash-at-start', 'the next version ends as it starts', crash, (8,), 'ended with status 3', then='launch')
    yield Fault('life-check-fails', 'the next version never answers', silent, (8,), 'not healthy within', then='launch')
    yield Fault('life-no-launcher', 'the launch request names a launcher that is not there', no_launcher, (3,), 'runs no launcher', then='launch')
    yield Fault('life-image-gone', 'the image of an earlier revision is removed: `rollback`', image_gone, (8,), 'gone from the engine',
                page='new', droplet='new', then='launch')
    yield Fault('life-disk-full', "nothing is free on the engine's disk: `restart`", disk_full, (8, 9), 'no space left', then='launch', alone=True)
    yield Fault('life-pruned', '`docker container prune` takes a stopped app: `start`', pruned, (0,), then='launch')
    yield Fault('life-scale-and-delete', '`scale`, `launch` and `delete` at once', at_once, (0, 2, 8), then='launch')
    yield Fault('life-two-launches', 'two `launch` at once', two_launches, (0, 8), then='launch')
    yield Fault('life-large-environment', 'an environment of 200 kB', large, (0,), then='launch')
    yield Fault('life-hostile-name', "an app's name holds what moves a terminal's cursor", hostile, (0,), then='launch')


def running(lane):
    return sorted(lane.containers('app', running=True))


def begun(lane, *options):
    """The app's containers, after a launch that went well."""
    went_well(lane, lane.launch(*options))
    return running(lane)


def went_well(lane, run):
    if run.end(lane.within) != 0:
        raise NotInjected(f'{run.command[1:3]} failed: {run.last_words()}')
    return run


def typed(lane, verb, *options, **more):
    return lane.host_cli(verb, lane.guid, *options, '--output', 'json', **more)


def stays(lane, before):
    """What ran before runs on, alone."""
    if running(lane) != before:
        lane.complaints.append('what ran before does not run on, or not alone')


def killed(lane, step):
    begun(lane)
    lane.gate.wait_for(STEPS[step][0])
    run = typed(lane, 'restart', gate=True)
    if not lane.gate.reached.wait(60):
        raise NotInjected(f'it came to no such step: {run.last_words()}')
    run.signal('KILL')
    run.end(lane.within)
    lane.gate.open()
    time.sleep(1)  # The engine may carry out what it was asked for.
    if not running(lane):
        lane.complaints.append('nothing runs any more')
    again = typed(lane, 'restart')
    if again.end(lane.within) != 0:
        lane.complaints.append(f'the next restart failed: {again.last_words()}')
    if not until(lambda: len(running(lane)) == 1, 15) or len(lane.containers('app')) > 2:
        lane.complaints.append(f"{len(running(lane))} containers run, of {len(lane.containers('app'))}, after the next restart")
    return run


def not_remembered(lane, how):
    before = begun(lane)
    file = lane.remembered()
    NOT_REMEMBERED[how][0](file)
    run = typed(lane, 'restart')
    run.end(lane.within)
    stays(lane, before)
    for verb in ('stop', 'delete'):
        done = lane.host_cli(verb, lane.guid, *(('-f',) if verb == 'delete' else ()), '--output', 'json')
        if done.end(lane.within) != 0:
            lane.complaints.append(f'{verb} failed: {done.last_words()}')
    if how == 'newer' and file.exists() and file.read_text() != '{"form":9}':
        lane.complaints.append("a newer program's file was changed")
    file.unlink(missing_ok=True)
    return run


def crash(lane):
    before = begun(lane)
    run = lane.launch('--command', 'echo going down; exit 3')
    run.end(lane.within)
    stays(lane, before)
    if 'going down' not in run.all_words:
        lane.complaints.append("the app's last lines are not shown")
    return run


def silent(lane):
    before = begun(lane)
    asked = json.loads(lane.hcf.asked('launch-req', lane.app))
    file = lane.folder / 'launch.json'
    file.write_text(json.dumps({**asked, 'start_timeout': 3}))
    run = lane.host_cli('launch', '--request', file, '--network', lane.network, '--command', 'sleep 90', '--output', 'json')
    run.end(lane.within)
    stays(lane, before)
    return run


def no_launcher(lane):
    before = begun(lane)
    file = lane.folder / 'launch.json'
    file.write_text(lane.hcf.asked('launch-req', lane.app).replace('/tmp/lifecycle/launcher', '/tmp/lifecycle/none'))
    run = lane.host_cli('launch', '--request', file, '--network', lane.network, '--output', 'json')
    run.end(lane.within)
    stays(lane, before)
    return run


def two_launches(lane):
    crowd = together(lane, [lane.launch('--instances', '2') for _ in range(2)])
    if len(running(lane)) != 2 or not any(run.code == 0 for run in crowd.runs):
        lane.complaints.append(f'{len(running(lane))} instances run, not 2')
    return crowd


def image_gone(lane):
    begun(lane)
    earlier = lane.engine.docker('inspect', '--format', '{{.Image}}', running(lane)[0])
    lane.push()
    went_well(lane, lane.restage(agent=()))
    before = begun(lane)
    for container in set(lane.containers('app')) - set(before):
        lane.engine.docker('rm', '--force', container)
    lane.engine.docker('rmi', '--force', earlier)
    run = typed(lane, 'rollback')
    run.end(lane.within)
    stays(lane, before)
    return run


def disk_full(lane):
    before, file = begun(lane), lane.remembered().read_text()
    lane.engine.fill()
    try:
        run = typed(lane, 'restart')
        run.end(lane.within)
        stays(lane, before)
    finally:
        lane.engine.make_room()
    if lane.remembered().read_text() != file:
        lane.complaints.append('what is remembered was changed')
    return run


def pruned(lane):
    begun(lane)
    went_well(lane, typed(lane, 'stop'))
    label = f'label=stager.app-guid={lane.guid}'
    lane.engine.docker('container', 'prune', '--force', '--filter', label)
    if lane.containers('app'):
        raise NotInjected('the engine kept the container')
    run = typed(lane, 'start')
    run.end(lane.within)
    if len(running(lane)) != 1:
        lane.complaints.append('it does not run')
    return run


def at_once(lane):
    begun(lane, '--instances', '2')
    runs = [typed(lane, 'scale', '-i', '3'), lane.launch('--instances', '1'), lane.host_cli('delete', lane.guid, '-f', '--output', 'json')]
    crowd = together(lane, runs)
    file = lane.remembered()
    web = json.loads(file.read_text())['processes']['web'] if file else {'instances': 0}
    if len(running(lane)) != web['instances']:
        lane.complaints.append(f"{len(running(lane))} instances run, and {web['instances']} are remembered")
    return crowd


def large(lane):
    file = lane.folder / 'variables'
    file.write_text(''.join(f'LARGE_{number}={"x" * 5000}\n' for number in range(40)))
    run = lane.launch('--env-file', file)
    run.end(lane.within)
    again = typed(lane, 'restart')
    if again.end(lane.within) != 0:
        lane.complaints.append(f'restart failed: {again.last_words()}')
    said = lane.engine.docker('exec', *running(lane)[:1], 'sh', '-c', "tr '\\0' '\\n' </proc/1/environ | grep -c ^LARGE_", check=False)
    if said != '40':
        lane.complaints.append(f'the app has {said or "none"} of 40 variables')
    return run


def hostile(lane):
    asked = lane.hcf.asked('launch-req', lane.app)
    file = lane.folder / 'launch.json'
    name = '\x1b[2J\r\n\u202eevil'
    file.write_text(asked.replace(f'\\"{lane.app}\\"', json.dumps(json.dumps(name))[1:-1]).replace(f'"{lane.app}"', json.dumps(name)))
    run = lane.host_cli('launch', '--request', file, '--network', lane.network, '--output', 'json')
    if run.end(lane.within) == 0:
        for words in (('apps',), ('app', lane.guid), ('revisions', lane.guid), ('scale', lane.guid), ('stop', lane.guid), ('delete', lane.guid, '-f')):
            shown = lane.host_cli(*words)
            shown.end(lane.within)
            if '\x1b' in shown.all_words or '\u202e' in shown.all_words:
                lane.complaints.append(f'{words[0]} shows it as it is')
    return run
