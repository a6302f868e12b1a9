"""What can be tried and judged at once, from inside. Each attempt returns what it got; nothing, or an error, is a denial.
An attempt that succeeds undoes what it did, as far as it can, for it may succeed on somebody's machine."""
import fcntl
import os
import resource
import socket
import ssl
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path

import kernel
from report import tried

AGENT = 1
SOCKET = '/var/run/docker.sock'
CACHE = '/var/cache/stager'
HERE = Path(__file__).resolve().parent.parent
BUILDPACKS, LIFECYCLE = '/tmp/buildpacks', '/tmp/lifecycle'
SECRETS = (b'completion_callback_url', b'"cached_dependencies"', b'-upload-uri=', b'expires=')


def read(path, count=64):
    with open(path, 'rb') as file:
        return file.read(count)


def opens_for_writing(path):
    os.close(os.open(path, os.O_WRONLY))
    return f'{path} is open for writing'


def creates_in(folder):
    path = os.path.join(folder, f'.hostile-{os.getpid()}')
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)
    return f'made a file in {folder}'


def any_of(attempt, things):
    """The first success; else the last refusal."""
    last = None
    for thing in things:
        try:
            if got := attempt(thing):
                return got
        except OSError as error:
            last = error
    if last:
        raise last
    return None


def status(field):
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(field + ':'):
            return line.split(':', 1)[1].strip()
    return ''


# --- the agent

def agent_memory():
    with open(f'/proc/{AGENT}/mem', 'rb') as memory:
        return f'opened {memory.name}'


def agent_memory_by_call():
    return kernel.memory_of(AGENT, 0x400000) > 0 and 'read it'


def agent_descriptors():
    return any_of(lambda name: f'fd {name} is {os.readlink(f"/proc/{AGENT}/fd/{name}")}', os.listdir(f'/proc/{AGENT}/fd'))


def agent_stdin():
    return f'opened it: {read(f"/proc/{AGENT}/fd/0", 1)!r}'


def agent_root():
    return os.listdir(f'/proc/{AGENT}/root') and 'listed its root'


def signal_agent():
    os.kill(AGENT, 0)  # asks whether any signal would be taken; CONT would be by all of a session, and does nothing
    return 'it would take signals'


def signal_agents_threads():
    def resumed(thread):
        kernel.checked(kernel.LIBC.tgkill(AGENT, int(thread), 0))
        return f'thread {thread} would take signals'
    return any_of(resumed, os.listdir(f'/proc/{AGENT}/task'))


def agent_priority():
    before = os.getpriority(os.PRIO_PROCESS, AGENT)
    os.setpriority(os.PRIO_PROCESS, AGENT, before + 1)
    return 'changed it'


def agent_limits():
    resource.prlimit(AGENT, resource.RLIMIT_NOFILE, resource.prlimit(AGENT, resource.RLIMIT_NOFILE))
    return 'set them'


def agent_is_killed_first():
    path = f'/proc/{AGENT}/oom_score_adj'
    before = Path(path).read_text()
    Path(path).write_text(before)
    return f'wrote {path}'


# --- the request

def request_in_processes():
    def search(path):
        text = read(path, 1 << 20)
        return any(secret in text for secret in SECRETS) and f'found in {path}'
    processes = [name for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]
    return any_of(search, [f'/proc/{pid}/{what}' for pid in processes for what in ('cmdline', 'environ')])


def request_on_disk():
    for top in ('/tmp', '/var', '/home', '/run', '/etc', '/dev/shm', '/root'):
        for folder, _, names in os.walk(top):
            if folder.startswith(str(HERE)):
                continue
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISREG(os.lstat(path).st_mode) and b'completion_callback_url' in read(path, 1 << 18):
                        return f'found in {path}'
                except OSError:
                    pass
    return None


def inherited_descriptors():
    ours = set(os.listdir('/proc/self/fd')) - {'0', '1', '2'}
    # The listing's own descriptor is gone by now.
    return ', '.join(f'{fd}: {os.readlink(f"/proc/self/fd/{fd}")}' for fd in ours if os.path.exists(f'/proc/self/fd/{fd}'))


# --- the engine

def docker_socket():
    with socket.socket(socket.AF_UNIX) as engine:
        engine.connect(SOCKET)
        engine.sendall(b'GET /_ping HTTP/1.0\r\n\r\n')
        return engine.recv(64).split(b'\r\n')[0].decode()


def docker_by_network():
    fields = [line.split() for line in Path('/proc/net/route').read_text().splitlines()[1:]]
    gateways = {socket.inet_ntoa(bytes.fromhex(line[2])[::-1]) for line in fields if line[1] == '00000000'}
    return any_of(lambda at: socket.create_connection(at, 1) and f'{at} answers', [(to, port) for to in gateways for port in (2375, 2376)])


def other_networks():
    more = sorted(
        set(os.listdir('/sys/class/net')) - {'lo', 'eth0', 'tunl0', 'sit0', 'ip6tnl0', 'gre0', 'gretap0', 'erspan0', 'ip_vti0', 'ip6_vti0', 'ip6gre0'}
    )
    return ', '.join(more)


# --- the cluster that there may be

TOKENS = ('/var/run/secrets', '/run/secrets')
API = ('10.96.0.1', 443)  # where it is in most clusters that say nothing


def cluster_token():
    files = [os.path.join(folder, name) for top in TOKENS for folder, _, names in os.walk(top) for name in names]
    return any_of(lambda path: read(path, 1) and f'read {path}', files)


def cluster_told():
    return ', '.join(sorted(name for name in os.environ if name.startswith('KUBERNETES_')))


def cluster_secrets():
    """What anybody is told who shows no token."""
    unverified = ssl._create_unverified_context()
    at = os.environ.get('KUBERNETES_SERVICE_HOST', API[0]), int(os.environ.get('KUBERNETES_SERVICE_PORT', API[1]))
    with socket.create_connection(at, 1) as plain, unverified.wrap_socket(plain) as api:
        api.sendall(b'GET /api/v1/secrets HTTP/1.0\r\n\r\n')
        head = api.recv(64).split(b'\r\n')[0].decode()
    return ' 200 ' in head and f'{at} lists them'


def registry_login():
    """Of whoever publishes, wherever it may be mounted."""
    def is_one(path):
        try:
            return b'"auths"' in read(path, 1 << 16)
        except OSError:
            return False
    for folder, inner, names in os.walk('/'):
        if folder == '/':
            inner[:] = [name for name in inner if name not in ('proc', 'sys', 'dev')]
        for name in names:
            path = os.path.join(folder, name)
            if name in ('config.json', '.dockerconfigjson') and is_one(path):
                return f'found in {path}'
    return None


# --- the terminal that there may be

TERMINALS = ['/dev/tty', '/dev/console', *(f'/dev/pts/{number}' for number in range(4)), *(f'/proc/{AGENT}/fd/{number}' for number in range(3))]


def terminal_is_open():
    def opened(path):
        terminal = os.open(path, os.O_WRONLY)
        try:
            return os.isatty(terminal) and f'opened {path}'
        finally:
            os.close(terminal)
    return any_of(opened, TERMINALS)


def terminal_is_ours():
    fields = Path('/proc/self/stat').read_text().rsplit(')', 1)[1].split()
    return fields[4] != '0' and f'it is device {fields[4]}'


def terminal_is_typed_into():
    def typed(place):
        fcntl.ioctl(place, termios.TIOCSTI, b' ')
        return f'typed into {place}'

    def typed_there(path):
        terminal = os.open(path, os.O_RDWR)
        try:
            return typed(terminal) and f'typed into {path}'
        finally:
            os.close(terminal)

    def in_a_session_of_its_own():
        os.setsid()  # whoever leads one may take a terminal that is open to it
        any_of(typed_there, TERMINALS)
    return any_of(lambda attempt: attempt(), [lambda: any_of(typed, range(3)), lambda: any_of(typed_there, TERMINALS), in_a_child(in_a_session_of_its_own)])


# --- what others rely on

def cache_is_listed():
    return any_of(lambda path: os.listdir(path) and f'listed {path}', [CACHE, CACHE + '/entries', CACHE + '/views'])


def cache_index():
    def index(folder):
        return any_of(lambda name: read(f'{CACHE}/{name}') and f'read {name}', ['index', 'index.json', 'lock', 'records'])
    return index(CACHE)


def cache_is_written():
    return any_of(creates_in, [CACHE, str(HERE), str(HERE / 'bin')])


def own_files():
    return any_of(opens_for_writing, [str(path) for path in HERE.rglob('*') if path.is_file()])


def own_modes():
    os.chmod(HERE / 'bin/compile', 0o755)
    return 'changed the mode of bin/compile'


def own_times():
    os.utime(HERE / 'bin/compile')
    return 'changed the time of bin/compile'


def own_hard_link():
    path = f'/tmp/hostile-own-{os.getpid()}'
    os.link(HERE / 'bin/compile', path)
    os.unlink(path)
    return 'linked bin/compile'


def own_files_moved():
    moved = f'/tmp/hostile-moved-{os.getpid()}'

    def moves(path):
        os.rename(path, moved)
        os.rename(moved, path)
        return f'moved {path}'

    def swaps(path):
        os.rename(path, f'{path}.old')
        os.rename(f'{path}.old', path)
        return f'renamed {path}'
    places = [str(HERE / 'bin/compile'), str(HERE / 'bin'), str(HERE)]
    return any_of(lambda attempt: any_of(attempt, places), [moves, swaps])


def buildpacks_place():
    os.rename(BUILDPACKS, BUILDPACKS + '.old')
    os.rename(BUILDPACKS + '.old', BUILDPACKS)
    return f'renamed {BUILDPACKS}'


def own_name():
    places = [os.path.join(BUILDPACKS, name) for name in os.listdir(BUILDPACKS)]

    def renamed(path):
        os.rename(path, path + '.old')
        os.rename(path + '.old', path)
        return f'renamed {path}'
    return any_of(renamed, places)


def other_buildpacks():
    places = [os.path.join(BUILDPACKS, name) for name in os.listdir(BUILDPACKS)]
    return any_of(creates_in, [BUILDPACKS, *places, *(os.path.join(place, 'bin') for place in places)])


def lifecycle_files():
    return any_of(opens_for_writing, [f'{LIFECYCLE}/{name}' for name in ('builder', 'launcher', 'healthcheck')])


def lifecycle_place():
    os.rename(LIFECYCLE, LIFECYCLE + '.old')
    os.rename(LIFECYCLE + '.old', LIFECYCLE)
    return f'renamed {LIFECYCLE}'


def lifecycle_more():
    return creates_in(LIFECYCLE)


def agent_program():
    return any_of(opens_for_writing, ['/usr/local/bin/stager-agent', '/usr/local/bin/host-cli'])


def system_files():
    return any_of(opens_for_writing, ['/etc/passwd', '/etc/shadow', '/etc/hosts', '/etc/resolv.conf', '/etc/ld.so.preload', '/bin/sh'])


def hard_link_to_anothers():
    path = f'/tmp/hostile-link-{os.getpid()}'
    os.link('/etc/passwd', path)
    os.unlink(path)
    return 'linked /etc/passwd'


# --- more rights

def become_root():
    child = os.fork()
    if child == 0:
        try:
            os.setuid(0)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and 'setuid(0)'


def set_user_id_program():
    program = next(
        path for path in ('/usr/bin/su', '/bin/su', '/usr/bin/passwd', '/usr/bin/newgrp') if os.path.exists(path) and os.stat(path).st_mode & stat.S_ISUID
    )
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        uids = next(line for line in Path(f'/proc/{child.pid}/status').read_text().splitlines() if line.startswith('Uid:')).split()
        return uids[2] == '0' and f'{program} runs as root'
    finally:
        child.kill()
        child.wait()


def capabilities_held():
    held = {name: status(name) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb') if int(status(name) or '0', 16)}
    return ' '.join(f'{name}={value}' for name, value in held.items())


def capabilities_in_reach():
    return int(status('CapBnd'), 16) and f'CapBnd={status("CapBnd")}'


def new_privileges():
    return status('NoNewPrivs') != '1' and 'NoNewPrivs is off'


def no_seccomp():
    return status('Seccomp') == '0' and 'no filter'


def more_groups():
    return {group for group in os.getgroups() if group != os.getgid()} and f'groups {os.getgroups()}'


def give_away():
    path = f'/tmp/hostile-owned-{os.getpid()}'
    Path(path).touch()
    try:
        os.chown(path, 0, 0)
        return "made a file of root's"
    finally:
        os.unlink(path)


def device_node():
    path = f'/tmp/hostile-disk-{os.getpid()}'
    os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(7, 0))
    os.unlink(path)
    return 'made a disk'


def change_root():
    child = os.fork()
    if child == 0:
        try:
            os.chroot('/tmp')
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and 'chroot("/tmp")'


def in_a_child(act):
    def attempt():
        child = os.fork()
        if child == 0:
            try:
                act()
            except BaseException:
                os._exit(1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and 'it was allowed'
    return attempt


def mounts():
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount('none', '/mnt', 'tmpfs')


def raw_socket():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) and 'opened one'


def packet_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3) and 'opened one'


def bpf():
    return kernel.syscall(kernel.BPF, 0, 0, 0) and 'called it'


def kernel_settings():
    return any_of(opens_for_writing, ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/kernel/modprobe'])


def kernel_memory():
    return any_of(lambda path: read(path, 1) is not None and f'read {path}', ['/proc/kcore', '/dev/mem', '/dev/kmem', '/dev/port'])


def disks():
    found = [f'/dev/{name}' for name in os.listdir('/dev') if name.startswith(('sd', 'vd', 'nvme', 'dm-', 'loop'))]
    return any_of(lambda path: read(path, 1) is not None and f'read {path}', found)


def own_limits():
    groups = [
        str(path)
        for name in ('memory.max', 'memory.limit_in_bytes', 'pids.max', 'cgroup.procs', 'release_agent')
        for path in Path('/sys/fs/cgroup').glob(f'**/{name}')
    ]
    return any_of(opens_for_writing, groups)


def no_memory_limit():
    for path in ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'):
        if os.path.exists(path):
            limit = Path(path).read_text().strip()
            return (limit == 'max' or int(limit) > 1 << 50) and 'there is none'
    return None


def no_process_limit():
    for path in ('/sys/fs/cgroup/pids.max', '/sys/fs/cgroup/pids/pids.max'):
        if os.path.exists(path):
            return Path(path).read_text().strip() == 'max' and 'there is none'
    return None


ATTEMPTS = {
    'agent-memory': agent_memory,
    'agent-memory-by-call': agent_memory_by_call,
    'agent-environment': lambda: f'{read(f"/proc/{AGENT}/environ")!r}',
    'agent-maps': lambda: read(f'/proc/{AGENT}/maps') and 'read them',
    'agent-descriptors': agent_descriptors,
    'agent-stdin': agent_stdin,
    'agent-root': agent_root,
    'agent-ptrace': lambda: kernel.ptrace_seize(AGENT) and 'attached',
    'agent-signal': signal_agent,
    'agent-thread-signal': signal_agents_threads,
    'agent-priority': agent_priority,
    'agent-limits': agent_limits,
    'agent-oom-score': agent_is_killed_first,
    'agent-program': agent_program,
    'request-in-processes': request_in_processes,
    'request-on-disk': request_on_disk,
    'inherited-descriptors': inherited_descriptors,
    'docker-socket': docker_socket,
    'docker-by-network': docker_by_network,
    'other-networks': other_networks,
    'cluster-token': cluster_token,
    'cluster-told': cluster_told,
    'cluster-secrets': cluster_secrets,
    'registry-login': registry_login,
    'terminal-open': terminal_is_open,
    'terminal-held': terminal_is_ours,
    'terminal-typed-into': terminal_is_typed_into,
    'cache-list': cache_is_listed,
    'cache-index': cache_index,
    'cache-write': cache_is_written,
    'own-files': own_files,
    'own-modes': own_modes,
    'own-times': own_times,
    'own-hard-link': own_hard_link,
    'own-files-moved': own_files_moved,
    'own-name': own_name,
    'buildpacks-place': buildpacks_place,
    'other-buildpacks': other_buildpacks,
    'lifecycle-files': lifecycle_files,
    'lifecycle-more-files': lifecycle_more,
    'lifecycle-place': lifecycle_place,
    'system-files': system_files,
    'hard-link-to-anothers': hard_link_to_anothers,
    'become-root': become_root,
    'set-user-id-program': set_user_id_program,
    'new-privileges': new_privileges,
    'capabilities-held': capabilities_held,
    'capabilities-in-reach': capabilities_in_reach,
    'no-seccomp': no_seccomp,
    'more-groups': more_groups,
    'give-file-to-root': give_away,
    'device-node': device_node,
    'change-root': change_root,
    'mount': in_a_child(mounts),
    'user-namespace': in_a_child(lambda: kernel.unshare(kernel.CLONE_NEWUSER)),
    'network-namespace': in_a_child(lambda: kernel.unshare(kernel.CLONE_NEWNET)),
    'agents-namespace': in_a_child(lambda: kernel.setns(f'/proc/{AGENT}/ns/mnt')),
    'raw-socket': raw_socket,
    'packet-socket': packet_socket,
    'bpf': bpf,
    'host-name': in_a_child(lambda: socket.sethostname(socket.gethostname())),
    'kernel-settings': kernel_settings,
    'kernel-memory': kernel_memory,
    'disks': disks,
    'own-limits': own_limits,
    'no-memory-limit': no_memory_limit,
    'no-process-limit': no_process_limit,
}


def try_all():
    for name, attempt in ATTEMPTS.items():
        tried(name, attempt)
    sys.stdout.flush()
