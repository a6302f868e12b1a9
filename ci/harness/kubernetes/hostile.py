"""Checks of what a buildpack gets on a cluster, and of what anybody may read there."""
import json
import shutil
import subprocess
import sys

from harness.command import TOP
from harness.kubernetes.check import Wrong, check
from harness.kubernetes.images import docker_config
from harness.kubernetes.pki import PASSWORD
from harness.kubernetes.scene import STAGE
from harness.kubernetes.staging import in_urls
from harness.staging import program

HOSTILE = TOP / 'examples/buildpacks/hostile'
APP = 'hostile'


# A pod has none of its own; the one that the node gives it stands a level above what its containers see. See `fork_bomb`.
NOT_IN_SIGHT = 'no-process-limit'
FORKED = 240  # seconds until a staging that forks without end has ended


@check
def hostile_buildpack(scene):
    """a buildpack finds no login, no token and no request, and gets nothing of the agent or the cluster"""
    push(scene)
    done = scene.staged(APP)
    verdicts = dict(line.removeprefix('tried ').partition(': ')[::2] for line in done.lines if line.startswith('tried '))
    names = subprocess.run([sys.executable, '-B', HOSTILE / 'lib/names.py'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    # What outlives the buildpack is judged by a second run in its container, which is ci/hostile-buildpack's.
    missing = [name for name in names if name not in verdicts and not name.startswith('outlive-')]
    got = [f'{name}: {verdict}' for name, verdict in verdicts.items() if verdict.startswith('SUCCEEDED') and name != NOT_IN_SIGHT]
    if got or missing:
        raise Wrong('\n'.join([*got, f'not reported: {missing}']))
    return f'attempts={len(verdicts) - 1} succeeded=0'


@check
def fork_bomb(scene):
    """a buildpack that forks without end runs into the node's limit of a pod (podPidsLimit), and its staging ends"""
    push(scene)
    request = scene.request(APP)
    run = program(request, 'builder')['run']
    run['env'] = [*(run.get('env') or []), {'name': 'HOSTILE', 'value': 'forks'}]
    done = scene.ended(scene.begin(scene.staging_manifest(APP, request=request, publish=False)), FORKED)
    if scene.cluster.ready() != len(scene.cluster.nodes()):
        raise Wrong('a node is not ready any more')
    return f'exit code {done.ended(STAGE)["exitCode"]}, all nodes ready'


def push(scene):
    """The app that the hostile buildpack takes."""
    app = scene.folder / 'hostile-app'
    shutil.copytree(TOP / 'examples/apps/hello-procfile', app, dirs_exist_ok=True)
    (app / 'hostile').touch()
    scene.hcf.add_buildpack('hostile', HOSTILE)
    scene.hcf.push(app, APP, '--memory', '256M', '--buildpack', 'hostile')


@check
def told_secrets(scene):
    """what may be read without reading Secrets holds none: objects, events, logs"""
    push(scene)
    scene.staged(APP)
    login = json.loads(docker_config())['auths'].popitem()[1]['auth']
    secrets = {*in_urls(scene.request(APP)), PASSWORD, login}
    told = scene.k('get', 'jobs,pods,events,configmaps', '--output', 'yaml')
    jobs = [pod['metadata']['labels'].get('job-name', '') for pod in scene.read('pods')['items']]
    told += ''.join(log for job in jobs for log in scene.seen(job).logs.values())
    if len(secrets) < 4 or APP not in told:
        raise Wrong(f'{len(secrets)} secrets and {len(told)} bytes are too few to look at')
    there = [secret[:6] for secret in secrets if secret in told]
    if there:
        raise Wrong(f'{len(there)} secrets are told; they begin with {there}')
    return f'{len(secrets)} secrets looked for in {len(told)} bytes'
