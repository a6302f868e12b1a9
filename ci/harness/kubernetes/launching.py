"""Checks of an app that runs on a cluster."""
import json
import subprocess
import sys
import time

from harness.kubernetes.check import Wrong, check
from harness.kubernetes.supplies import HERE
from harness.processes import until

APP = 'env-page'
BESIDE = 'here is the sidecar'
READY = '120s'  # for all instances of an app
SPREAD = 20  # seconds until both instances have answered


@check
def launch(scene):
    """a Deployment of two of `manifest launch` answers through its Service, from both instances"""
    began = time.monotonic()
    service = launched(scene, scene.have(APP))
    took = time.monotonic() - began
    both(scene, service, 'HOSTNAME')
    return f'{took:.1f} s from the manifest to two that are ready'


@check
def index(scene):
    """with `--index` each instance knows its number"""
    scene.push(APP, 'indexed')
    service = launched(scene, 'indexed', '--index', kind='statefulset')
    numbers = both(scene, service, 'INSTANCE_INDEX')
    if numbers != {'0', '1'}:
        raise Wrong(f'INSTANCE_INDEX is {numbers}')
    return 'INSTANCE_INDEX is 0 and 1'


@check
def sidecar(scene):
    """a sidecar runs beside its app, and says its own lines"""
    scene.push(APP, 'with-sidecar', '--sidecar', f'beside=echo {BESIDE}; exec sleep 1000')
    launched(scene, 'with-sidecar')
    pod = scene.read('pods', '--selector', 'stager/app-name=with-sidecar,stager/kind=app')['items'][0]
    logs = {one['name']: scene.k('logs', pod['metadata']['name'], '--container', one['name']) for one in pod['spec']['containers']}
    told = [name for name, log in logs.items() if BESIDE in log.splitlines()]
    if len(logs) != 2 or len(told) != 1:
        raise Wrong(f'of {[*logs]} these say it: {told}')
    return f'containers {", ".join(logs)}'


@check
def rolling(scene):
    """a rolling replace loses no request that comes through the Service"""
    service = launched(scene, scene.have(APP))
    asking = subprocess.Popen([*scene.cluster.into('site', 'net'), sys.executable, '-B', HERE / 'asker.py', f'{service}/healthz'],
                              stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        launched(scene, APP)  # the same names, another instance's guid
        time.sleep(1)
    finally:
        asking.terminate()
    told = asking.communicate()[0]
    if ' failed=0\n' not in told or 'asked=0' in told:
        raise Wrong(told)
    return told.strip()


def launched(scene, app, *options, kind='deployment'):
    """An app with two instances that are ready; the URL of its Service."""
    scene.k('apply', '--filename', '-', stdin=scene.launch_manifest(app, '--instances', '2', *options))
    selector = f'stager/app-name={app}'
    found = scene.read(kind, '--selector', selector)['items']
    if len(found) != 1:
        raise Wrong(f'there are {len(found)} of {kind} for {app}')
    scene.k('rollout', 'status', f'{kind}/{found[0]["metadata"]["name"]}', f'--timeout={READY}', patience=150)
    service = next(one['spec'] for one in scene.read('services', '--selector', selector)['items'] if one['spec']['clusterIP'] != 'None')
    url = f'http://{service["clusterIP"]}:{service["ports"][0]["port"]}'
    if not until(lambda: scene.asked(f'{url}/healthz'), SPREAD, 0.3):
        raise Wrong(f'{url} does not answer, though it is ready')
    return url


def both(scene, service, variable):
    """What this variable is in two instances, which must both answer."""
    found = set()

    def answered():
        found.add(json.loads(scene.asked(f'{service}/env.json') or '{}').get(variable))
        return len(found - {None}) == 2
    # Whoever is ready is told of to the nodes a little later.
    if not until(answered, SPREAD, 0.1) or None in found:
        raise Wrong(f'of two instances these answered: {found}')
    return found
