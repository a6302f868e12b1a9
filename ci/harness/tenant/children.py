"""Images that bear an app's labels and are not what was made of its droplet: children, and what was forged anew."""
import json
import time

from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt, enlist

BACKDOOR = 'a backdoor\n'
OURS = ('stager.tenant', 'mine')
NEW_LAYER = 'COPY backdoor /home/vcap/app/marker\n'
AS_OURS = ('ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=en_US.UTF-8 PORT=8080', 'EXPOSE 8080', 'WORKDIR /home/vcap', 'USER vcap',
           'ENTRYPOINT ["/tmp/lifecycle/launcher"]', 'CMD ["app","",""]')


def forged_on_the_base(scene, image, base):
    """Its files on the base, without a step for each setting: the classic builder takes a second for one."""
    place = scene.folder / 'taken'
    place.mkdir()
    (place / 'backdoor').write_text(BACKDOOR)
    of_image, of_base = (scene.created(one, 'true') for one in (image, base))
    for part in ('home/vcap', 'tmp/lifecycle'):
        (place / part).parent.mkdir(exist_ok=True)
        engine.docker('cp', f'{of_image}:/{part}', place / part)
        engine.docker('cp', place / part, f'{of_base}:/{part.rpartition("/")[0]}/')
    engine.docker('cp', place / 'backdoor', f'{of_base}:/home/vcap/app/marker')
    words = [word for line in (*AS_OURS, labels_of(image)) for word in ('--change', line)]
    return engine.docker('commit', *words, of_base)


KINDS = {
    'with-a-layer': lambda scene, image, base: scene.build(f'FROM {image}\n{NEW_LAYER}', backdoor=BACKDOOR),
    'with-a-variable': lambda scene, image, base: scene.build(f'FROM {image}\nENV LD_PRELOAD=/tmp/backdoor.so\n'),
    'with-another-start': lambda scene, image, base: scene.build(f'FROM {image}\nUSER root\nENTRYPOINT ["sleep", "600"]\n'),
    'forged-on-the-base': forged_on_the_base,
    'forged-from-nothing': lambda scene, image, base: scene.imported(labels_of(image), changes=AS_OURS),
}


def labels_of(image):
    """As a line of a Dockerfile, without those by which these tests find what they made."""
    labels = engine.inspected('image', image)['Config']['Labels']
    return 'LABEL ' + ' '.join(f'{name}={json.dumps(value).replace("$", chr(92) + "$")}' for name, value in labels.items() if name not in OURS)


def family(scene, base, _):
    """A victim, and its image as `restage` makes it."""
    victim = scene.app('victim').starts('sleep 600')
    return victim, scene.image_of(scene.restaged(victim, '--base', base))


def child(scene, base, kind, of):
    """An image of the kind that bears all of the victim's labels."""
    _, genuine = scene.shared(family, base, of)
    made = KINDS[kind](scene, genuine, base)
    if made == genuine or sorted(labels_of(made).split()) != sorted(labels_of(genuine).split()):
        raise NotSetUp(f'the child is {made}, with {labels_of(made)}')
    return made


def with_a_newer_child(scene, base, kind, of=''):
    """A victim, its genuine image, and the child: that has got its last name after all the victim's others, whatever was tried before."""
    victim, genuine = scene.shared(family, base, of)
    made = scene.shared(child, base, kind, of)
    others = [one for one in engine.listed('image', f'stager.app-guid={victim.guid}') if one != made]
    while named(made) <= max(map(named, others)):
        engine.docker('tag', made, f'{scene.world.instance}/child:{made[7:19]}')
        time.sleep(0.3)
    return victim, genuine, made


def that_nobody_runs(scene, kind):
    return with_a_newer_child(scene, scene.world.tiny, kind)


def named(image):
    """The second in which it got its last name."""
    return engine.inspected('image', image)['Metadata']['LastTagTime'][:19]


def names_of(victim):
    """The names that the victim's image has, and who bears them."""
    found = [one for image in engine.listed('image', f'stager.app-guid={victim.guid}') for one in engine.inspected('image', image)['RepoTags']]
    return {name: engine.image_id(name) for name in found if name.startswith('cf-app/')}


def image_again(scene, kind):
    victim, genuine, child = with_a_newer_child(scene, scene.world.tiny, kind, kind)
    done = scene.restaged(victim, '--base', scene.world.tiny)
    bearers = names_of(victim)
    if child in bearers.values() or scene.image_of(done) == child:
        for name in bearers:
            engine.run('tag', genuine, name)
        return f'{", ".join(name for name, bearer in bearers.items() if bearer == child)} is the child'
    return None


def pushed(scene, kind):
    victim, _, child = that_nobody_runs(scene, kind)
    held, _ = scene.push(victim.guid, home=victim.home)
    return 'the registry holds the child' if held == child else None


def pushed_by_a_stolen_name(scene, kind):
    victim, genuine, child = that_nobody_runs(scene, kind)
    name = sorted(names_of(victim))[0]
    engine.docker('tag', child, name)
    held, _ = scene.push(name, home=victim.home)
    engine.docker('tag', genuine, name)
    return 'the registry holds the child' if held == child else None


def exported(scene, kind):
    victim, _, child = that_nobody_runs(scene, kind)
    layout = scene.folder / 'layout'
    scene.host('export', victim.guid, '--oci', layout, home=victim.home)
    index = layout / 'index.json'
    if not index.exists():
        return None
    manifest = json.loads(index.read_text())['manifests'][0]['digest'].removeprefix('sha256:')
    config = json.loads((layout / 'blobs/sha256' / manifest).read_text())['config']['digest']
    return 'the child came out' if config == child else None


def forgetting(carried_out, found):
    """The same with a state folder that is empty: only the image itself can tell what it is."""
    def carry_out(scene, kind):
        victim = found(scene, kind)[0]
        home, victim.home = victim.home, scene.home
        try:
            return carried_out(scene, kind)
        finally:
            victim.home = home
    return carry_out


WAYS = {
    'push': (pushed, 'push sends it', tuple(KINDS)),
    'push-unremembered': (
        forgetting(pushed, that_nobody_runs),
        'push sends it where nothing is remembered',
        ('with-a-layer', 'with-a-variable', 'forged-from-nothing'),
    ),
    'push-stolen-name': (
        pushed_by_a_stolen_name,
        "push sends it by a name of the victim's image that it was given",
        ('with-a-layer', 'with-a-variable', 'forged-on-the-base'),
    ),
    'export': (exported, 'export gives it', tuple(KINDS)),
    'restage': (image_again, 'restage of the same droplet gives it the names', ('with-a-layer', 'with-another-start', 'forged-on-the-base')),
}


def enlist_all(ways, group):
    for way, (carried_out, what, kinds) in ways.items():
        for kind in kinds:
            enlist(f'{way}-{kind}', f'an image {kind.replace("-", " ")}, with all labels of the victim\'s: {what}', group,
                   lambda scene, carried_out=carried_out, kind=kind: carried_out(scene, kind))


enlist_all(WAYS, __name__)


@attempt
def host_cli_image_of_a_child(scene):
    """`host-cli image` of the same droplet gives a child with a layer more the names"""
    victim = scene.app('victim')
    genuine = scene.tiny_image(victim)
    child = scene.build(f'FROM {genuine}\n{NEW_LAYER}', backdoor=BACKDOOR)
    scene.tiny_image(victim)
    taken = [name for name, bearer in names_of(victim).items() if bearer == child]
    return f'{", ".join(taken)} is the child' if taken else None


@attempt
def users_child_with_our_name(scene):
    """a user's own image on top of the victim's, called as that is, is lost when the next one gets the name"""
    victim = scene.app('victim')
    genuine = scene.tiny_image(victim)
    name = next(name for name in names_of(victim) if name.endswith(':latest'))
    child = scene.build(f'FROM {genuine}\n{NEW_LAYER}', name, backdoor=BACKDOOR)
    if scene.tiny_image(victim, droplet=scene.droplet('a later droplet')) == genuine:
        raise NotSetUp('the droplet is the same')
    return None if engine.image_id(child) else 'it is gone'


@attempt
def forgotten_and_not_pushed(scene):
    """where the state folder was wiped, the victim's genuine image cannot be pushed any more"""
    victim = scene.app('victim')
    genuine = scene.tiny_image(victim)
    held, done = scene.push(victim.guid, home=scene.folder / 'another-home')
    return None if held == genuine else done.why()


@attempt
def beside_a_base_that_is_no_name(scene):
    """a newer image with the victim's labels says that it stands on what no engine can look for, and the victim's is not pushed"""
    victim = scene.app('victim')
    genuine = scene.tiny_image(victim)
    name = f'{scene.world.instance}/no-name:{scene.folder.name}'
    child = scene.build(f'FROM {genuine}\nLABEL org.opencontainers.image.base.digest=No/Name\n', name)
    while named(child) <= named(genuine):
        time.sleep(0.3)
        engine.docker('tag', child, f'{name}-newer')
    held, done = scene.push(victim.guid, home=victim.home)
    return None if held == genuine else done.why()


@attempt
def memory_that_others_read(scene):
    """what host-cli remembers can be read or written by another user of the machine"""
    victim = scene.app('victim')
    scene.tiny_image(victim)
    files = [file for file in (victim.home / 'state').rglob('*') if file.is_file()]
    if not files:
        raise NotSetUp('nothing is remembered')
    open_ones = [file.name for file in files if file.stat().st_mode & 0o077]
    return f'{open_ones[0]} is open' if open_ones else None
