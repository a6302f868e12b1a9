"""Checks of a staging while a part of the cluster does nothing."""
import time

from harness.kubernetes.check import Wrong, check
from harness.kubernetes.sleeper import asleep
from harness.processes import until

SLEEP = 20  # seconds of the builder
STOPPED = 15  # seconds that a part does nothing
MISSED = 90  # seconds until a node that is cut off is missed
GIVEN_UP = 30  # seconds, and some more, that a pod which tolerates nothing would stay on it
LONG = 110  # seconds of a builder that outlives all that


@check
def apiserver_stopped(scene):
    """a control plane that says nothing for 15 s while an app is staged changes nothing"""
    return stopped(scene, 'site', 'kube-apiserver')


@check
def kubelet_stopped(scene):
    """a kubelet that does nothing for 15 s while an app is staged changes nothing"""
    job = asleep(scene, SLEEP)
    return stopped(scene, scene.pod(job)['spec']['nodeName'], 'kubelet', job)


@check
def registry_stopped(scene):
    """a registry that says nothing for 15 s while the image is published is waited for"""
    job = asleep(scene, SLEEP)
    with scene.cluster.stopped('site', 'docker-registry'):
        if not until(lambda: scene.seen(job).began('publish'), SLEEP * 3, 0.5):
            raise Wrong(f'nothing is published: {scene.seen(job).words()}')
        time.sleep(STOPPED)
    return published(scene, job)


@check
def node_cut_off(scene):
    """a node that is cut off while an app is staged is no reason for a second pod, and the first ends when it is back"""
    scene.cluster.k('cordon', 'node1')  # where the mini-HCF is
    try:
        job = asleep(scene, LONG)
    finally:
        scene.cluster.k('uncordon', 'node1')
    with scene.cluster.cut_off('node2'):
        if not until(lambda: scene.cluster.ready() == len(scene.cluster.nodes()) - 1, MISSED, 1):
            raise Wrong('the node is not missed')
        time.sleep(GIVEN_UP)
        pods = [pod['metadata']['name'] for pod in scene.read('pods', '--selector', f'job-name={job}')['items']]
    if len(pods) != 1:
        raise Wrong(f'{len(pods)} pods: {pods}')
    return published(scene, job)


def stopped(scene, where, program, job=None):
    job = job or asleep(scene, SLEEP)
    with scene.cluster.stopped(where, program):
        time.sleep(STOPPED)
    return published(scene, job)


def published(scene, job):
    """How a Job ends well, if it does."""
    done = scene.ended(job)
    if done.phase != 'Succeeded':
        raise Wrong(done.words())
    return f'one pod, {done.result()["digest"]}'
