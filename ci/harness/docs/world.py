"""A mini-HCF and a registry, and a home folder in which the documents' commands run as they are written."""
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.command import STAGER, TOP, Unavailable, static_programs
from harness.engine import HERE
from harness.mini_hcf import MiniHcf
from harness.registry import Registry


class World:
    """For as long as its context. No command needs options that say where it is."""

    def __init__(self):
        self.name = f'docs-{os.getpid()}'
        self.static = static_programs()
        if not (self.static / 'mini-hcf').exists():
            raise Unavailable(f'there is no {self.static}/mini-hcf; try: ci/build-static')
        self.folder = Path(tempfile.mkdtemp(prefix='stager-docs-'))
        self.hcf = MiniHcf(self.static, self.folder, self.name)
        self.registry = Registry(self.folder)

    def __enter__(self):
        try:
            self.lay_out()
            self.registry.start()
            HERE.docker('volume', 'create', '--label', 'stager.kind=demo', self.name)
            self.hcf.up('--image', f'mini-{self.name}:latest')
            self.hcf.give_lifecycle()
            for buildpack in ('staticfile', 'python', 'procfile'):
                self.hcf.add_buildpack(f'{buildpack}_buildpack', TOP / 'examples/buildpacks' / buildpack)
            self.hcf.push(TOP / 'examples/apps/env-page', 'my-app')
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def lay_out(self):
        """What commands find without being told: examples, logs, the mini-HCF's state."""
        for link, target in (('examples', TOP / 'examples'), ('.run/log', self.hcf.state / 'log'), ('.stager/mini-hcf', self.hcf.state)):
            place = self.folder / link
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(target)

    def environment(self):
        """Of a shell in which network and cache are set, as docs/configuration.md says."""
        ours = {'STAGER_NETWORK': self.name, 'STAGER_CACHE_VOLUME': self.name, 'STAGER_IMAGE': STAGER, 'REGISTRY': self.registry.address}
        shell = {'HOME': str(self.folder), 'PATH': f"{self.static}:{os.environ['PATH']}", 'TERM': 'xterm-256color', 'LANG': 'C.UTF-8'}
        return {**{name: value for name, value in os.environ.items() if not name.startswith('STAGER_')}, **shell, **ours}

    def app_guids(self):
        """Of all apps that were pushed here."""
        command = [self.static / 'host-cli', 'requests', '--output', 'json']
        listed = subprocess.run(command, env=self.environment(), check=False, capture_output=True, text=True)
        return {request['guid'] for request in json.loads(listed.stdout or '[]')}

    def remove(self):
        for guid in self.app_guids():
            HERE.remove_all(f'stager.app-guid={guid}')
        self.hcf.down()
        HERE.run('rmi', '--force', f'mini-{self.name}:latest')
        HERE.run('volume', 'rm', '--force', self.name)
        self.registry.close()
        shutil.rmtree(self.folder)
