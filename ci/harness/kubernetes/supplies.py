"""What a cluster is made of, made once and kept: Kubernetes' programs, and the root file system of its machines."""
import json
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from harness.command import Unavailable
from harness.own_engine.machine import bootstrap, locked

HERE = Path(__file__).resolve().parent
PROGRAMS = ('kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl', 'pause')
PAUSE = 'stager.test/pause:1'  # the image that holds a pod's namespaces; no registry has it
BUILT = 'built'  # in the root file system that builds: the folder of the programs
WORDS = 15  # lines of a failed build that are shown


@dataclass(frozen=True)
class Packages:
    """Of one Debian; what `bootstrap` makes a root file system of."""
    suite: str
    packages: str


# The last suite whose source package `kubernetes` is more than kubectl, and a Go that still builds without modules.
SUITE = 'bookworm'
BUILDS = Packages(SUITE, 'golang-1.19-go,rsync,make,gcc,libc6-dev,procps,file,mount,xz-utils,ca-certificates')
RUNS = Packages(SUITE, 'containerd,runc,iptables,containernetworking-plugins,conntrack,etcd-server,docker-registry,dnsmasq-base,mount,'
                       'iproute2,ca-certificates,procps')


class Supplies:
    """In `work`, which keeps them for the next cluster."""

    def __init__(self, work):
        self.work, self.programs, self.root = work, work / 'programs', work / 'root'

    def provide(self):
        """Makes what is missing: some eight minutes the first time, nothing later."""
        self.work.mkdir(parents=True, exist_ok=True)
        with locked(self.work / 'lock'):
            if not all((self.programs / name).exists() for name in PROGRAMS):
                self.build()
            if not self.root.exists():
                bootstrap(RUNS, self.root)

    def pause(self):
        """The archive of the image `PAUSE`."""
        return image(PAUSE, '/pause', (self.programs / 'pause').read_bytes())

    def build(self):
        """From Debian's source package to static programs. Of 2 GB that it takes, 280 MB stay."""
        began, tree = time.monotonic(), self.work / 'build'
        print('building Kubernetes from its source package, once: about five minutes on two quiet cores', flush=True)
        shutil.rmtree(tree, ignore_errors=True)
        try:
            bootstrap(BUILDS, tree)
            log = self.work / 'build.log'
            with open(log, 'wb') as said:
                apart = ['nice', 'unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--']
                done = subprocess.run([*apart, HERE / 'build', tree, SUITE, f'/{BUILT}'], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            if done.returncode:
                words = log.read_text(errors='replace').splitlines()[-WORDS:]
                raise Unavailable('\n'.join(['Kubernetes cannot be built:', *words]))
            shutil.rmtree(self.programs, ignore_errors=True)
            shutil.move(tree / BUILT, self.programs)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        print(f'built in {time.monotonic() - began:.0f} s, kept in {self.programs}', flush=True)


def image(name, path, program):
    """An image archive, as `docker save` writes them, of one program and nothing else."""
    layer = archive([(path.lstrip('/'), program)])
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {'Entrypoint': [path]},
                         'rootfs': {'type': 'layers', 'diff_ids': [f'sha256:{sha256(layer).hexdigest()}']}}).encode()
    config_name = f'{sha256(config).hexdigest()}.json'
    manifest = json.dumps([{'Config': config_name, 'RepoTags': [name], 'Layers': ['layer.tar']}]).encode()
    return archive([(config_name, config), ('layer.tar', layer), ('manifest.json', manifest)])


def archive(files):
    """A tar of files that everybody may run."""
    made = BytesIO()
    with tarfile.open(fileobj=made, mode='w') as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, BytesIO(content))
    return made.getvalue()
