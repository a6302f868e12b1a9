"""Names of the platform: an app must not stand on the network where the file server, the blobstore and the others stand."""
from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt, enlist

HOSTS = ('diego-access', 'blobstore', 'cc-uploader', 'api', 'cc-uploader.service.cf.internal', 'blobstore.service.cf.internal',
         'file-server.service.cf.internal', 'cloud-controller-ng.service.cf.internal')
SUFFIX = '.apps.stager.internal'


def address(scene, container):
    return engine.inspected('container', container)['NetworkSettings']['Networks'][scene.network]['IPAddress']


def stands_for(scene, name, process='web', routes=None):
    """Launches an app of this name; the platform hosts that lead to it then."""
    app = scene.app(name).starts('sleep 600')
    app.launch['routes'] = routes or app.launch['routes']
    scene.image(app, '--result', result_file(scene))
    container = scene.launched(app, '--process', process)
    own = address(scene, container)
    found = scene.addresses(*HOSTS)
    if not found['diego-access'] - {own}:
        raise NotSetUp('the platform itself is not on the network')
    taken = [host for host, addresses in found.items() if own in addresses]
    return f'{", ".join(taken)} is the app' if taken else None


def result_file(scene):
    file = scene.folder / 'result.json'
    file.write_text('{"process_types":{"web":"sleep 600","uploader":"sleep 600"}}')
    return file


for one, process in (('diego-access', 'web'), ('API', 'web'), ('cc-uploader.service.cf.internal', 'web'),
                     ('-- Cc__Uploader --', 'web'), ('cc', 'uploader')):
    enlist(f'launch-{one.strip("- ").lower()}' + (f'-as-{process}' if process != 'web' else ''),
           f'an app called `{one}`, process {process}, is launched and answers for a host of the platform', __name__,
           lambda scene, name=one, process=process: stands_for(scene, name, process))


@attempt
def launch_with_routes_of_a_host(scene):
    """an app whose routes are hosts of the platform is launched and answers for one"""
    routes = {'internal-router': [{'hostname': 'diego-access'}, {'hostname': 'api.apps.internal'}],
              'cf-router': [{'hostnames': ['blobstore', 'cc-uploader.service.cf.internal'], 'port': 8080}]}
    return stands_for(scene, 'routed', routes=routes)


def aliases(scene, app):
    """The names that its container has on the network, but for the engine's own."""
    container = engine.inspected('container', scene.launched(app))
    network = container['NetworkSettings']['Networks'][scene.network]
    names = {*(network.get('Aliases') or []), *(network.get('DNSNames') or []), container['Config']['Hostname'], container['Config']['Domainname']}
    return names - {'', container['Id'][:12], container['Name'].strip('/')}


@attempt
def short_alias(scene):
    """an app's container has another name on the network than its own below apps.stager.internal"""
    app = scene.app('Two Words').starts('sleep 600')
    scene.image(app)
    found = aliases(scene, app) - {f'two-words-{app.guid[:8]}{SUFFIX}'}
    return f'it is called {", ".join(found)}' if found else None


@attempt
def same_slug(scene):
    """two apps whose names have no letter of ours share a name, so that one gets the other's visitors"""
    found = []
    for name in ('🍹', 'あうえお'):
        app = scene.app(name).starts('sleep 600')
        scene.image(app)
        found.append(aliases(scene, app))
    if not all(found):
        raise NotSetUp(f'a container has no name at all: {found}')
    both = found[0] & found[1]
    return f'both are {", ".join(both)}' if both else None


@attempt
def another_apps_alias(scene):
    """an app is called as another app's whole name on the network"""
    victim = scene.app('victim').starts('sleep 600')
    scene.image(victim)
    known = aliases(scene, victim)
    app = scene.app(sorted(known)[0]).starts('sleep 600')
    scene.image(app)
    both = aliases(scene, app) & known
    return f'both are {", ".join(both)}' if both else None


def refused_beside(scene, words, run):
    """An impostor stands for a host of the victim's request; the victim's staging must not start, and leave nothing."""
    impostor = scene.impostor(*words)
    own, victim = address(scene, impostor), scene.app('victim')
    if not any(own in addresses for addresses in scene.addresses(*HOSTS).values()):
        raise NotSetUp('the impostor answers for nothing')
    try:
        done = run(scene, victim)
        left = engine.listed('container', f'stager.app-guid={victim.guid}')
        if left:
            return f'{len(left)} containers of the victim are left'
        return f'exit code {done.code}, and it fetched {len(done.heard("downloaded"))} files' if done.code == 0 or done.heard('downloading') else None
    finally:
        engine.remove('container', impostor)


def one_staging(scene, victim):
    return scene.restage('--request', victim.file('staging'), '--no-image')


def all_stagings(scene, victim):
    return scene.restage('--all', '--logs', scene.logs(victim, scene.app()), '--no-image')


def caching(scene, victim, *words):
    return scene.host('cache-up', '--request', victim.file('staging'), '--network', scene.network, '--stager-image', scene.world.image,
                      '--output', 'json', *(words or ('--cache-volume', f'{scene.world.instance}-beside-{victim.guid}')))


def baking(scene, victim):
    name = f'{scene.world.instance}:baked'
    done = caching(scene, victim, '--bake', name)
    engine.remove('image', name)
    return done


for one, words, run in (
    ('restage', ('--network-alias', 'diego-access'), one_staging), ('restage-all', ('--network-alias', 'diego-access'), all_stagings),
    ('cache-up', ('--network-alias', 'blobstore'), caching), ('bake', ('--network-alias', 'diego-access'), baking),
    ('restage-upper-case', ('--network-alias', 'DIEGO-Access'), one_staging),
    ('restage-upload-host', ('--network-alias', 'cc-uploader.service.cf.internal'), one_staging),
    ('restage-container-name', ('--name', 'cc-uploader.service.cf.internal'), one_staging),
):
    enlist(f'impostor-{one}', f'a container with our app label and {" ".join(words)} on the network, while the victim is staged', __name__,
           lambda scene, words=words, run=run: refused_beside(scene, words, run))
