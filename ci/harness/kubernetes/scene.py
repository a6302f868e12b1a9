"""Where the checks take place: a cluster with a mini-HCF, the command that makes manifests, and what becomes of them."""
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.command import TOP
from harness.events import Done, event_of
from harness.kubernetes.addresses import REGISTRY
from harness.kubernetes.check import Wrong
from harness.kubernetes.images import BASE, LOGIN
from harness.processes import until

NAMESPACE = 'apps'
STAGE, PUBLISH = 'stage', 'publish'  # the containers of a Job that stages
LONGEST = 300  # seconds for a staging on a busy machine
SAID = 40  # lines of a failure that are shown


@dataclass
class Staging:
    """A Job that stages: its pod as it was last seen, and what it said."""
    job: str
    pod: dict
    logs: dict = field(default_factory=dict)  # by container

    @property
    def phase(self):
        return self.pod['status']['phase']

    @property
    def events(self):
        return [event for event in map(event_of, self.logs.get(STAGE, '').splitlines()) if event]

    @property
    def lines(self):
        """What the builder printed."""
        return [event.get('text', '') for event in self.events if event['event'] == 'line']

    def state(self, container):
        """`waiting`, `running` or `terminated`, with what the cluster says of it."""
        status = self.pod['status']
        found = [one for one in [*status.get('initContainerStatuses', []), *status.get('containerStatuses', [])] if one['name'] == container]
        return found[0]['state'] if found else {}

    def began(self, container):
        return not {'running', 'terminated'}.isdisjoint(self.state(container))

    def ended(self, container):
        """How it did: the exit code and the last words; nothing where it did not."""
        return self.state(container).get('terminated')

    def result(self):
        """What the container that publishes leaves."""
        return json.loads(self.ended(PUBLISH)['message'])

    def words(self):
        """All of it, for people."""
        status = json.dumps(self.pod['status'].get('conditions', []))
        return '\n'.join([f'{self.job}: {self.phase} {status[:400]}',
                          *(f'{name}: {line[:400]}' for name, log in self.logs.items() for line in log.splitlines()[-SAID:])])


@dataclass
class Client:
    """A host-cli at work in the cluster, and what it says."""
    process: subprocess.Popen
    said: Path

    def done(self):
        """As far as it is; `code` is None while it goes on."""
        return Done(self.process.poll(), self.said.read_bytes(), '')

    def ended(self, patience=LONGEST):
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Wrong(f'not done after {patience} s: {self.done().out[-1500:]}') from None
        return self.done()

    def well(self, patience=LONGEST):
        """Its end, which must be a good one."""
        done = self.ended(patience)
        if done.code:
            raise Wrong(f'{done.why()}\n{done.out[-1500:]}')
        return done

    def says(self, words, patience=LONGEST):
        """Waits until it does."""
        if not until(lambda: words in self.done().out or self.process.poll() is not None, patience, 0.3) or words not in self.done().out:
            raise Wrong(f'it does not say `{words}`: {self.done().out[-1500:]}')


class Scene:
    """See the module's text."""

    def __init__(self, cluster, images, hcf, host_cli, stager):
        self.cluster, self.images, self.hcf, self.host_cli, self.stager = cluster, images, hcf, host_cli, stager
        self.folder, self.digests, self.pushed, self.clients = cluster.folder, {}, set(), []

    def k(self, *words, **more):
        return self.cluster.k('--namespace', NAMESPACE, *words, **more)

    def read(self, *words):
        return self.cluster.read(*words, '--namespace', NAMESPACE)

    def push(self, app, name, *options):
        """To the mini-HCF; the app's guid."""
        return self.hcf.push(TOP / 'examples/apps' / app, name, *options)

    def have(self, app):
        """An example app under its own name, pushed once."""
        if app not in self.pushed:
            self.push(app, app)
            self.pushed.add(app)
        return app

    def host(self, *words, network=True):
        """What host-cli prints, with the registry's login, where the registry is reached."""
        inside = self.cluster.into('site', 'net') if network else []
        command = [str(word) for word in (*inside, self.host_cli, *words)]
        done = subprocess.run(command, env={**os.environ, 'DOCKER_CONFIG': str(self.images.config)}, capture_output=True, text=True, errors='replace',
                              stdin=subprocess.DEVNULL, timeout=LONGEST)
        if done.returncode:
            raise Wrong(f'host-cli {" ".join(map(str, words))[:120]} ended with {done.returncode}: {done.stderr.strip()[-800:]}')
        return done.stdout

    def client(self, user, command, *words):
        """A host-cli that speaks to the cluster, as one who has no more than a Role gives: its process, and the file that it speaks to."""
        config = {'DOCKER_CONFIG': str(self.images.config), 'KUBECONFIG': str(self.cluster.pki.folder / f'{user}.kubeconfig')}
        said = self.folder / f'client-{time.monotonic_ns()}'
        line = [*self.cluster.into('site', 'net'), self.host_cli, command, '--on', 'kubernetes', '--namespace', NAMESPACE, '--output', 'json', *words]
        with open(said, 'wb') as out:
            process = subprocess.Popen([str(word) for word in line], env={**os.environ, **config}, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.clients.append(process)
        return Client(process, said)

    def end_clients(self):
        """Those of a check that was broken off."""
        for process in self.clients:
            process.kill()
            process.wait()

    def restaged(self, app, *options, tag='1', publish=True):
        """`restage --on kubernetes` of the app's newest request, as it begins."""
        where = ['--base', BASE, '--publish', self.image_of(app, tag)] if publish else ['--no-image']
        return self.client('stage-only', 'restage', app, '--logs', self.hcf.state / 'log', '--stager-image', self.stager, '--ca', self.authorities(),
                           '--upload', *where, *options)

    def image_of(self, app, tag='1'):
        return f'{REGISTRY}/cf-app/{app}:{tag}'

    def request(self, app):
        """Its staging request."""
        return json.loads(self.host('build-req', app, '--logs', self.hcf.state / 'log', network=False))

    def staging_manifest(self, app, *options, publish=True, tag='1', request=None):
        """Of the app's newest request, or of another one."""
        source = [app, '--logs', self.hcf.state / 'log']
        if request:
            source = ['--request', self.folder / 'request.json']
            source[1].write_text(json.dumps(request))
        where = ['--base', BASE, '--publish', self.image_of(app, tag), '--registry-secret', LOGIN] if publish else []
        return self.host('manifest', 'restage', *source, '--namespace', NAMESPACE, '--stager-image', self.stager,
                         '--ca', self.authorities(), '--with-secrets', *where, *options, network=False)

    def launch_manifest(self, app, *options):
        """Of the image that the app's last staging made."""
        image = f'{REGISTRY}/cf-app/{app}@{self.digest_of(app)}'
        said = self.host('manifest', 'launch', app, '--logs', self.hcf.state / 'log', '--namespace', NAMESPACE, '--image', image, '--with-secrets',
                         *options, network=False)
        # What is so today is the same, but was called so before 1.21.
        return said.replace('apiVersion: policy/v1\n', 'apiVersion: policy/v1beta1\n')

    def authorities(self):
        """Whom a staging trusts: the mini-HCF's and the registry's. Never half written: a client that began before may be reading it."""
        both, new = self.folder / 'authorities.pem', self.folder / 'authorities.pem.new'
        new.write_text((self.hcf.state / 'ca.pem').read_text() + (self.images.config / 'ca.crt').read_text())
        return new.replace(both)

    def begin(self, manifest):
        """Applies it; the name of its Job."""
        said = self.k('apply', '--filename', '-', '--output', 'name', stdin=manifest)
        return re.search(r'^job\.batch/(\S+)', said, re.MULTILINE)[1]

    def pod(self, job):
        """Its pod; nothing where there is none yet."""
        found = self.read('pods', '--selector', f'job-name={job}').get('items', [])
        return found[0] if found else None

    def seen(self, job):
        """As it is now."""
        pod = self.pod(job) or {'status': {'phase': 'None'}}
        containers = [one['name'] for kind in ('initContainers', 'containers') for one in pod.get('spec', {}).get(kind, [])]
        logs = {one: self.cluster.run('--namespace', NAMESPACE, 'logs', pod['metadata']['name'], '--container', one).stdout for one in containers}
        return Staging(job, pod, logs)

    def ended(self, job, patience=LONGEST):
        """As it is at its end."""
        def over():
            pod = self.pod(job)
            return pod is not None and pod['status']['phase'] in ('Succeeded', 'Failed')
        if not until(over, patience, 0.5):
            raise Wrong(f'not done after {patience} s: {self.seen(job).words()}\n{self.k("get", "events")[-1500:]}')
        return self.seen(job)

    def staged(self, app, *options, **more):
        """Stages it; what does not go well is wrong."""
        staging = self.ended(self.begin(self.staging_manifest(app, *options, **more)))
        if staging.phase != 'Succeeded':
            raise Wrong(staging.words())
        return staging

    def digest_of(self, app):
        """Of the image that its last staging made; of a staging now, where there was none."""
        if app not in self.digests:
            self.digests[app] = self.staged(app).result()['digest']
        return self.digests[app]

    def asked(self, url):
        """What a server of the cluster answers, from outside of the cluster; nothing where it does not."""
        done = subprocess.run([*self.cluster.into('site', 'net'), 'curl', '--silent', '--fail', '--max-time', '5', url], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None
