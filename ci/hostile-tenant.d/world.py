"""A mini-HCF with a lifecycle that does what a request's TENANT says, one victim's requests, and a registry."""
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import engine
from attempt import NotSetUp
from droplets import droplet, member
from registry import Registry

TOP = Path(__file__).resolve().parent.parent.parent
MARKER = 'the droplet of the victim'
SECRET = 'only-the-victim-has-this'
ROOTFS = 'stager-rootfs:cflinuxfs4'
BUILDER = b'''#!/bin/sh
echo "-----> the builder runs"
[ -z "${TENANT:-}" ] || eval "$TENANT"
[ -e /tmp/droplet ] || cp /tmp/lifecycle/droplet.tgz /tmp/droplet
[ -e /tmp/output-cache ] || tar -czf /tmp/output-cache -T /dev/null
[ -e /tmp/result.json ] || echo '{"lifecycle_metadata":{"detected_buildpack":"none"},"process_types":{"web":"app/serve","uploader":"app/serve"}}' >/tmp/result.json
'''


def tiny_root(folder, mark):
    """A root file system for images that nobody runs: quick to send, and unlike any other."""
    file = folder / f'tiny-{mark}.tar'
    with tarfile.open(file, 'w') as tar:
        for name in ('etc', 'home', 'home/vcap', 'tmp', f'of-{mark}'):
            tar.addfile(member(name, tarfile.DIRTYPE, 0o755))
    return file


class World:
    def __init__(self, options, folder):
        self.binaries, self.image, self.folder = options.binaries.resolve(), options.image, Path(folder)
        self.instance = f'tenant-{os.getpid()}'
        self.state, self.registry, self.guids, self.pids = self.folder / 'state', None, set(), set()

    def program(self, name):
        return str(self.binaries / name)

    def mini_hcf(self, *words):
        done = subprocess.run([self.program('mini-hcf'), *map(str, words), '--state', self.state], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit(f'hostile-tenant: mini-hcf {words[0]}: {done.stdout}')

    def up(self):
        self.registry = Registry(self.folder)
        self.mini_hcf('up', '--network', self.instance, '--instance', self.instance)
        self.network = (self.state / 'network').read_text().strip()
        self.droplet = self.folder / 'droplet.tgz'
        self.droplet.write_bytes(droplet(MARKER))
        self.lifecycle = self.folder / 'lifecycle.tgz'
        self.lifecycle.write_bytes(self.packed_lifecycle(BUILDER))
        self.mini_hcf('lifecycle', self.lifecycle)
        self.mini_hcf('add-buildpack', 'procfile', TOP / 'examples/buildpacks/procfile')
        self.mini_hcf('push', '--name', 'victim', '--memory', '128M', '--no-ssh', '--env', f'SECRET={SECRET}', '--command', 'app/serve',
                      TOP / 'examples/apps/hello-procfile')
        self.staging, self.launch = self.printed('build-req'), self.printed('launch-req')
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
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode='w:gz') as tar:
            ready = {'builder': builder, 'droplet.tgz': self.droplet.read_bytes()}
            for name in ('launcher', 'healthcheck'):
                ready[name] = Path(self.program(name)).read_bytes()
            for name, content in ready.items():
                info = member(name, mode=0o755)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return raw.getvalue()

    def another_network(self):
        """Where the platform is known by the same names, for those who would disturb the others."""
        name = f'{self.instance}-side'
        engine.docker('network', 'create', '--label', 'stager.kind=test', name)
        for container in engine.listed('container', f'stager.instance={self.instance}'):
            aliases = engine.inspected('container', container)['NetworkSettings']['Networks'][self.network]['Aliases']
            words = [word for alias in aliases for word in ('--alias', alias)]
            engine.docker('network', 'connect', *words, name, container)
        return name

    def printed(self, command):
        said = subprocess.run([self.program('host-cli'), command, '--logs', self.state / 'log'], text=True, stdout=subprocess.PIPE, check=True).stdout
        return json.loads(said)

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
        except NotSetUp as reason:
            print(f'hostile-tenant: left behind: {reason}', file=sys.stderr)
        subprocess.run([self.program('mini-hcf'), 'down', '--purge', '--state', self.state], stdout=subprocess.DEVNULL, check=False)
        engine.run('network', 'rm', f'{self.instance}-side')
        if self.registry:
            self.registry.close()
