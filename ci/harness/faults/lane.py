"""One of several places where faults are tried at the same time: a network with a proxy in the servers' stead, an app, and the
commands that stage and launch it."""
import json
import os
import re
import shutil
import uuid
from pathlib import Path

from harness import staging
from harness.command import ROOTFS, STAGER
from harness.faults.gate import Gate
from harness.faults.run import NotInjected, Run
from harness.processes import until

PROXY = Path(__file__).resolve().parent / 'proxy'
LABELS = ('--label', 'stager.kind=test')
ALIASES = {
    'file-server': ('diego-access', 'file-server.service.cf.internal'),
    'blobstore': ('blobstore', 'blobstore.service.cf.internal'),
    'cc-uploader': ('cc-uploader', 'cc-uploader.service.cf.internal'),
}
REAL = {'file-server': ('diego-access', 8080, False), 'blobstore': ('blobstore', 443, True), 'cc-uploader': ('cc-uploader', 9090, False)}
HASTY = ('--connect-timeout', '3s', '--idle-timeout', '3s')  # the defaults are 10 s and 30 s


class Lane:
    """See the module's text. `folder` is its own."""

    def __init__(self, number, engine, hcf, certificates, folder):
        self.engine, self.hcf, self.certificates, self.folder = engine, hcf, certificates, folder
        self.app, self.network, self.proxy = f'lane-{number}', f'{hcf.name}-{number}', f'{hcf.name}-proxy-{number}'
        self.faults, self.tmp, self.pages, self.guid, self.volume = folder / 'faults', folder / 'tmp', 0, None, None
        self.gate, self.within, self.complaints = None, 60, []

    def up(self):
        self.tmp.mkdir(parents=True)
        shutil.copytree(self.certificates.folder, self.faults)
        shutil.copytree(PROXY, self.faults / PROXY.name)
        shutil.make_archive(str(self.faults / 'other'), 'zip', PROXY)
        real = {service: (self.hcf.container(name), port, tls) for service, (name, port, tls) in REAL.items()}
        (self.faults / 'upstream.json').write_text(json.dumps(real))
        self.engine.docker('network', 'create', *LABELS, self.network)
        self.engine.docker('create', '--name', self.proxy, *LABELS, '--user', '0', '--network', self.network, *self.aliases(),
                           '--volume', f'{self.faults}:/faults', '--workdir', '/faults', ROOTFS, 'python3', '-B', '-m', PROXY.name)
        self.engine.docker('network', 'connect', self.hcf.name, self.proxy)
        self.start_proxy()
        self.gate = Gate(self.folder / 'gate.sock', self.engine.socket)

    def start_proxy(self):
        lines = len(self.log())
        self.engine.docker('start', self.proxy)
        if not until(lambda: any(line['did'] == 'ready' for line in self.log()[lines:]), 30):
            raise NotInjected(f"the proxy does not start: {self.engine.run('logs', self.proxy).stderr}")

    def down(self):
        """Removes all of it, and whatever its runs have left."""
        if self.gate:
            self.gate.close()
        for container in self.containers('staging') + self.containers('app') if self.guid else ():
            self.engine.docker('rm', '--force', container, check=False)
        for image in self.images() if self.guid else ():
            self.engine.docker('rmi', '--force', image, check=False)
        for volume in self.engine.docker('volume', 'ls', '--quiet', '--filter', f'name=^stager-cache-{self.network}-', check=False).split():
            self.engine.docker('volume', 'rm', '--force', volume, check=False)
        self.engine.docker('rm', '--force', self.proxy, check=False)
        self.engine.docker('network', 'rm', self.network, check=False)

    def aliases(self, without=()):
        names = [name for service, names in ALIASES.items() if service not in without for name in names]
        return [word for name in names for word in ('--network-alias', name)]

    def rename(self, without=()):
        """Takes all names from the servers, and gives them again but for those of the services `without`."""
        self.engine.docker('network', 'disconnect', self.network, self.proxy, check=False)
        words = [word.replace('--network-alias', '--alias') for word in self.aliases(without)]
        self.engine.docker('network', 'connect', *words, self.network, self.proxy)

    # The proxy.

    def rule(self, service, **rule):
        """Lets a server do something wrong from now on; the rule's id."""
        rule = {'id': uuid.uuid4().hex, 'service': service, **rule}
        partial = self.faults / 'rule.new'
        partial.write_text(json.dumps(rule))
        partial.rename(self.faults / 'rule.json')
        return rule['id']

    def calm(self):
        """All goes right again."""
        (self.faults / 'rule.json').unlink(missing_ok=True)
        self.gate.open()

    def log(self, rule=None):
        try:
            lines = (self.faults / 'log').read_text().splitlines()
        except OSError:
            return []
        found = [json.loads(line) for line in lines]
        return [line for line in found if rule is None or line['id'] == rule]

    def hit(self, rule, did, patience=60, run=None):
        """Waits until the proxy has done what the rule says."""
        def found():
            return [line for line in self.log(rule) if line['did'].startswith(did)]

        def ended():
            return run is not None and run.process.poll() is not None
        until(lambda: found() or ended(), patience, 0.02)
        if done := found():
            return done
        raise NotInjected(f"no server did {did!r}{': ' + run.last_words() if ended() else ''}")

    # The app.

    def push(self, **how):
        self.pages += 1
        self.guid = self.hcf.push_page(self.app, self.page, **how)

    @property
    def page(self):
        """What the version that was pushed last prints."""
        return f'page {self.pages}'

    def host_cli(self, command, *options, stdin=None, gate=False, wrap=()):
        environment = {**self.engine.environment(), 'TMPDIR': str(self.tmp), 'XDG_CACHE_HOME': str(self.folder / 'cache'),
                       'XDG_STATE_HOME': str(self.folder / 'state')}
        if gate:
            environment['DOCKER_HOST'] = self.gate.docker_host
        words = [self.engine.static / 'host-cli', command, *options]
        return Run(self.engine.entering([*wrap, *map(str, words)]), environment, stdin)

    def restage(self, *options, agent=HASTY, request=None, **more):
        """The app's newest request, or another."""
        which = ('--request', request) if request else (self.app,)
        places = ('--logs', self.hcf.state / 'log', '--ca', self.faults / 'ca.pem')
        return self.host_cli(*staging.restage(*which, *places, *options, network=self.network, volume=self.volume, image=STAGER, agent=agent), **more)

    def launch(self, *options, **more):
        return self.host_cli('launch', self.app, '--logs', self.hcf.state / 'log', '--network', self.network, '--output', 'json', *options, **more)

    def drop_in(self, *options, agent=HASTY):
        """The form without a host, with its request on standard input."""
        command = staging.drop_in('--interactive', '--label', 'stager.kind=staging', '--label', f'stager.app-guid={self.guid}', *options,
                                  network=self.network, image=STAGER, agent=('--output', 'json', *agent))
        return Run(command, self.engine.environment(), self.request())

    def request(self):
        return self.hcf.asked('build-req', self.app)

    def changed(self, **fields):
        """The request with other fields, as a file."""
        file = self.folder / 'request.json'
        file.write_text(json.dumps({**json.loads(self.request()), **fields}))
        return file

    def secrets(self):
        """Of the request: signatures, passwords."""
        text = self.request()
        found = re.findall(r'md5=([\w-]{8,})', text) + re.findall(r'password\\*":\\*"([^"\\]+)', text)
        found += re.findall(r'(?://|%2F%2F)[^/:@"%]+(?::|%3A)([^@"%/]+)(?:@|%40)', text)
        return {secret for secret in found if len(secret) > 5}

    # What is on the engine.

    def containers(self, kind, running=False):
        labels = ('--filter', f'label=stager.app-guid={self.guid}', '--filter', f'label=stager.kind={kind}')
        return self.engine.docker('ps', '--quiet', '--no-trunc', *(() if running else ('--all',)), *labels).split()

    def image_name(self):
        """As host-cli calls it."""
        return f'cf-app/{self.app}-{self.guid[:8]}:latest'

    def images(self, *more):
        label = ('--filter', f'label=stager.app-guid={self.guid}')
        return sorted(set(self.engine.docker('images', '--quiet', '--no-trunc', *label, *more).split()))

    def staging(self):
        """The container of the staging that is under way."""
        found = self.containers('staging', running=True)
        if len(found) != 1:
            raise NotInjected(f'{len(found)} staging containers, not one')
        return found[0]

    def remembered(self):
        """The file in which it is remembered what is wanted of the app; None: it is not."""
        return next(iter((self.folder / 'state').glob('stager/engines/*/apps/*.json')), None)

    def left_in_tmp(self):
        return sorted(os.listdir(self.tmp))
