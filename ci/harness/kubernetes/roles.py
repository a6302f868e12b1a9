"""Checks of the Roles in examples/kubernetes: each suffices for what it is for, and for no more."""
import re

from harness.command import TOP
from harness.kubernetes.check import Wrong, check
from harness.kubernetes.faults import published
from harness.kubernetes.scene import NAMESPACE, STAGE

ROLES = TOP / 'examples/kubernetes'
APP = 'env-page'
# What neither may: each is asked for.
FORBIDDEN = (('get', 'secrets'),
             ('list', 'secrets'), ('create', 'pods'), ('create', 'pods/exec'), ('create', 'rolebindings'), ('create', 'serviceaccounts/token'))


@check
def stage_role(scene):
    """who has no more than the Role stage-role.yaml stages, follows the log, and deletes the Job"""
    as_one = bound(scene, 'stage')
    manifest = scene.staging_manifest(scene.have(APP))
    said = scene.k(*as_one, 'create', '--filename', '-', '--output', 'name', stdin=manifest)
    job = re.search(r'^job\.batch/(\S+)', said, re.MULTILINE)[1]
    seen = published(scene, job)
    if '"hello"' not in scene.k(*as_one, 'logs', f'job/{job}', '--container', STAGE):
        raise Wrong('the log has no events')
    scene.k(*as_one, 'get', 'events')
    scene.k(*as_one, 'delete', 'job', job)
    return seen


@check
def launch_role(scene):
    """who has no more than the Role launch-role.yaml runs an app, replaces it, and deletes it"""
    as_one = bound(scene, 'launch')
    manifest = scene.launch_manifest(scene.have(APP), '--instances', '2')
    for _ in range(2):
        said = scene.k(*as_one, 'apply', '--server-side', '--force-conflicts', '--filename', '-', '--output', 'name', stdin=manifest)
    deployment = re.search(r'^deployment\.apps/\S+', said, re.MULTILINE)[0]
    scene.k(*as_one, 'rollout', 'status', deployment, '--timeout=120s', patience=150)
    scene.k(*as_one, 'logs', deployment)
    kinds = ' '.join(line.partition('/')[0] for line in said.split())
    scene.k(*as_one, 'delete', '--wait=false', *said.split())
    return kinds


@check
def example_objects(scene):
    """a cluster takes every file of examples/kubernetes"""
    files = sorted(ROLES.glob('*.yaml'))
    for file in files:
        scene.k('apply', '--dry-run=server', '--filename', file)
    return ', '.join(file.name for file in files)


def bound(scene, name):
    """A user who has this Role and nothing else, as kubectl's options."""
    user = f'{name}-only'
    scene.k('apply', '--filename', ROLES / f'{name}-role.yaml')
    scene.k('delete', 'rolebinding', user, '--ignore-not-found')
    scene.k('create', 'rolebinding', user, f'--role=stager-{name}', f'--user={user}')
    as_one = ('--as', user)
    for verb, what in FORBIDDEN:
        if scene.cluster.run('--namespace', NAMESPACE, *as_one, 'auth', 'can-i', verb, what).stdout.strip() != 'no':
            raise Wrong(f'it may {verb} {what}')
    return as_one
