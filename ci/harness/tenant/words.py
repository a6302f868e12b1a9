"""Words that mean an app or an image: a name that a tenant chose must never outrank a guid, an id or a reference."""
import json

from harness.archives.droplets import read
from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt, enlist

# What of the victim's a tenant calls its app.
WORDS = {
    'guid': lambda victim: victim.guid, 'start-of-guid': lambda victim: victim.guid[:8],
    'process-guid': lambda victim: victim.process_guid, 'staging-guid': lambda victim: victim.staging_guid,
}
PRINTING = {'build-req': 'staging', 'launch-req': 'launch', 'build-cmd': 'staging', 'launch-cmd': 'launch'}


def printed_for(scene, command, word_of):
    """Whose request is printed when the victim's word is given, and the tenant's app, called so, was pushed later."""
    victim = scene.app('victim').builds('victims-own').starts('victims-own')
    word = word_of(victim)
    tenant = scene.app(word).builds('tenants-own').starts('tenants-own')
    done = scene.host(command, word, '--logs', scene.logs(victim, tenant))
    if 'tenants-own' in done.out:
        return "the tenant's is taken"
    return None if 'victims-own' in done.out else f'the victim has become unreachable; {done.why()}'


for command, kind in PRINTING.items():
    for word, word_of in WORDS.items():
        if word != ('staging-guid' if kind == 'launch' else 'process-guid') and (command.endswith('req') or word == 'guid'):
            enlist(f'{command}-{word}', f'an app is called as the {word} of another, and `{command}` takes its request', __name__,
                   lambda scene, command=command, word_of=word_of: printed_for(scene, command, word_of))


@attempt
def build_req_guid_far_back(scene):
    """the victim's request stands megabytes before that of an app which is called as its guid"""
    victim = scene.app('victim').builds('victims-own')
    tenant = scene.app(victim.guid).builds('tenants-own')
    noise = '{"timestamp":"1466017050.5","source":"stager","message":"stager.noise","log_level":1,"data":{}}\n' * 30_000
    done = scene.host('build-req', victim.guid, '--logs', scene.logs(victim, tenant, between=noise))
    if 'tenants-own' in done.out:
        return "the tenant's is taken"
    return None if 'victims-own' in done.out else f'the victim has become unreachable; {done.why()}'


def two_that_start(scene):
    """The victim, and a tenant's app that is called as its guid; both have their image."""
    victim = scene.app('victim').starts('sleep 600')
    tenant = scene.app(victim.guid).starts('sleep 600')
    for app in (victim, tenant):
        scene.image(app)
    return victim, tenant


@attempt
def launch_guid_without_a_launch(scene):
    """the victim was staged and never started: `launch GUID` starts the tenant's app that is called so"""
    victim, tenant = two_that_start(scene)
    folder = scene.logs(victim, tenant)
    nsync = folder / 'nsync_listener.stdout.log'
    nsync.write_text(''.join(line + '\n' for line in nsync.read_text().splitlines() if tenant.guid in line))
    scene.host('launch', victim.guid, '--logs', folder, '--network', scene.network)
    return "the tenant's app runs" if scene.containers(tenant) else None


@attempt
def push_guid_without_an_image(scene):
    """the victim has no image here: `push GUID` sends that of the tenant's app that is called so"""
    victim = scene.app('victim')
    tenant = scene.app(victim.guid)
    tenants = scene.tiny_image(tenant)
    held, _ = scene.push(victim.guid, '--logs', scene.logs(victim, tenant), home=tenant.home)
    return "the tenant's image is in the registry" if held == tenants else None


@attempt
def requests_guid(scene):
    """an app is called as another's guid, and `requests GUID` lists it, or no longer the victim"""
    victim = scene.app('victim')
    tenant = scene.app(victim.guid)
    done = scene.host('requests', victim.guid, '--output', 'json', '--logs', scene.logs(victim, tenant))
    guids = {row['guid'] for row in json.loads(done.out or '[]')}
    return f'it lists {guids}' if guids != {victim.guid} else None


@attempt
def restage_guid(scene):
    """an app is called as another's guid, and `restage GUID` stages it"""
    victim = scene.app('victim')
    tenant = scene.app(victim.guid)
    scene.restage(victim.guid, '--logs', scene.logs(victim, tenant))
    made = {app.name: engine.listed('image', f'stager.app-guid={app.guid}') for app in (victim, tenant)}
    if made[tenant.name]:
        return "the tenant's image was made"
    return None if made[victim.name] else 'the victim cannot be staged'


@attempt
def launch_guid(scene):
    """an app is called as another's guid, and `launch GUID` starts it"""
    victim, tenant = two_that_start(scene)
    done = scene.host('launch', victim.guid, '--logs', scene.logs(victim, tenant), '--network', scene.network)
    if scene.containers(tenant):
        return "the tenant's app runs"
    return None if scene.containers(victim) else f'the victim cannot be launched; {done.why()}'


@attempt
def cache_up_guid(scene):
    """an app is called as another's guid, and `cache-up GUID` keeps what it names"""
    victim = scene.app('victim')
    tenant = scene.app(victim.guid)
    tenant.staging['cached_dependencies'][0]['cache_key'] = 'tenants-own'
    volume = f'{scene.world.instance}-words'
    done = scene.host('cache-up', victim.guid, '--logs', scene.logs(victim, tenant), '--network', scene.network,
                      '--stager-image', scene.world.image, '--cache-volume', volume)
    kept = scene.host('cache', 'list', '--cache-volume', volume, '--stager-image', scene.world.image, '--output', 'json')
    keys = {entry['key'] for entry in json.loads(kept.out or '[]')}
    if 'tenants-own' in keys:
        return "the tenant's is kept"
    return None if keys else f"the victim's cannot be fetched; {done.why()}"


def two_images(scene, name_of):
    """The victim's image, and a later one of a tenant whose app is called as `name_of` says: victim, word, both ids."""
    victim = scene.app('victim')
    image = scene.tiny_image(victim)
    word = name_of(victim, image)
    return victim, word, image, scene.tiny_image(scene.app(word), droplet=scene.droplet('the droplet of a tenant'))


def pushed_for(scene, name_of):
    victim, word, image, tenants = two_images(scene, name_of)
    held, done = scene.push(word, '--logs', scene.logs(victim))
    if held == tenants:
        return "the tenant's image is in the registry"
    return None if held == image else f"the victim's cannot be pushed; {done.why()}"


def exported_for(scene, name_of):
    victim, word, _, _ = two_images(scene, name_of)
    file = scene.folder / 'exported.tgz'
    done = scene.host('export', word, '--droplet', file, '--logs', scene.logs(victim))
    marker = read(file.read_bytes()).get('app/marker', b'') if file.exists() else b''
    if b'tenant' in marker:
        return "the tenant's droplet came out"
    return None if b'victim' in marker else f"the victim's cannot be exported; {done.why()}"


OF_AN_IMAGE = {
    'guid': lambda victim, image: victim.guid, 'start-of-guid': lambda victim, image: victim.guid[:8],
    'reference': lambda victim, image: engine.inspected('image', image)['RepoTags'][0],
    'repository': lambda victim, image: engine.inspected('image', image)['RepoTags'][0].partition(':')[0],
    'image-id': lambda victim, image: image, 'short-image-id': lambda victim, image: image.removeprefix('sha256:')[:12],
}
for word, name_of in OF_AN_IMAGE.items():
    for command, carried_out in (('push', pushed_for), ('export', exported_for)):
        enlist(f'{command}-{word}', f"an app is called as the {word} of another's image, and `{command}` takes its image", __name__,
               lambda scene, carried_out=carried_out, name_of=name_of: carried_out(scene, name_of))


@attempt
def names_like_options(scene):
    """an app is called `-rf`, `--help` or `--all`, so that a command does something else, or cannot reach it"""
    for name in ('-rf', '--help', '--all'):
        app, other = scene.app(name).builds('this-one'), scene.app('other').builds('another-one')
        done = scene.host('build-req', f'--app={name}', '--logs', scene.logs(app, other))
        if 'this-one' not in done.out:
            return f'`build-req --app={name}` prints something else; {done.why()}'
    return None


@attempt
def way_out_of_ambiguity(scene):
    """two apps have the victim's name, a third is called as its guid: the guid that the error advises leads astray"""
    victim, twin = scene.app('victim').builds('victims-own'), scene.app('victim').builds('twins-own')
    folder = scene.logs(victim, twin, scene.app(victim.guid).builds('tenants-own'))
    done = scene.host('build-req', 'victim', '--logs', folder)
    if done.code == 0:
        return 'one of the two is taken without a word'
    if victim.guid not in done.error:
        raise NotSetUp(f'the error names no guid: {done.error}')
    done = scene.host('build-req', victim.guid, '--logs', folder)
    return None if 'victims-own' in done.out else f'the guid leads elsewhere; {done.why()}'
