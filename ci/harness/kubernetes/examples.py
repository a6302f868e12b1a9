"""Checks with every app and lifecycle of examples/."""
import subprocess

from harness.command import TOP, Unavailable
from harness.kubernetes.check import Wrong, check
from harness.kubernetes.scene import PUBLISH, STAGE

# Of each app: how its staging ends.
ENDS = {'env-page': 0, 'hello-procfile': 0, 'static-site': 0, 'slow-start': 0, 'dies-at-start': 0, 'does-not-compile': 223, 'no-buildpack': 222}
CNB = 'cnb-python'


@check
def example_apps(scene):
    """every example app is staged, all at once; what cannot be staged ends with the builder's own exit code, and is not published"""
    jobs = {}
    for app in ENDS:
        scene.push(app, f'all-{app}')
        jobs[app] = scene.begin(scene.staging_manifest(f'all-{app}'))
    for app, wanted in ENDS.items():
        done = scene.ended(jobs[app])
        code, published = done.ended(STAGE)['exitCode'], done.ended(PUBLISH) is not None
        if code != wanted or published != (wanted == 0):
            raise Wrong(f'{app}: exit code {code}, not {wanted}; published: {published}\n{done.words()}')
    return ', '.join(f'{app} {code}' for app, code in ENDS.items() if code) + f', {list(ENDS.values()).count(0)} published'


@check
def cloud_native_buildpacks(scene):
    """an app with Cloud Native Buildpacks is staged and published"""
    lifecycle, buildpack = scene.folder / 'cnb-lifecycle.tgz', scene.folder / f'{CNB}.tgz'
    pack(TOP / 'examples/lifecycle/pack', '--kind', 'cnb', '--binaries', scene.hcf.static, lifecycle)
    pack(TOP / 'examples/buildpacks/pack', TOP / 'examples/buildpacks' / CNB, buildpack)
    scene.hcf.run('lifecycle', lifecycle, '--kind', 'cnb')
    scene.hcf.run('add-buildpack', CNB, buildpack, '--lifecycle', 'cnb')
    scene.push('env-page', 'cnb-page', '--lifecycle', 'cnb', '--command', 'python3 app.py')
    return scene.staged('cnb-page').result()['digest']


def pack(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Unavailable(f'{command[0].name}: {done.stderr.strip()}')
