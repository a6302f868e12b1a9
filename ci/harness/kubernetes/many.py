"""Checks of many stagings at once."""
import time

from harness.kubernetes.check import Wrong, check
from harness.kubernetes.scene import PUBLISH
from harness.processes import until

APP = 'many'
JOBS = 40
LONGEST = 900  # seconds for all of them on a busy machine
ENDS = ('Succeeded', 'Failed')


@check
def many(scene):
    """40 Jobs at once are staged and published, each of them once; what the nodes have no room for waits"""
    scene.push('env-page', APP)
    began = time.monotonic()
    jobs = {scene.begin(scene.staging_manifest(APP, '--no-upload', tag=number)) for number in range(JOBS)}
    in_time = until(lambda: sum(pod['status']['phase'] in ENDS for pod in pods(scene, jobs)) >= JOBS, LONGEST, 2)
    took = time.monotonic() - began
    found = pods(scene, jobs)
    staged = [pod for pod in found if pod['status']['phase'] == 'Succeeded' and has_published(pod)]
    seen = {pod['metadata']['labels']['job-name'] for pod in staged}
    counts = f'failed={len(found) - len(staged)} staged={len(seen)} lost={len(jobs - seen)} twice={len(staged) - len(seen)}'
    scene.k('delete', 'jobs', *jobs, '--wait=false')
    if not in_time or counts != f'failed=0 staged={JOBS} lost=0 twice=0':
        raise Wrong(counts)
    nodes = {pod['spec']['nodeName'] for pod in staged}
    return f'{counts}; {took:.0f} s, {JOBS / took * 60:.0f} a minute, on {len(nodes)} nodes'


def pods(scene, jobs):
    return [pod for pod in scene.read('pods')['items'] if pod['metadata']['labels'].get('job-name') in jobs]


def has_published(pod):
    ended = [one['state'].get('terminated') for one in pod['status'].get('containerStatuses', []) if one['name'] == PUBLISH]
    return bool(ended and ended[0] and 'sha256:' in ended[0].get('message', ''))
