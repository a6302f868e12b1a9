"""How many images of an app stay, and which never go."""
from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt


def made_again(scene, victim, times, *words):
    """So many images of the app, each of another droplet: their ids."""
    made = []
    for number in range(times):
        made.append(scene.tiny_image(victim, *words, droplet=scene.droplet(f'{victim.guid} {number}')))
    if len(set(made)) != times:
        raise NotSetUp('some are the same')
    return made


def droplets_of(victim):
    found = [engine.inspected('image', one) for one in engine.listed('image', f'stager.app-guid={victim.guid}')]
    return [name for one in found for name in one['RepoTags'] if ':droplet-' in name]


@attempt
def images_without_end(scene):
    """each staging keeps one more image of the app"""
    victim = scene.app('victim')
    made_again(scene, victim, 7)
    there = len(droplets_of(victim))
    return f'{there} are there after seven' if there > 5 else None


@attempt
def images_beyond_two(scene):
    """the same with `--keep-images 2`"""
    victim = scene.app('victim')
    made_again(scene, victim, 4, '--keep-images', '2')
    there = len(droplets_of(victim))
    return f'{there} are there after four' if there > 2 else None


@attempt
def used_image_that_goes(scene):
    """an image that a container uses, or one that a user named like ours, goes as too old"""
    victim = scene.app('victim')
    used = scene.image(victim)
    container = scene.container('--entrypoint', 'sleep', used, '600')
    own = scene.build(f'FROM {used}\nENV MINE=1\n', f'cf-app/victim-{victim.guid[:8]}:droplet-0123456789ab')
    other = scene.imported('LABEL kind=users', f'cf-app/victim-{victim.guid[:8]}:droplet-ba9876543210')
    made_again(scene, victim, 6)
    engine.remove('container', container)
    gone = [what for what, image in (('the used one', used), ("the user's child", own), ("the user's own", other)) if not names_of_ours(image)]
    return f'{", ".join(gone)} has lost its name' if gone else None


def names_of_ours(image):
    found = engine.inspected('image', image)
    return found and [name for name in found['RepoTags'] if ':droplet-' in name]


@attempt
def another_apps_images(scene):
    """the images of an app of the same name go with those of a busy one"""
    victim, busy = scene.app('same name'), scene.app('same name')
    quiet = made_again(scene, victim, 2)
    made_again(scene, busy, 6)
    gone = [one for one in quiet if not names_of_ours(one)]
    return f'{len(gone)} of two are gone' if gone else None
