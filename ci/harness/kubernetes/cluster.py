"""One cluster: its folder, its namespaces, its processes; how it starts, and how all of it goes."""
import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.command import Unavailable
from harness.kubernetes import addresses
from harness.kubernetes.pki import Pki
from harness.kubernetes.supplies import HERE, PAUSE, Supplies
from harness.processes import born, children, ended, name_of, remove_cgroups, until

PATIENCE = 90  # seconds until all nodes are ready; it takes 5 on a quiet machine
GRACE = 20  # seconds for the kernel to end all processes of a cluster
LONGEST_NAME = 15  # characters that the kernel keeps of a program's name
CALL = 120  # seconds for one kubectl
APART = ('--kill-child=KILL', '--fork', '--mount', '--net', '--pid')
CGROUP_2 = Path('/sys/fs/cgroup/cgroup.controllers')


class ClusterError(Unavailable):
    """The cluster, or kubectl, said no."""


class Cluster:
    """In `work/cluster`, of what `work` holds."""

    def __init__(self, work):
        self.supplies = Supplies(work)
        self.folder, self.pki = work / 'cluster', Pki(work / 'cluster/pki')
        self.cgroup, self.shared = f'/stager-{work.name}', self.folder / 'shared'

    def up(self, nodes):
        """Returns when all nodes are ready; leaves nothing where they are not."""
        if self.running('site'):
            raise Unavailable(f'there is a cluster in {self.folder}; end it first: ci/kubernetes down')
        self.down()  # what a kill -9 has left
        self.supplies.provide()
        try:
            self.begin(nodes)
        except BaseException:
            self.down()
            raise

    def begin(self, nodes):
        self.pki.make(nodes)
        for folder in ('log', 'shared', 'shared/hosts'):
            (self.folder / folder).mkdir()
        (self.folder / 'pause.tar').write_bytes(self.supplies.pause())
        self.start('site', 'site', [], addresses.SITE, addresses.SERVICES, nodes)
        for number in range(1, nodes + 1):
            self.start('node', f'node{number}', self.into('site', 'net', 'mount', 'pid'), addresses.node(number), addresses.SITE, number, nodes,
                       f'{self.cgroup}/node{number}', PAUSE)
        if not until(lambda: self.ready() == nodes, PATIENCE, 0.3):
            raise Unavailable(f'{self.ready()} of {nodes} nodes are ready after {PATIENCE} s: {self.last_words()}')

    def start(self, what, name, inside, *words):
        """A first process in namespaces of its own; `inside` enters those that they lie in."""
        more = ('--uts', '--ipc') if what == 'node' else ()
        command = [*inside, 'unshare', *APART, *more, '--', HERE / 'enter', what, self.folder, name, self.supplies.root, self.supplies.programs, *words]
        with open(self.folder / 'log' / name, 'wb') as log:
            keeper = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (self.folder / f'{name}.keeper').write_text(f'{keeper.pid} {born(keeper.pid)}')
        if not until(lambda: keeper.poll() is not None or self.is_begun(name), PATIENCE, 0.05) or keeper.poll() is not None:
            raise Unavailable(f'{name} does not start: {self.log(name)[-500:]}')

    def is_begun(self, name):
        """Whether its first process has left this machine's root file system: what is entered then is what it is to be."""
        first = self.first(name)
        return first is not None and Path(f'/proc/{first}/root/run/begun').exists()

    def running(self, name):
        """The process that keeps it, if it is still that one."""
        try:
            pid, birth = (self.folder / f'{name}.keeper').read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if born(pid) == birth else None

    def first(self, name):
        """Its first process, whose end is the end of all in its namespaces; None where there is none."""
        found = next(iter(children(self.running(name))), None)
        # A node's keeper has entered the site first, and that has a child of its own for the site's processes.
        return found if name == 'site' or found is None else next(iter(children(found)), None)

    def part(self, name, program):
        """The process of one of its programs."""
        found = [pid for pid in children(self.first(name)) if name_of(pid) == program[:LONGEST_NAME]]
        if not found:
            raise Unavailable(f'{name} has no {program}')
        return found[0]

    @contextmanager
    def stopped(self, name, program):
        """One of its programs does nothing, and says nothing either."""
        pid = self.part(name, program)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def cut_off(self, node):
        """Nobody reaches the node, nor the node anybody."""
        link = [*self.into('site'), 'ip', 'link', 'set', node]
        subprocess.run([*link, 'down'], check=True)
        try:
            yield
        finally:
            subprocess.run([*link, 'up'], check=True)

    def into(self, name, *spaces):
        """What enters its namespaces; all of them, unless some are named."""
        first = self.first(name)
        if first is None:
            raise Unavailable(f'{name} does not run; ci/kubernetes up starts it')
        return ['nsenter', f'--target={first}', *([f'--{space}' for space in spaces] or ['--all']), '--']

    def kubectl(self, *words):
        """The command line of a kubectl that may do everything."""
        kubectl = [self.supplies.programs / 'kubectl', f'--kubeconfig={self.pki.folder / "admin.kubeconfig"}']
        return [str(word) for word in (*self.into('site', 'net'), *kubectl, *words)]

    def run(self, *words, stdin=None, patience=CALL):
        """What became of a kubectl."""
        given = {'input': stdin} if stdin is not None else {'stdin': subprocess.DEVNULL}
        try:
            return subprocess.run(self.kubectl(*words), capture_output=True, text=True, errors='replace', timeout=patience, **given)
        except subprocess.TimeoutExpired:
            raise ClusterError(f'kubectl {" ".join(map(str, words))[:120]}: not done after {patience} s') from None

    def k(self, *words, **more):
        """What kubectl prints."""
        done = self.run(*words, **more)
        if done.returncode:
            raise ClusterError(f'kubectl {" ".join(map(str, words))[:120]}: {done.stderr.strip()[-500:]}')
        return done.stdout

    def read(self, *words):
        """What `kubectl get` finds, as it is; nothing where it finds nothing."""
        done = self.run('get', *words, '--output', 'json', '--ignore-not-found')
        if done.returncode:
            raise ClusterError(f'kubectl get {" ".join(map(str, words))}: {done.stderr.strip()[-500:]}')
        return json.loads(done.stdout or '{}')

    def ready(self):
        """How many nodes are."""
        try:
            nodes = self.read('nodes').get('items', [])
        except Unavailable:
            return 0
        conditions = [condition for node in nodes for condition in node['status']['conditions']]
        return sum(condition['type'] == 'Ready' and condition['status'] == 'True' for condition in conditions)

    def nodes(self):
        return sorted(keeper.stem for keeper in self.folder.glob('node*.keeper'))

    def versions(self):
        """Of what the cluster is made of, as it says itself."""
        about = {node['metadata']['name']: node['status']['nodeInfo'] for node in self.read('nodes')['items']}
        one = next(iter(about.values()))
        server = json.loads(self.k('version', '--output', 'json'))['serverVersion']['gitVersion']
        groups = 'cgroup v2' if CGROUP_2.exists() else 'cgroup v1; v2 was not tried, which is for the kernel of the whole machine to choose'
        return {'control plane': server, 'nodes': f'{len(about)}, kubelet {one["kubeletVersion"]}', 'runtime': one['containerRuntimeVersion'],
                'kernel': f'{one["kernelVersion"]}, {groups}', 'packages': one['osImage']}

    def log(self, part):
        file = self.folder / 'log' / part
        return file.read_text(errors='replace') if file.exists() else ''

    def last_words(self):
        """The last line of each part that ended, or complained."""
        told = {file.name: self.log(file.name).strip().splitlines()[-1:] for file in sorted((self.folder / 'log').iterdir())}
        return ''.join(f'\n  {name}: {words[0][:300]}' for name, words in told.items() if words)

    def down(self):
        """Ends it and removes what it made. Nothing of it is of use to anybody, so nobody is asked to end kindly."""
        nodes, keeper = self.nodes(), self.running('site')
        if keeper:
            # With the site's first process go all others, the nodes' too, their mounts and networks.
            keepers = [keeper, *filter(None, map(self.running, nodes))]
            os.kill(self.first('site') or keeper, signal.SIGKILL)
            for one in keepers:
                if not ended(one, GRACE):
                    raise Unavailable(f'process {one} does not end')
        until(lambda: remove_cgroups(self.cgroup) or not cgroups(self.cgroup), GRACE, 0.2)
        shutil.rmtree(self.folder, ignore_errors=True)

    def namespaces(self):
        """Of all its machines, as the kernel names them."""
        firsts = filter(None, map(self.first, ('site', *self.nodes())))
        return {os.readlink(f'/proc/{pid}/ns/{kind}') for pid in firsts for kind in ('net', 'mnt', 'pid')}

    def left(self, namespaces):
        """What there still is of a cluster that had these namespaces: a line each."""
        found = [f'cgroup {folder}' for folder in cgroups(self.cgroup)]
        found += [f'folder {self.folder}'] if self.folder.exists() else []
        for process in Path('/proc').glob('[0-9]*'):
            with suppress(OSError):
                there = {os.readlink(process / 'ns' / kind) for kind in ('net', 'mnt', 'pid')} & namespaces
                found += [f'process {process.name}: {name_of(process.name)}'] if there else []
                found += [f'mount of {process.name}'] if str(self.folder) in (process / 'mountinfo').read_text() else []
        return found


def cgroups(name):
    top = Path('/sys/fs/cgroup')
    return [folder for folder in (top, *top.glob('*/')) if (folder / name.lstrip('/')).exists()]
