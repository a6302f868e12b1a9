"""What is left when host-cli is killed, and when several are at it at once."""
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import engine
from attempt import NotSetUp, attempt
from droplets import droplet, member
from guards import made_before

BULK = 96 << 20


def nameless(victim):
    found = [engine.inspected('image', one) for one in engine.listed('image', f'stager.app-guid={victim.guid}')]
    return [one['Id'] for one in found if one and not one['RepoTags']]


def killed_while_loading(scene, victim, file, later):
    """Kills host-cli `later` seconds after its guard appeared, and lets the next one look at once, before the engine is done."""
    before = set(engine.listed('container', 'stager.kind=guard'))
    process = scene.start('image', '--request', victim.file('staging'), '--droplet', file, '--lifecycle', scene.world.lifecycle,
                          '--base', scene.world.tiny, '--image-by', 'load')
    own = f'.{process.pid}.'

    def is_guarded():
        new = set(engine.listed('container', 'stager.kind=guard')) - before
        owners = [(engine.inspected('container', one) or {}).get('Config', {}).get('Labels', {}).get('stager.owner', '') for one in new]
        return any(own in owner for owner in owners) or process.poll() is not None
    scene.until(is_guarded, 20)
    time.sleep(later)
    was_under_way = process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    another_run(scene)
    return was_under_way


def another_run(scene):
    if scene.make_image(scene.shared(made_before), '--base', scene.world.tiny).code:
        raise NotSetUp('the later host-cli failed')


@attempt
def killed_while_an_image_loads(scene):
    """after `kill -9` the engine goes on loading, and keeps the image for good, without a name"""
    was_under_way, loaded = 0, 0
    for later in (0.3, 0.5, 0.7, 0.9):
        victim = scene.app('victim')
        file = scene.folder / f'{later}.tgz'
        file.write_bytes(droplet(str(later), [(member('./app/bulk'), os.urandom(BULK))]))
        was_under_way += killed_while_loading(scene, victim, file, later)
        if scene.until(lambda victim=victim: nameless(victim), 4):
            loaded += 1
            another_run(scene)
            if nameless(victim):
                return f'it is still there; the kill came {later} s after the guard'
    if not was_under_way or not loaded:
        raise NotSetUp(f'of four kills {was_under_way} came in time, and {loaded} images were loaded all the same')
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
    return None if codes == [0, 8, 8] else f'exit codes {codes}, though one runs'
