"""The same images, for `launch`: none of them may run, and get the victim's variables."""
from harness.command import ROOTFS
from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt
from harness.tenant.children import enlist_all, forgetting, named, with_a_newer_child
from harness.tenant.forged import forgery


def that_runs(scene, kind):
    return with_a_newer_child(scene, ROOTFS, kind)


def launched(scene, kind):
    victim, genuine, child = that_runs(scene, kind)
    done = scene.launch(victim)
    running = {container['Image']: container for container in scene.containers(victim)}
    for container in running.values():
        engine.remove('container', container['Id'])
    if child in running:
        environment = ' '.join(running[child]['Config']['Env'])
        return 'the child runs' + (", and has the victim's secret" if 'SECRET=' in environment else '')
    return None if genuine in running or done.code else 'nothing runs, and nobody says so'


enlist_all(
    {
        'launch': (launched, 'launch starts it', ('with-a-layer', 'with-a-variable', 'with-another-start', 'forged-on-the-base')),
        'launch-unremembered': (
            forgetting(launched, that_runs),
            'launch starts it where nothing is remembered',
            ('with-a-layer', 'with-another-start', 'forged-on-the-base'),
        ),
    },
    __name__,
)


@attempt
def forgotten_and_not_launched(scene):
    """where the state folder was wiped, the victim's genuine image cannot be launched any more"""
    victim = scene.app('victim').starts('sleep 600')
    genuine = scene.image(victim)
    victim.home = scene.folder / 'another-home'
    done = scene.launch(victim)
    return None if [one['Image'] for one in scene.containers(victim)] == [genuine] else done.why()


@attempt
def launch_forged_to_the_byte(scene):
    """a newer image, which its content alone makes pass for ours, is launched where a genuine one is remembered"""
    victim = scene.app('victim').starts('sleep 600')
    genuine = scene.image(victim)
    content, forged = forgery(genuine, ROOTFS)
    file = scene.folder / 'forged.tar'
    file.write_bytes(content)
    engine.docker('load', '--input', file)
    if not engine.image_id(forged):
        raise NotSetUp('the engine did not take it')
    while named(forged) <= named(genuine):
        engine.docker('tag', forged, f'{scene.world.instance}/forged:{forged[7:19]}')
    done = scene.launch(victim)
    running = [container['Image'] for container in scene.containers(victim)]
    if forged in running:
        return "the forged image runs, and has the victim's variables"
    return None if genuine in running else f'nothing runs; {done.why()}'
