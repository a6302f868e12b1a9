"""What is left when host-cli is killed, and when several are at it at once."""
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.archives.droplets import member
from harness.engine import HERE as engine
from harness.processes import until
from harness.tenant.attempt import NotSetUp, attempt
from harness.tenant.guards import made_before

BULK = 64 << 20


def was_loaded(victim, since):
    """Whether the engine has told that it took the victim's image in. Whether it is still there proves nothing: the next
    host-cli that looks, in any lane, may have removed it already."""
    told = engine.docker('events', '--since', since, '--until', int(time.time()) + 1, '--filter', 'event=load', '--filter',
                         f'label=stager.app-guid={victim.guid}', '--format', '{{.ID}}')
    return bool(told)


def nameless(victim):
    found = [engine.inspected('image', one) for one in engine.listed('image', f'stager.app-guid={victim.guid}')]
    return [one['Id'] for one in found if one and not one['RepoTags']]


def killed_while_loading(scene, victim, file):
    """Kills host-cli when it has given the engine all of the image, and lets the next one look at once, before the engine is done."""
    process = scene.start('image', '--request', victim.file('staging'), '--droplet', file, '--lifecycle', scene.world.lifecycle,
                          '--base', scene.world.tiny, '--image-by', 'load')
    wait_until_all_is_sent(process)
    was_under_way = process.poll() is None
    process.kill()
    process.communicate()
    another_run(scene)
    return was_under_way


def wait_until_all_is_sent(process):
    """It has written the layer, has read it again for the engine, and now waits for that."""
    written_at, before, since = None, None, time.monotonic()
    while process.poll() is None:
        try:
            read, written = (int(line.split()[1]) for line in Path(f'/proc/{process.pid}/io').read_text().splitlines()[:2])
        except OSError:
            return
        if written_at is None and written > BULK:
            written_at = read
        if read != before:
            before, since = read, time.monotonic()
        if written_at is not None and read - written_at > BULK and time.monotonic() - since > 0.1:
            return
        time.sleep(0.01)


def another_run(scene):
    if scene.make_image(scene.shared(made_before), '--base', scene.world.tiny).code:
        raise NotSetUp('the later host-cli failed')


@attempt
def killed_while_an_image_loads(scene):
    """after `kill -9` the engine goes on loading, and keeps the image for good, without a name"""
    loaded = 0
    for _ in range(3):
        victim = scene.app('victim')
        file = scene.droplet(victim.guid, [(member('./app/bulk'), os.urandom(BULK))])
        since = int(time.time())
        was_under_way = killed_while_loading(scene, victim, file)
        if was_under_way and until(lambda victim=victim, since=since: was_loaded(victim, since), 20):
            loaded = 1
            another_run(scene)
            if not until(lambda victim=victim: not nameless(victim), 5):
                return 'it is still there'
            break
    if not loaded:
        raise NotSetUp('the engine never went on after the kill')
    return None


@attempt
def three_launches_at_once(scene):
    """three launches of one app at once leave more than one of it running, or none"""
    victim = scene.app('victim').starts('sleep 600')
    scene.image(victim)
    with ThreadPoolExecutor(3) as three:
        ends = [done.result() for done in [three.submit(scene.launch, victim) for _ in range(3)]]
    codes = sorted(end.code for end in ends)
    there = engine.listed('container', f'stager.app-guid={victim.guid}')
    if len(there) != 1 or len(scene.containers(victim)) != 1:
        return f'{len(there)} containers are there, {len(scene.containers(victim))} run; exit codes {codes}'
    return None if codes == [0, 8, 8] else f'exit codes {codes}, though one runs; {max(ends, key=lambda end: end.code).why()}'


@attempt
def launch_after_a_kill(scene):
    """after `kill -9` of a launch the app cannot be launched any more"""
    victim = scene.app('victim').starts('sleep 600')
    scene.image(victim)
    victim.launch['monitor'] = scene.world.launch['monitor']  # it never answers, so that the launch goes on
    process = scene.start('launch', '--request', victim.file('launch'), '--network', scene.network, home=victim.home)
    if not until(lambda: scene.containers(victim)) or process.poll() is not None:
        raise NotSetUp('the launch was not seen')
    process.kill()
    process.communicate()
    del victim.launch['monitor']
    done = scene.launch(victim)
    return None if done.code == 0 else done.why()
