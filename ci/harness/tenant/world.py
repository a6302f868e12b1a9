"""A mini-HCF with a lifecycle that does what a request's TENANT says, one victim's requests, and a registry."""
import os
import sys
from pathlib import Path

from harness.archives.droplets import droplet, tar_of, tgz_of
from harness.command import ROOTFS, TOP, Unavailable
from harness.engine import HERE as engine
from harness.mini_hcf import MiniHcf
from harness.registry import Registry

MARKER = 'the droplet of the victim'
SECRET = 'only-the-victim-has-this'
BUILDER = b"""#!/bin/sh
echo "-----> the builder runs"
[ -z "${TENANT:-}" ] || eval "$TENANT"
[ -e /tmp/droplet ] || cp /tmp/lifecycle/droplet.tgz /tmp/droplet
[ -e /tmp/output-cache ] || tar -czf /tmp/output-cache -T /dev/null
[ -e /tmp/result.json ] || echo '{"lifecycle_metadata":{"detected_buildpack":"none"},"process_types":{"web":"app/serve","uploader":"app/serve"}}' \\
    >/tmp/result.json
"""


def tiny_root(folder, mark):
    """A root file system for images that nobody runs: quick to send, and unlike any other."""
    file = folder / f'tiny-{mark}.tar'
    file.write_bytes(tar_of(dict.fromkeys(('etc', 'home', 'home/vcap', 'tmp', f'of-{mark}'))))
    return file


class World:
    def __init__(self, options, folder):
        self.binaries, self.image, self.folder = options.binaries.resolve(), options.image, Path(folder)
        self.instance = f'tenant-{os.getpid()}'
        self.hcf, self.registry = MiniHcf(self.binaries, self.folder, self.instance), None
        self.state, self.guids, self.pids = self.hcf.state, set(), set()
        self.stopping = False

    def program(self, name):
        return str(self.binaries / name)

    def up(self):
        self.registry = Registry(self.folder).start()
        self.hcf.up()
        self.network = self.hcf.network
        self.droplet = self.folder / 'droplet.tgz'
        self.droplet.write_bytes(droplet(MARKER))
        self.lifecycle = self.folder / 'lifecycle.tgz'
        self.lifecycle.write_bytes(self.packed_lifecycle(BUILDER))
        self.hcf.run('lifecycle', self.lifecycle)
        self.hcf.add_buildpack('procfile', TOP / 'examples/buildpacks/procfile')
        self.hcf.push(TOP / 'examples/apps/hello-procfile', 'victim', '--memory', '128M', '--no-ssh', '--env', f'SECRET={SECRET}',
                      '--command', 'app/serve')
        self.staging, self.launch = self.hcf.request('build-req'), self.hcf.request('launch-req')
        del self.staging['egress_rules'], self.launch['egress_rules']
        label = f'stager.tenant={self.instance}'
        self.side = self.another_network()
        self.beside = {network: engine.docker('run', '--detach', '--label', label, '--network', network, '--entrypoint', 'sleep', ROOTFS, '3600')
                       for network in (self.network, self.side)}
        self.stranger = self.beside[self.network]
        # A stranger's image may well have the program that our guards would run.
        engine.docker('exec', self.stranger, 'ln', '-s', '/bin/true', '/usr/bin/stager-guard')
        self.tiny = f'{self.instance}:tiny'
        engine.docker('import', '--change', f'LABEL {label}', tiny_root(self.folder, self.instance), self.tiny)

    def packed_lifecycle(self, builder):
        demo = {name: (self.binaries / name).read_bytes() for name in ('launcher', 'healthcheck')}
        return tgz_of({'builder': builder, 'droplet.tgz': self.droplet.read_bytes(), **demo})

    def another_network(self):
        """Where the platform is known by the same names, for those who would disturb the others."""
        name = f'{self.instance}-side'
        engine.docker('network', 'create', '--label', 'stager.kind=test', name)
        for container in engine.listed('container', f'stager.instance={self.instance}'):
            aliases = engine.inspected('container', container)['NetworkSettings']['Networks'][self.network]['Aliases']
            words = [word for alias in aliases for word in ('--alias', alias)]
            engine.docker('network', 'connect', *words, name, container)
        return name

    def clear(self, guids):
        """Removes what was made for the apps."""
        for guid in guids:
            engine.remove_all(f'stager.app-guid={guid}')

    def down(self):
        try:
            self.clear(self.guids)
            engine.remove_all(f'stager.tenant={self.instance}')
            for guard in engine.listed('container', 'stager.kind=guard'):
                owner = engine.docker('container', 'inspect', '--format', '{{index .Config.Labels "stager.owner"}}', guard)
                if owner.split('.')[1:2] and owner.split('.')[1] in self.pids:
                    engine.remove('container', guard)
            engine.remove('volume', *(name for name in engine.docker('volume', 'ls', '--quiet').split() if name.startswith(f'{self.instance}-')))
        except Unavailable as reason:
            print(f'hostile-tenant: left behind: {reason}', file=sys.stderr)
        self.hcf.down()
        engine.run('network', 'rm', f'{self.instance}-side')
        if self.registry:
            self.registry.close()
