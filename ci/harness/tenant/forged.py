"""An image that is forged to the byte, as a stranger's registry may hold it: its layers, history and settings are as ours are."""
import hashlib
import json

from harness.archives.droplets import tar_of
from harness.engine import HERE as engine

WHEN = '1980-01-01T00:00:00Z'
LAUNCHER = b'#!/bin/sh\nexec sleep 600\n'


def digest(content):
    return hashlib.sha256(content).hexdigest()


def forgery(genuine, base):
    """The genuine image's config and labels with a launcher of the stranger's, as `docker save` writes an image."""
    found, below = engine.inspected('image', genuine), engine.inspected('image', base)
    lifecycle, droplet = tar_of({'tmp/lifecycle/launcher': LAUNCHER}), tar_of({'home/vcap/app/marker': b'forged\n'})
    digests = [f'sha256:{digest(one)}' for one in (lifecycle, droplet)]
    steps = [f'base {below["Id"]}'] * len(below['RootFS']['Layers']) + [
        f'stager {name} {one}' for name, one in zip(('lifecycle', 'droplet'), digests, strict=True)
    ]
    settings = {key: found['Config'][key] for key in ('User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'WorkingDir')}
    labels = found['Config']['Labels'] | {'stager.lifecycle': digest(lifecycle)}
    config = json.dumps({
        'architecture': found['Architecture'], 'os': 'linux', 'created': WHEN, 'config': settings | {'Labels': labels},
        'rootfs': {'type': 'layers', 'diff_ids': below['RootFS']['Layers'] + digests},
        'history': [{'created': WHEN, 'created_by': step} for step in steps]}).encode()
    there = [f'there-{number}.tar' for number in range(len(below['RootFS']['Layers']))]  # the engine has them already
    manifest = [{'Config': 'config.json', 'RepoTags': None, 'Layers': [*there, 'lifecycle.tar', 'droplet.tar']}]
    return tar_of(
        {'config.json': config, 'lifecycle.tar': lifecycle, 'droplet.tar': droplet, 'manifest.json': json.dumps(manifest).encode()}
    ), f'sha256:{digest(config)}'
