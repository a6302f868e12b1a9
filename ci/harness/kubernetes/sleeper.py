"""An app that takes its time to be staged, so that something can happen meanwhile."""
import shutil

from harness.command import TOP
from harness.kubernetes.check import Wrong
from harness.processes import until

PROCFILE = TOP / 'examples/buildpacks/procfile'
ASLEEP = 'the builder sleeps'
BUSY = 120  # seconds until a builder runs, on a busy machine


def pushed(scene, seconds):
    """An app whose builder sleeps for so long."""
    name = f'sleeper-{seconds}'
    folder = scene.folder / name
    if not folder.exists():
        shutil.copytree(PROCFILE, folder)
        (folder / 'bin/compile').rename(folder / 'bin/compile-awake')
        (folder / 'bin/compile').write_text(f'#!/bin/sh\necho {ASLEEP}\nsleep {seconds}\nexec "$(dirname "$0")/compile-awake" "$@"\n')
        (folder / 'bin/compile').chmod(0o755)
        scene.hcf.add_buildpack(name, folder)
    scene.push('hello-procfile', name, '--buildpack', name)
    return name


def asleep(scene, seconds, **more):
    """A Job whose builder has begun to sleep for so long; it then goes on."""
    job = scene.begin(scene.staging_manifest(pushed(scene, seconds), **more))
    if not until(lambda: ASLEEP in scene.seen(job).lines, BUSY, 0.5):
        raise Wrong(f'the builder does not run: {scene.seen(job).words()}')
    return job
