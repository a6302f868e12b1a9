"""Labels of ours on what anybody may make: nothing of a user's may be renamed, stopped or removed because of them."""
import hashlib
import os
import time
from pathlib import Path

from harness.engine import HERE as engine
from harness.processes import born, until
from harness.tenant.attempt import NotSetUp, attempt, enlist

FOREVER, ENDING, AS_GUARDS = (f'ENTRYPOINT [{words}]' for words in ('"sleep", "600"', '"true"', '"stager-guard"'))


def dead_owner():
    """As host-cli writes who made a thing: this machine, and a process that is gone."""
    boot = Path('/proc/sys/kernel/random/boot_id').read_text().strip()
    place = hashlib.sha256(f'{boot}\n{os.readlink("/proc/self/ns/pid")}'.encode()).hexdigest()[:12]
    return f'{place}.{os.getpid()}.{int(born("self")) - 1}'


def labels(**more):
    """In a Dockerfile; `__` stands for a dash."""
    return 'LABEL ' + ' '.join(f'stager.{name.replace("__", "-")}={value}' for name, value in more.items())


def a_later_run(scene):
    """Any host-cli that makes something looks first for what others have left."""
    done = scene.make_image(scene.shared(made_before), '--base', scene.world.tiny)
    if done.code:
        raise NotSetUp(f'the later host-cli failed: {done.why()}')


def made_before(scene):
    """An app whose image is there already, so that making it again is quick."""
    app = scene.app()
    scene.tiny_image(app)
    return app


def victims_name(scene):
    """A name that the victim's image bears, that image's id, and another image's."""
    victim = scene.app('victim')
    image = scene.tiny_image(victim)
    return engine.inspected('image', image)['RepoTags'][0], image, scene.imported('LABEL evil=yes', f'{scene.world.instance}/evil:{victim.guid}')


def lent(name, image, evil):
    """What a guard of a dead owner tells: that the name goes from one image back to the other."""
    return {'kind': 'guard', 'lent': name, 'lent__to': image, 'lent__from': evil, 'owner': dead_owner()}


def moved(name, image):
    now = engine.image_id(name)
    return None if now == image else f'{name} is another image now' if now else f'{name} is gone'


@attempt
def guard_image_that_ran(scene):
    """a stranger's image says that it is a guard and that a name goes back to a stranger's image; somebody ran it once"""
    name, image, evil = victims_name(scene)
    container = scene.container(scene.strangers(AS_GUARDS, labels(**lent(name, image, evil))))
    until(lambda: not engine.is_running(container))
    a_later_run(scene)
    return moved(name, image)


@attempt
def guard_image_that_was_created(scene):
    """the same, and its container never ran, as a guard's does not"""
    name, image, evil = victims_name(scene)
    guard = scene.strangers(AS_GUARDS, labels(**lent(name, image, evil)))
    scene.created(guard)
    a_later_run(scene)
    return moved(name, image)


@attempt
def guard_image_that_could_not_start(scene):
    """the same, and somebody tried to run it: it has no such program, so its container looks as if it had never run"""
    name, image, evil = victims_name(scene)
    guard = scene.imported(labels(**lent(name, image, evil)), changes=(AS_GUARDS,))
    container = scene.created(guard)
    if engine.run('start', container).returncode == 0:
        raise NotSetUp('it was started')
    a_later_run(scene)
    return moved(name, image)


@attempt
def guard_image_that_runs(scene):
    """a user runs an image of a stranger that says it is a guard: the container is removed while it works"""
    name, image, evil = victims_name(scene)
    container = scene.container('--entrypoint', 'sleep', scene.strangers(AS_GUARDS, labels(**lent(name, image, evil))), '600')
    a_later_run(scene)
    return moved(name, image) or (None if engine.is_running(container) else "the user's container is gone")


def image_with_a_guards_program(scene):
    return scene.strangers(ENDING)


def guard_container(scene, run, told):
    """A guard that somebody made with `docker run` or `docker create`."""
    words = [word for name, value in told.items() for word in ('--label', f'stager.{name.replace("__", "-")}={value}')]
    image = scene.shared(image_with_a_guards_program)
    container = engine.docker(*run, '--label', f'stager.tenant={scene.world.instance}', *words, '--entrypoint', 'stager-guard', image)
    until(lambda: not engine.is_running(container))
    a_later_run(scene)


@attempt
def guard_that_was_started(scene):
    """a container with all labels of a guard, which was started and ended"""
    name, image, evil = victims_name(scene)
    guard_container(scene, ('run', '--detach'), lent(name, image, evil))
    return moved(name, image)


@attempt
def guard_with_a_name_for_an_id(scene):
    """a guard's labels name images by names, so that a name goes to whatever bears another one"""
    name, image, evil = victims_name(scene)
    tag = engine.inspected('image', evil)['RepoTags'][0]
    guard_container(scene, ('create',), lent(name, name, tag))
    return moved(name, image)


@attempt
def guard_that_takes_a_name_away(scene):
    """a guard's labels say that a name was lent for the time being, and has to go"""
    name, image, _ = victims_name(scene)
    told = lent(name, image, '')
    del told['lent__from']
    guard = scene.strangers(AS_GUARDS, labels(**told))
    scene.created(guard)
    a_later_run(scene)
    return moved(name, image)


@attempt
def guard_for_a_nameless_image(scene):
    """a stranger's guard has a user's image without a name removed"""
    victim = scene.app('victim')
    child = scene.build(f'FROM {scene.tiny_image(victim)}\nENV MINE=1\n')
    key = engine.inspected('image', child)['Config']['Labels']['stager.build-key']
    guard = scene.strangers(AS_GUARDS, labels(kind='guard', build__key=key, owner=dead_owner()))
    scene.created(guard)
    a_later_run(scene)
    return None if engine.image_id(child) else "the user's image is gone"


def of_kind(scene, kind, start):
    """A user's container of an image that a stranger labelled."""
    image = scene.strangers(start, labels(kind=kind, owner=dead_owner()))
    container = scene.container(image)
    if start == ENDING:
        until(lambda: not engine.is_running(container))
    a_later_run(scene)
    return None if engine.is_there(container) else "the user's container is gone"


for kind in ('staging', 'cache'):
    for state, start in (('runs', FOREVER), ('ended', ENDING)):
        enlist(f'{kind}-image-that-{state}', f"a user's container of an image that says it is of kind {kind} and its owner dead; it {state}", __name__,
               lambda scene, kind=kind, start=start: of_kind(scene, kind, start))


@attempt
def staging_image_that_is_gone(scene):
    """a user's container of such an image ended, and the image was removed, so that nobody can compare its labels"""
    image = scene.strangers(ENDING, labels(kind='staging', owner=dead_owner()))
    container = scene.container(image)
    until(lambda: not engine.is_running(container))
    engine.docker('image', 'rm', '--force', image)
    a_later_run(scene)
    return None if engine.is_there(container) else "the user's container is gone"


@attempt
def app_image_that_was_created(scene):
    """a user made a container of an image that says it is an app's whose owner is dead"""
    image = scene.strangers(FOREVER, labels(kind='app', instance='x', owner=dead_owner()))
    container = scene.created(image)
    a_later_run(scene)
    return None if engine.is_there(container) else "the user's container is gone"


def the_newer_image(scene, victim):
    """Made after a stranger's, so that it is what is launched."""
    time.sleep(1.1)  # engines count seconds
    scene.image(victim)


@attempt
def app_image_of_the_victim(scene):
    """a user runs an image that says it is the victim's app: the victim's next launch ends it"""
    victim = scene.app('victim').starts('sleep 600')
    image = scene.strangers(FOREVER, labels(kind='app', app__guid=victim.guid, process='web'))
    the_newer_image(scene, victim)
    container = scene.container(image)
    scene.launched(victim)
    return None if engine.is_running(container) else "the user's container was ended"


@attempt
def port_that_a_stranger_says_it_holds(scene):
    """the same, and its labels say that it uses the port which the launch wants"""
    victim = scene.app('victim').starts('sleep 600')
    image = scene.strangers(FOREVER, labels(kind='app', app__guid=victim.guid, process='web', ports='127.0.0.1:38123'))
    the_newer_image(scene, victim)
    container = scene.container(image)
    scene.launched(victim, '--port', '38123')
    return None if engine.is_running(container) else "the user's container was stopped"


@attempt
def own_run_of_an_app_image(scene):
    """a user runs the victim's genuine image: the victim's next launch ends it"""
    victim = scene.app('victim').starts('sleep 600')
    container = scene.container('--entrypoint', 'sleep', scene.image(victim), '600')
    scene.launched(victim)
    return None if engine.is_running(container) else "the user's container was ended"


@attempt
def nameless_image_with_our_label(scene):
    """a user's own image without a name, which a stranger's base labelled as an app's, is removed"""
    image = scene.imported(labels(kind='app'))
    a_later_run(scene)
    return None if engine.image_id(image) else 'it is gone'


@attempt
def nameless_stager_image(scene):
    """a user's own image without a name, of kind stager and of a dead owner by a stranger's labels, is removed"""
    image = scene.imported(labels(kind='stager', owner=dead_owner()))
    a_later_run(scene)
    return None if engine.image_id(image) else 'it is gone'


@attempt
def pushed_name_of_anothers(scene):
    """`push` takes a name of the registry away from a user's image, which had no other"""
    victim = scene.app('victim')
    scene.tiny_image(victim)
    reference = f'{scene.world.registry.address}/guards/{victim.guid}:1'
    users = scene.imported(labels(kind='app', app__guid=victim.guid), reference)
    scene.host('push', '--by', 'engine', f'cf-app/victim-{victim.guid[:8]}', reference, home=victim.home)
    return None if engine.image_id(users) else "the user's image is gone"
