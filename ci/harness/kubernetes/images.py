"""Images of this machine's engine: on the cluster's nodes, and in its registry; and who may reach that."""
import base64
import json
import shutil
import subprocess

from harness.command import ROOTFS, Unavailable
from harness.engine import HERE as engine
from harness.engine import LOAD_PATIENCE
from harness.kubernetes.addresses import REGISTRY
from harness.kubernetes.pki import PASSWORD, USER

BASE = f'{REGISTRY}/stager/{ROOTFS.replace("stager-rootfs", "rootfs")}'
LOGIN = 'registry'  # the Secret of that login, in each namespace that pulls


def docker_config():
    """A config.json with the login of the cluster's registry, and no other."""
    token = base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
    return json.dumps({'auths': {REGISTRY: {'auth': token}}})


class Images:
    """`folder` is for what they are carried in."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.config = cluster.folder / 'docker'  # of docker, skopeo and host-cli

    def give_login(self):
        """To this machine's programs."""
        self.config.mkdir(mode=0o700, exist_ok=True)
        (self.config / 'config.json').write_text(docker_config())
        shutil.copy(self.cluster.pki.folder / 'ca.crt', self.config)

    def give_namespace(self, name):
        """A namespace whose pods may pull."""
        secret = {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': LOGIN, 'namespace': name}, 'type': 'kubernetes.io/dockerconfigjson',
                  'stringData': {'.dockerconfigjson': docker_config()}}
        account = {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'default', 'namespace': name},
                   'imagePullSecrets': [{'name': LOGIN}]}
        for made in ({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}}, secret, account):
            self.cluster.k('apply', '--filename', '-', stdin=json.dumps(made))

    def to_nodes(self, *names):
        """Under the names that they have here."""
        archive = self.cluster.shared / 'images.tar'
        engine.docker('save', '--output', archive, *names, patience=LOAD_PATIENCE)
        for node in self.cluster.nodes():
            must([*self.cluster.into(node), 'ctr', '--namespace', 'k8s.io', 'images', 'import', '/shared/images.tar'])
        archive.unlink()

    def to_registry(self, name, reference):
        must([*self.cluster.into('site', 'net'), 'skopeo', 'copy', '--quiet', '--authfile', self.config / 'config.json',
              '--dest-cert-dir', self.config, f'docker-daemon:{name}', f'docker://{reference}'])


def must(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors='replace', stdin=subprocess.DEVNULL,
                          timeout=LOAD_PATIENCE)
    if done.returncode:
        raise Unavailable(f'{" ".join(map(str, command))[-200:]}: {done.stderr.strip()[-500:]}')
    return done.stdout
