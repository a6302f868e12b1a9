"""A mini-HCF and a registry, and a home folder in which the documents' commands run as they are written.

One document is about real systems: its mini-HCF is like one of BOSH, with names that no network knows, client certificates and no
logs, and `bosh` is a stand-in (docs/bosh) that shows what the real one would.
"""
import json
import os
import shutil
import tempfile
from pathlib import Path

from harness.command import STAGER, TOP, Unavailable, static_programs
from harness.engine import HERE
from harness.mini_hcf import MiniHcf
from harness.registry import Registry


class World:
    """For as long as its context. No command needs options that say where it is."""

    links = ('examples', '.run/log', '.stager/mini-hcf')
    up_options, app, push_options = (), 'my-app', ()

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
            self.hcf.up('--image', f'mini-{self.name}:latest', *self.up_options)
            self.hcf.give_lifecycle()
            for buildpack in ('staticfile', 'python', 'procfile'):
                self.hcf.add_buildpack(f'{buildpack}_buildpack', TOP / 'examples/buildpacks' / buildpack)
            self.hcf.push(TOP / 'examples/apps/env-page', self.app, *self.push_options)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def lay_out(self):
        """What commands find without being told: examples, logs, the mini-HCF's state."""
        targets = {'examples': TOP / 'examples', '.run/log': self.hcf.state / 'log', '.stager/mini-hcf': self.hcf.state}
        for link in self.links:
            place = self.folder / link
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(targets[link])

    def environment(self):
        """Of a shell in which network and cache are set, as docs/configuration.md says."""
        ours = {'STAGER_NETWORK': self.name, 'STAGER_CACHE_VOLUME': self.name, 'STAGER_IMAGE': STAGER, 'REGISTRY': self.registry.address}
        shell = {'HOME': str(self.folder), 'PATH': f"{self.static}:{os.environ['PATH']}", 'TERM': 'xterm-256color', 'LANG': 'C.UTF-8'}
        return {**{name: value for name, value in os.environ.items() if not name.startswith('STAGER_')}, **shell, **ours}

    def app_guids(self):
        """Of all apps that were pushed here."""
        return {json.loads(app.read_text())['guid'] for app in (self.hcf.state / 'apps').glob('*.json')}

    def remove(self):
        for guid in self.app_guids():
            HERE.remove_all(f'stager.app-guid={guid}')
        self.hcf.down()
        HERE.run('rmi', '--force', f'mini-{self.name}:latest')
        HERE.run('volume', 'rm', '--force', self.name)
        self.registry.close()
        shutil.rmtree(self.folder)


class Bosh(World):
    """Beside a system of today on BOSH."""

    links = ()
    up_options = ('--hidden-names', '--mutual-tls')
    app, push_options = 'orders-api', ('--no-logs',)

    def environment(self):
        bosh = Path(__file__).parent / 'bosh'
        outer = super().environment()
        return {**outer, 'PATH': f"{bosh}:{outer['PATH']}", 'STATE': str(self.hcf.state)}
