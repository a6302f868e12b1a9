"""Many stagings by one `restage --all --on kubernetes`: broken off and continued, and with a node that is cut off in the middle."""
import json
import re
import subprocess
import time
import uuid
from collections import Counter
from contextlib import contextmanager

from harness.kubernetes.addresses import REGISTRY
from harness.kubernetes.check import Wrong, check
from harness.kubernetes.images import BASE
from harness.kubernetes.pki import PASSWORD, USER
from harness.kubernetes.roles import bound
from harness.kubernetes.scene import NAMESPACE
from harness.processes import until

APP = 'one-of-many'
IN_EACH_RUN = 100
AT_ONCE = 20  # Jobs that host-cli follows
EACH = 20  # seconds for a staging on a machine that is busy with all of them
CUT = 60  # seconds that a node is cut off
PAGE = 500  # names that the registry tells at once


@check
def client_many(scene):
    """100 requests of one `restage --all` are staged, each of them once, though host-cli is killed in the middle and called again"""
    return staged(scene, IN_EACH_RUN, killed)


def of(count):
    """As many as one likes: what `ci/kubernetes many` tries."""
    def many(scene):
        """requests of one `restage --all` are staged, each of them once, though a node is cut off in the middle"""
        return staged(scene, count, cut_off)
    return many


def staged(scene, count, in_the_middle):
    bound(scene, 'stage')
    folder = f'{REGISTRY}/many-{count}-{time.monotonic_ns()}/'
    log = requests(scene, count)
    began = time.monotonic()

    def begun():
        return scene.client('stage-only', 'restage', '--all', '--jobs', AT_ONCE, '--stager-log', log, '--stager-image', scene.stager, '--ca',
                            scene.authorities(), '--no-upload', '--base', BASE, '--publish', folder)
    with watched(scene) as pods:
        client = begun()
        until(lambda: len(ends(client)) >= count // 3 or client.process.poll() is not None, count * EACH, 1)
        client = in_the_middle(scene, client, begun)
        done = client.ended(count * EACH)
        broken = [app for app, code in ends(client).items() if code]
        if broken:
            # What ran on a node that was cut off has reached nobody. The same call again is for these.
            client = begun()
            done = client.ended(count * EACH)
        took = time.monotonic() - began
    codes = ends(client)
    failed = {app: code for app, code in codes.items() if code}
    published = Counter(job for job, _ in pods() if job)
    there = repositories(scene, folder)
    lost = count - len(codes) + len({app for app, code in codes.items() if not code}) - there
    counts = f'failed={len(failed)} staged={there} lost={lost} twice={sum(times - 1 for times in published.values())}'
    if done.code or counts != f'failed=0 staged={count} lost=0 twice=0':
        raise Wrong(f'{counts}; {dict(list(failed.items())[:5])}; {done.why()}\n{done.out[-1500:]}')
    return f'{counts}; {took:.0f} s, {count / took * 60:.0f} a minute, {AT_ONCE} at once; {len(broken)} by a second call'


def killed(scene, client, begun):
    client.process.kill()
    client.process.wait()
    again = begun()
    again.says('is there already; going on with it')
    return again


def cut_off(scene, client, begun):
    with scene.cluster.cut_off('node2'):
        time.sleep(CUT)
    return client


def ends(client):
    """How each app of a run ended, so far."""
    return {event['app']: event['code'] for event in client.done().heard('app_ended')}


def requests(scene, count):
    """So many apps' requests, which differ by name and guid alone: a log as the stager's."""
    guid = scene.push('env-page', APP)
    lines = (scene.hcf.state / 'log/diego-cc-bridge/stager/stager.stdout.log').read_text().splitlines()
    line = next(line for line in reversed(lines) if APP in line and guid in line)
    log = scene.folder / 'many.log'
    log.write_text(''.join(another(line, guid, number) for number in range(count)))
    return log


def another(line, guid, number):
    """The same for another app, whose package is the same: its URL is signed."""
    parts = re.split(f'(cc-packages/../../{guid})', line)
    own = str(uuid.uuid4())
    return ''.join(part if part.startswith('cc-packages/') else part.replace(APP, f'{APP}-{number}').replace(guid, own) for part in parts) + '\n'


@contextmanager
def watched(scene):
    """All pods that stage well meanwhile; afterwards a call gives the Job and the uid of each."""
    file = scene.folder / f'pods-{time.monotonic_ns()}'
    columns = 'JOB:.metadata.labels.job-name,UID:.metadata.uid,PHASE:.status.phase'
    with open(file, 'wb') as out:
        command = scene.cluster.kubectl('--namespace', NAMESPACE, 'get', 'pods', '--selector', f'stager/kind=staging,stager/app-name!={APP}',
                                        '--watch', '--no-headers', '--output', f'custom-columns={columns}')
        watch = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
    try:
        yield lambda: {(job, uid) for job, uid, phase in map(str.split, file.read_text().splitlines()) if phase == 'Succeeded' and '-one-of-many-' in job}
    finally:
        watch.terminate()
        watch.wait()


def repositories(scene, folder):
    """How many images the registry has below it."""
    host, _, path = folder.partition('/')
    names, page = [], None
    while page is None or page:
        last = f'&last={names[-1]}' if names else ''
        said = subprocess.run([*scene.cluster.into('site', 'net'), 'curl', '--silent', '--fail', '--insecure', '--user', f'{USER}:{PASSWORD}',
                               f'https://{host}/v2/_catalog?n={PAGE}{last}'], capture_output=True, text=True)
        page = json.loads(said.stdout or '{}').get('repositories') or []
        names += page
    return sum(name.startswith(path) for name in names)
