"""One throw-away engine: its folder, its namespaces, its processes; how it is started again, and how all of it goes."""
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness.command import TOP, Unavailable
from harness.engine import Engine
from harness.processes import born, children, ended, name_of, remove_cgroups, until

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds until an engine answers; it takes 2 on a quiet machine
GRACE = 20  # seconds for the kernel to end all processes of an engine
LONGEST_SOCKET = 107  # bytes of a socket's path
PROGRAMS = ('docker', 'docker-registry')
PODMANS_CGROUPS = ('/libpod_parent', '/conmon')  # it takes no others; what somebody uses cannot be removed
DISK = 'data.disk'  # in an engine's folder: the file system that its images lie in, where it has one of its own
NAMES = '192.0.2.53'  # of documentation, and so nobody's: where an engine's own name server is (names.py)
RECIPE = ['--variant=apt', '--aptopt=Acquire::Check-Valid-Until "false"']


class Machine(Engine):
    """`root/name`, and the engine that runs in it."""

    def __init__(self, root, name):
        self.root = root.resolve()
        self.name = name
        self.folder = self.root / name
        self.log = self.folder / 'log'
        self.cgroup = f'/stager-{self.root.name}-{name}'
        self.socket = self.folder / 'run/docker.sock'
        self.docker_host = f'unix://{self.socket}'

    def start(self, kind):
        """Returns when the engine answers; leaves nothing where it does not."""
        if self.running():
            raise Unavailable(f'{self.name} runs already; stop it first')
        try:
            self.begin(kind)
        except BaseException:
            self.stop(keep=True)
            raise

    def begin(self, kind):
        if len(str(self.socket)) > LONGEST_SOCKET:
            raise Unavailable(f'{self.socket} is too long for a socket; take a shorter --root')
        system = self.system(kind)
        for part in ('run', 'data', 'bin', 'cache', 'config'):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        for part in ('cache', 'config'):
            os.chown(self.folder / part, kind.user, kind.user)
        (self.folder / 'run/daemon.json').write_text(json.dumps(kind.settings))
        self.make_disk(kind.disk, system)
        self.give_programs(system)
        # The socket has one path for the machine and the engine, so that whoever is told it may mount it.
        shared = [str(folder) for folder in (Path('/tmp'), TOP, self.folder / 'run')]
        command = [word.format(cgroup=self.cgroup, run=self.folder / 'run') for word in kind.command]
        mounted = ','.join(['loop', *filter(None, [kind.disk and kind.disk.options])])
        apart = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--']
        with open(self.log, 'wb') as log:
            keeper = subprocess.Popen([*apart, HERE / 'enter', system, self.folder, NAMES, mounted, *shared, '--', *command],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            (self.folder / 'keeper').write_text(f'{keeper.pid} {born(keeper.pid)}')
            self.wait(keeper)
        except BaseException:
            keeper.kill()
            keeper.wait()
            raise

    def make_disk(self, disk, system):
        """A sparse file; `enter` mounts it in the engine's namespace, so that it goes with that."""
        file = self.folder / DISK
        if disk is None or file.exists():
            return
        with open(file, 'wb') as made:
            made.truncate(disk.mib << 20)
        program, *options = disk.make
        there = next((path for path in (system / 'usr/sbin' / program, system / 'usr/bin' / program) if path.exists()), None)
        command = [*(with_own_libraries(system, there) or [program]), *options, str(file)]
        try:
            done = subprocess.run(command, env=with_sbin(), capture_output=True, text=True)
        except FileNotFoundError:
            raise Unavailable(f'no file system for {self.name}: there is no {program} here') from None
        if done.returncode != 0:
            raise Unavailable(f'no file system for {self.name}: {done.stderr.strip()}')

    def data(self):
        """The folder of its images, seen from outside."""
        return Path(f'/proc/{self.first()}/root/var/lib/docker')

    def restart(self, kind, how):
        """`kill` and `stop`: dockerd alone, by SIGKILL or SIGTERM, of a kind that starts it again; `power`: all of it goes at
        once, as when the machine loses its power. Returns when the engine answers again."""
        if how == 'power':
            keeper = self.running()
            os.kill(self.first(), signal.SIGKILL)
            gone(keeper)
            remove_cgroups(self.cgroup)
            shutil.rmtree(self.folder / 'run')  # a machine that starts has an empty one
            self.begin(kind)
            return
        before = self.dockerd()
        if before is None:
            raise Unavailable(f'{self.name} has no dockerd to restart')
        os.kill(before, signal.SIGKILL if how == 'kill' else signal.SIGTERM)
        if not until(lambda: self.dockerd() not in (None, before) and answers(self.socket), PATIENCE):
            raise Unavailable(f'{self.name} does not answer {PATIENCE} s after its restart: {self.last_words()}')

    def dockerd(self):
        """The process of dockerd; None where there is none."""
        found = children(self.first())
        while found:
            pid = found.pop()
            if name_of(pid) == 'dockerd':
                return pid
            found += children(pid)
        return None

    def wait(self, keeper):
        answered = until(lambda: keeper.poll() is not None or answers(self.socket), PATIENCE)
        if keeper.poll() is not None:
            raise Unavailable(f'{self.name} ended at once: {self.last_words()}')
        if not answered:
            raise Unavailable(f'{self.name} does not answer after {PATIENCE} s: {self.last_words()}')
        # As Docker makes its own, and as Debian's podman.socket says.
        self.socket.chmod(0o660)

    def last_words(self):
        lines = self.log.read_text(errors='replace').splitlines() if self.log.exists() else []
        complaints = [line for line in lines if 'failed to' in line or 'level=fatal' in line]
        return ' / '.join((complaints or lines)[-1:]) or 'it said nothing'

    def system(self, kind):
        """The folder with the kind's packages; made when it is not there. Kinds with other packages have another."""
        roots = self.root / 'roots'
        roots.mkdir(parents=True, exist_ok=True)
        system = roots / f"{kind.suite}-{'-'.join(kind.packages.split(',')[:2])}"
        with locked(roots / 'lock'):
            if not system.exists():
                bootstrap(kind, system)
            for file, line in kind.lines.items():
                text = (system / file).read_text() if (system / file).exists() else ''
                if line not in text.splitlines():
                    (system / file).write_text(f'{text}{line}\n')
            for file, text in {**kind.files, 'etc/resolv.conf': f'nameserver {NAMES}\n'}.items():
                (system / file).parent.mkdir(parents=True, exist_ok=True)
                (system / file).write_text(text)
                (system / file).chmod(0o755 if text.startswith('#!') else 0o644)
            for place, target in kind.links.items():
                if not (system / place).is_symlink():
                    (system / place).symlink_to(target)
        self.folder.mkdir(exist_ok=True)
        certs = Path(kind.certs.format(run=self.folder / 'run'))
        # In the engine's own run folder it has the same path here; every other path is of its root file system.
        (self.folder / 'certs').write_text(str(certs if certs.is_absolute() else system / certs))
        return system

    def give_programs(self, system):
        """The engine's own docker command, and a registry: a new engine may refuse an old command."""
        for name in PROGRAMS:
            command = with_own_libraries(system, system / 'usr/bin' / name)
            if command:
                program = self.program(name)
                program.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
                program.chmod(0o755)

    def program(self, name):
        """One of them; it may be used from outside of the engine's root file system."""
        return self.folder / 'bin' / name

    def entering(self, command):
        """The command, in the engine's network."""
        first = self.first()
        if first is None:
            raise Unavailable(f'{self.name} does not run')
        # A rootless engine has a network inside of that one; rootlesskit tells whose, by its number in the engine.
        inside = self.folder / 'run/rootlesskit/child_pid'
        holder = f'/proc/{first}/root/proc/{inside.read_text().strip()}' if inside.exists() else f'/proc/{first}'
        return ['nsenter', f'--net={holder}/ns/net', '--', *command]

    def entering_as(self, user, command):
        """As :meth:`entering`, as a user of the machine, who must be able to run it."""
        as_user = ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', '--'] if user else []
        if user and subprocess.run([*as_user, 'test', '-x', command[0]]).returncode != 0:
            raise Unavailable(f'who runs {self.name} may not read {command[0]}; try in a folder that is open to all')
        return self.entering([*as_user, *command])

    def environment(self):
        """For commands that are to use this engine."""
        path = f"{self.folder / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        plain = {name: value for name, value in os.environ.items() if not name.startswith('DOCKER_')}
        # Contexts, credentials and what was found out about images are this machine's user's, not the engine's.
        return {**plain, 'DOCKER_HOST': self.docker_host, 'DOCKER_CONFIG': str(self.folder / 'config'),
                'XDG_CACHE_HOME': str(self.folder / 'cache'), 'PATH': path,
                'STAGER_TEST_CERTS': (self.folder / 'certs').read_text()}

    def running(self):
        """The process that keeps the engine, if it is still that one."""
        try:
            pid, birth = (self.folder / 'keeper').read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if born(pid) == birth else None

    def first(self):
        """The engine's first process, whose end is the end of all in its namespaces; None where there is none."""
        return next(iter(children(self.running())), None)

    def stop(self, keep):
        """Ends it and removes what it made. Nothing of it is of use to anybody, so nobody is asked to end kindly."""
        keeper = self.running()
        if keeper:
            # The first process goes first, and with it all others in its namespaces, their mounts and networks; the
            # keeper has waited for that. Before there is a first process there is only the keeper.
            os.kill(self.first() or keeper, signal.SIGKILL)
            gone(keeper)
        for cgroup in (self.cgroup, *PODMANS_CGROUPS):
            remove_cgroups(cgroup)
        shutil.rmtree(self.folder, ignore_errors=True)
        if not keep and not [*self.root.glob('*/keeper')]:
            shutil.rmtree(self.root / 'roots', ignore_errors=True)
            if self.root.exists() and not [*self.root.iterdir()]:
                self.root.rmdir()


def bootstrap(kind, system):
    partial = system.with_name(f'{system.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    command = ['mmdebstrap', *RECIPE, f'--include={kind.packages}', kind.suite, str(partial)]
    try:
        making = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, start_new_session=True)
    except FileNotFoundError:
        raise Unavailable('there is no mmdebstrap here; ci/setup installs it') from None
    try:
        said = making.communicate()[0].splitlines()
        if making.returncode != 0:
            words = [line for line in said if line.startswith('E:')] or said or ['mmdebstrap failed']
            raise Unavailable(f"{kind.suite}'s packages cannot be had: {words[0]}")
        partial.rename(system)
    except BaseException:
        if making.poll() is None:
            os.killpg(making.pid, signal.SIGTERM)  # it takes its mounts away
            making.wait()
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def locked(file):
    """Two that make the same root file system at once take turns."""
    with open(file, 'w') as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def answers(path):
    """Whether an engine says that it is well."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(b'GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n')
            return b' 200 ' in client.recv(64)
    except OSError:
        return False


def with_own_libraries(system, program):
    """The command that runs a program of that root file system from outside of it; none where it is not there."""
    loaders = [*system.glob('lib64/ld-linux-*.so.*'), *system.glob('lib/ld-linux-*.so.*')]
    libraries = [*system.glob('usr/lib/*-linux-gnu*')]
    if not (loaders and libraries and program and program.exists()):
        return []
    return [str(loaders[0]), '--library-path', str(libraries[0]), str(program)]


def with_sbin():
    return {**os.environ, 'PATH': f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"}


def gone(keeper):
    if not ended(keeper, GRACE):
        raise Unavailable(f'process {keeper} does not end')
