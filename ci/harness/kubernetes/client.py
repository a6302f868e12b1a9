"""Checks of `restage` and `launch` with `--on kubernetes`, as a user calls them who has no more than the Roles of examples/kubernetes."""
import json
import signal
import time
from collections import Counter

from harness.kubernetes.addresses import REGISTRY
from harness.kubernetes.check import Wrong, check
from harness.kubernetes.examples import ENDS
from harness.kubernetes.roles import bound
from harness.kubernetes.sleeper import ASLEEP, pushed
from harness.processes import until

APP = 'env-page'
GONE = 60  # seconds until nothing of a Job is there any more
MISSED = 150  # seconds until a node that is cut off is said to be; 45 of silence and 30 for an answer are two thirds of it
STOPPED = 15  # seconds that the apiserver does nothing
MOST_REQUESTS = 12  # of one staging with a request, certificates and a login
SETTLED = 2  # seconds until the apiserver has written down what it was asked
# Of each app that can be staged: how its launch ends.
LAUNCHED = {'env-page': 0, 'hello-procfile': 0, 'static-site': 0, 'slow-start': 0, 'dies-at-start': 8}


def digest_of(done):
    """Of what it says that it has published."""
    told = done.heard('pushed')
    if len(told) != 1:
        raise Wrong(f'{len(told)} images are said to be published: {done.out[-1500:]}')
    return told[0]['digest']


def job_of(done):
    """The Job that it made."""
    notes = [event['text'] for event in done.heard('note')]
    told = next((text for text in notes if text.startswith('Job ') and text.endswith(' begins')), None)
    if not told:
        raise Wrong(f'it names no Job: {notes}')
    return told.split()[1]


def secrets(scene, job):
    return [secret['metadata']['name'] for secret in scene.read('secrets')['items'] if secret['metadata']['name'].startswith(job)]


@check
def client_stages(scene):
    """`restage --on kubernetes` shows what the builder says, and names what was published; its Secrets go"""
    bound(scene, 'stage')
    began = time.monotonic()
    done = scene.restaged(scene.have(APP)).well()
    took = time.monotonic() - began
    job, digest = job_of(done), digest_of(done)
    message = scene.seen(job).result()
    if not done.lines or message['digest'] != digest or secrets(scene, job):
        raise Wrong(f'{len(done.lines)} lines, {digest}, {message}, {secrets(scene, job)}')
    return f'{took:.1f} s from the command to the image; {len(done.lines)} lines of the builder; {digest}'


@check
def client_fails(scene):
    """a builder that fails ends it with the builder's own code, and its words"""
    bound(scene, 'stage')
    done = scene.restaged(scene.have('no-buildpack')).ended()
    if done.code != ENDS['no-buildpack'] or done.heard('pushed'):
        raise Wrong(done.why())
    return done.why()[:150]


@check
def client_interrupted(scene):
    """Ctrl-C deletes the Job and all that it owns, and says so"""
    bound(scene, 'stage')
    client = scene.restaged(pushed(scene, 600), publish=False)
    client.says(ASLEEP)
    began = time.monotonic()
    client.process.send_signal(signal.SIGINT)
    done = client.ended()
    ended, job = time.monotonic() - began, job_of(done)
    gone = until(lambda: not scene.pod(job) and not secrets(scene, job) and not scene.read('job', job), GONE, 0.3)
    if done.code != 130 or 'is deleted; its pod ends' not in done.out or not gone:
        raise Wrong(f'gone: {gone}; {done.out[-800:]}')
    return f'it ended after {ended:.1f} s, all of it was gone after {time.monotonic() - began:.1f} s'


@check
def client_apiserver_stopped(scene):
    """an apiserver that says nothing for 15 s while it is followed changes nothing"""
    bound(scene, 'stage')
    client = scene.restaged(pushed(scene, 20))
    client.says(ASLEEP)
    with scene.cluster.stopped('site', 'kube-apiserver'):
        time.sleep(STOPPED)
    done = client.well()
    if done.lines.count(ASLEEP) != 1:
        raise Wrong(f'a line is said {done.lines.count(ASLEEP)} times')
    return digest_of(done)


@check
def client_node_cut_off(scene):
    """a node that is cut off while it is followed is named; when it is back, the staging goes on to its end"""
    bound(scene, 'stage')
    scene.cluster.k('cordon', 'node1')  # where the mini-HCF is
    try:
        client = scene.restaged(pushed(scene, 150))
        client.says(ASLEEP)
    finally:
        scene.cluster.k('uncordon', 'node1')
    began = time.monotonic()
    with scene.cluster.cut_off('node2'):
        client.says('Node node2 does not answer', MISSED)
        said = time.monotonic() - began
    done = client.well()
    if done.lines.count(ASLEEP) != 1:
        raise Wrong(f'a line is said {done.lines.count(ASLEEP)} times')
    return f'named after {said:.0f} s; {digest_of(done)}'


@check
def client_every_app(scene):
    """every example app is staged and launched by host-cli; one that dies shows its last lines and leaves nothing"""
    bound(scene, 'stage')
    bound(scene, 'launch')
    clients = {app: scene.restaged(scene.have(app)) for app in LAUNCHED}
    digests = {app: digest_of(client.well()) for app, client in clients.items()}
    launches = {}
    for app, wanted in LAUNCHED.items():
        client = scene.client('launch-only', 'launch', app, '--logs', scene.hcf.state / 'log', '--image', f'{REGISTRY}/cf-app/{app}@{digests[app]}')
        done = client.ended()
        if done.code != wanted:
            raise Wrong(f'{app}: {done.why()}\n{done.out[-1500:]}')
        there = scene.read('deployments', '--selector', f'stager/app-name={app}').get('items', [])
        if bool(there) == bool(wanted):
            raise Wrong(f'{app}: {len(there)} deployments are there')
        launches[app] = done
    last = launches['dies-at-start'].lines
    if not last:
        raise Wrong('dies-at-start: its last lines are not shown')
    return f'{len(LAUNCHED)} staged, {list(LAUNCHED.values()).count(0)} run; dies-at-start: {last[-1][:60]}'


@check
def client_docker_app(scene):
    """a docker app is refused in words"""
    bound(scene, 'stage')
    scene.hcf.run('push', '--docker-image', f'{REGISTRY}/stager/rootfs:cflinuxfs4', '--name', 'docker-app')
    done = scene.restaged('docker-app').ended()
    if done.code in (0, 1) or 'docker' not in done.why():
        raise Wrong(done.why())
    return done.why()[:150]




@check
def client_costs(scene):
    """a staging costs the apiserver few requests: one watch, and no polling"""
    bound(scene, 'stage')
    app, audit = scene.have(APP), scene.folder / 'log/audit'
    before = audit.stat().st_size if audit.exists() else 0
    scene.restaged(app).well()
    time.sleep(SETTLED)
    with open(audit) as file:
        file.seek(before)
        events = [event for event in map(json.loads, file) if event['stage'] == 'ResponseComplete']
    asked = Counter(f'{event["verb"]} {"/".join(filter(None, (event["objectRef"].get(part) for part in ("resource", "subresource"))))}' for event in events)
    if asked.total() > MOST_REQUESTS or asked['watch pods'] > 1:
        raise Wrong(str(asked))
    return f'{asked.total()} requests: {", ".join(f"{count} {request}" if count > 1 else request for request, count in sorted(asked.items()))}'
