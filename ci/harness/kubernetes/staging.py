"""Checks of a Job that stages, and of what it leaves."""
import json
import re
import shutil
import subprocess
import time

from harness.kubernetes.check import Wrong, check
from harness.kubernetes.images import BASE
from harness.kubernetes.scene import NAMESPACE, PUBLISH, STAGE
from harness.kubernetes.sleeper import asleep
from harness.processes import until

APP = 'env-page'
IN_IMAGES = ('launcher', 'healthcheck')  # of the lifecycle's programs
GONE = 30  # seconds until a deleted Job has ended


@check
def staging(scene):
    """one Job of `manifest restage` stages an app; its second container publishes the image"""
    scene.have(APP)
    began = time.monotonic()
    done = scene.staged(APP)
    for container in (STAGE, PUBLISH):
        if done.ended(container)['exitCode']:
            raise Wrong(done.words())
    return f'{time.monotonic() - began:.1f} s from the manifest to the image; {done.result()["digest"]}'


@check
def same_image(scene):
    """the image has the digest that `image --publish` gives the same droplet on this machine"""
    done = scene.staged(scene.have(APP))
    files = scene.folder / 'here'
    shutil.rmtree(files, ignore_errors=True)
    (files / 'lifecycle').mkdir(parents=True)
    for program in IN_IMAGES:
        shutil.copy(scene.hcf.folder / 'lifecycle' / program, files / 'lifecycle')
    (files / 'request').write_text(json.dumps(scene.request(APP)))
    (files / 'result').write_text(next(event['text'] for event in done.events if event['event'] == 'result'))
    said = scene.host('image', '--output', 'json', '--droplet', newest_droplet(scene), '--lifecycle', files / 'lifecycle', '--request', files / 'request',
                      '--result', files / 'result', '--base', BASE, '--publish', scene.image_of(f'{APP}-here'), '--ca', scene.images.config / 'ca.crt')
    here, there = re.findall(r'sha256:[0-9a-f]{64}', said), done.result()['digest']
    if there not in here:
        raise Wrong(f'{there} in the cluster, {here} here')
    return there


def newest_droplet(scene):
    """Which the mini-HCF's Cloud Controller took last."""
    files = (scene.hcf.state / 'blobstore/cc-droplets').rglob('*')
    droplets = [file for file in files if file.is_file() and 'buildpack_cache' not in file.parts]
    return max(droplets, key=lambda file: file.stat().st_mtime)


@check
def deleted(scene):
    """deleting a Job ends its builder with 143, and leaves no pod of it"""
    job = asleep(scene, 600, publish=False)
    watch = subprocess.Popen(scene.cluster.kubectl('--namespace', NAMESPACE, 'get', 'pods', '--selector', f'job-name={job}', '--watch', '--output', 'json'),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        began = time.monotonic()
        scene.k('delete', 'job', job, '--cascade=foreground', '--wait=false')
        gone = until(lambda: scene.pod(job) is None, GONE, 0.3)
    finally:
        watch.terminate()
    codes = re.findall(r'"exitCode": (\d+)', watch.communicate()[0])
    if not gone or '143' not in codes:
        raise Wrong(f'gone: {gone}, exit codes {codes}')
    return f'gone {time.monotonic() - began:.1f} s after it was deleted'


def in_urls(request):
    """The secret parts of a request's URLs."""
    text = json.dumps(request)
    return {*re.findall(r'[?&](?:md5|signature)=([^"&\\]{8,})', text), *re.findall(r'://[^/"@]*:([^/"@]+)@', text)}
