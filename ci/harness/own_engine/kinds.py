"""The kinds of engines that can be started: which Debian packages each takes, and how it is run in them."""
import os
from dataclasses import dataclass, field, replace

DOCKER = 'docker.io,docker-registry,iptables,ca-certificates,mount'
SOCKET = '/run/docker.sock'  # in the engine's own root file system, where /var/run is a link to /run

# What root and vcap of a container become on the machine.
REMAPPED = {
    'etc/passwd': 'dockremap:x:900:900::/nonexistent:/usr/sbin/nologin',
    'etc/group': 'dockremap:x:900:',
    'etc/subuid': 'dockremap:300000:65536',
    'etc/subgid': 'dockremap:300000:65536',
}


@dataclass(frozen=True)
class Disk:
    """A file system of its own for an engine's images. It can be full without hurting the machine's, and can be another."""
    make: tuple  # the command that makes it in a file; the engine's own packages may hold it
    mib: int = 16 << 10  # the file is sparse
    options: str = ''  # that it is mounted with


@dataclass(frozen=True)
class Kind:
    """An engine to be had: `suite` and `packages` make its root file system."""
    name: str
    what: str
    suite: str
    packages: str
    command: tuple  # what runs in it; `{cgroup}` becomes a cgroup of this engine's own, `{run}` the folder of its socket
    settings: dict = field(default_factory=dict)  # daemon.json
    lines: dict = field(default_factory=dict)  # lines that these files of the root file system need
    links: dict = field(default_factory=dict)  # symbolic links in it, by where they lie
    files: dict = field(default_factory=dict)  # whole files of it; a script may be executed
    certs: str = 'etc/docker/certs.d'  # in it, or from `{run}` on: where the engine looks for the CAs of registries
    user: int = 0  # who runs it, and so its tests
    at_once: int = os.cpu_count()  # tests
    disk: Disk = None  # None: its images lie in a folder of the machine
    bounds: str = ''  # whether its storage bounds what a container writes: `surely`, or `perhaps`


def docker(name, what, suite, settings=None, lines=None):
    """Docker's own engine. The default store is overlay2, or nothing: no fallback to vfs, which would test something else."""
    packages = DOCKER if suite == 'bookworm' else f'{DOCKER},docker-cli'
    settings = {'storage-driver': 'overlay2', **(settings or {})}
    command = ('dockerd', '--host', f'unix://{SOCKET}', '--config-file', '/run/daemon.json', '--cgroup-parent', '{cgroup}')
    common = {'exec-opts': ['native.cgroupdriver=cgroupfs'], 'shutdown-timeout': 3}
    return Kind(name, what, suite, packages, command, {**common, **settings}, lines or {})


EXT4 = Disk(('mkfs.ext4', '-q', '-m', '0'))
XFS = Disk(('mkfs.xfs', '-q'), options='pquota')
BTRFS = Disk(('mkfs.btrfs', '-q'))  # the storage driver turns its quotas on


def bounding(kind, disk, bounds):
    """The same on storage that has quotas. What makes its file system comes with the engine's packages, so that nobody installs
    it who asks for no such kind."""
    first, rest = kind.packages.split(',', 1)
    return replace(kind, packages=f'{first},xfsprogs,btrfs-progs,{rest}', disk=disk, bounds=bounds)


def supervised(kind):
    """The same, but what ends is started again after a second, as systemd does it."""
    again = 'while :; do rm -f /run/docker.pid; "$@"; sleep 1; done'
    return replace(kind, command=('sh', '-c', again, 'engine', *kind.command))


# Debian's parts of Docker's dockerd-rootless.sh, without systemd: so nobody delegates cgroups, and limits are left off.
ROOTLESS = f'docker.io,rootlesskit,slirp4netns,iproute2,uidmap,{DOCKER.partition(",")[2]}'
ROOTLESS_ID = 901
ROOTLESS_USER = {
    'etc/passwd': f'engine:x:{ROOTLESS_ID}:{ROOTLESS_ID}::/nonexistent:/usr/sbin/nologin',
    'etc/group': f'engine:x:{ROOTLESS_ID}:',
    'etc/subuid': 'engine:400000:65536',
    'etc/subgid': 'engine:400000:65536',
}
ROOTLESS_FILES = {
    'usr/local/bin/rootless': """#!/bin/sh
# rootless RUN: starts dockerd as a user without rights, with its socket and rootlesskit's state in RUN.
set -eu
run=$1
# The machine's own may be root's alone; this one is seen by nobody but this engine.
mknod "$run/tun" c 10 200
chmod 666 "$run/tun"
mount --bind "$run/tun" /dev/net/tun
chown engine: "$run" /var/lib/docker
export HOME="$run" XDG_RUNTIME_DIR="$run"
exec setpriv --reuid=engine --regid=engine --init-groups rootlesskit --state-dir="$run/rootlesskit" --net=slirp4netns \\
    --mtu=65520 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin \\
    --copy-up=/etc --copy-up=/run --propagation=rslave /usr/local/bin/rootless-inner "$run"
""",
    'usr/local/bin/rootless-inner': """#!/bin/sh
# In rootlesskit's namespaces. What was copied from the machine's /run cannot be written to.
set -eu
rm -rf /run/docker /run/containerd /run/xtables.lock
exec dockerd --rootless --host "unix://$1/docker.sock" --config-file /run/daemon.json --exec-root "$1/exec" \\
    --pidfile "$1/docker.pid" --data-root /var/lib/docker --userland-proxy-path="$(command -v rootlesskit-docker-proxy)"
""",
}


def rootless(name, what, suite):
    """Docker's own engine, run by a user of its root file system."""
    settings = {'storage-driver': 'overlay2', 'shutdown-timeout': 3}
    return Kind(name, what, suite, ROOTLESS, ('rootless', '{run}'), settings, ROOTLESS_USER, files=ROOTLESS_FILES,
                certs='{run}/.config/docker/certs.d', user=ROOTLESS_ID)


PODMAN = 'podman,netavark,aardvark-dns,runc,catatonit,nftables,iptables,docker-registry,ca-certificates,mount'
PODMAN_FILES = {
    # crun, the default, does not run where both versions of cgroups are mounted.
    'etc/containers/containers.conf': """[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "clamped"
helper_binaries_dir = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/bin"]
[engine.runtimes]
clamped = ["/usr/local/bin/runc-clamped"]
[network]
network_backend = "netavark"
network_config_dir = "/var/lib/docker/networks"
""",
    # Where a container is given any limit, Podman asks for a million processes too, and a build of 5.8 for as many files; a
    # root without CAP_SYS_RESOURCE may not have more than he was given.
    'usr/local/bin/runc-clamped': r"""#!/bin/sh
processes=$(awk '/^Max processes/ { print $4 }' /proc/self/limits)
files=$(awk '/^Max open files/ { print $5 }' /proc/self/limits)
clamp() {
    asked=$(grep -o "\"type\":\"$1\",\"hard\":[0-9]*" "$file" | grep -o '[0-9]*$' | head -n 1)
    if [ "$2" != unlimited ] && [ "${asked:-0}" -gt "$2" ]; then
        sed -i "s/{\"type\":\"$1\",\"hard\":$asked,\"soft\":[0-9]*}/{\"type\":\"$1\",\"hard\":$2,\"soft\":$2}/" "$file"
    fi
}
before=
for word; do
    case $before in
    --bundle) file=$word/config.json ;;
    --process) file=$word ;;
    *) file= ;;
    esac
    if [ -n "$file" ]; then
        clamp RLIMIT_NPROC "$processes"
        clamp RLIMIT_NOFILE "$files"
    fi
    before=$word
done
exec runc "$@"
""",
    # As to Docker: no registry on loopback need speak TLS.
    'etc/containers/registries.conf.d/own.conf': '[[registry]]\nprefix = "127.0.0.1"\nlocation = "127.0.0.1"\ninsecure = true\n',
    'etc/containers/policy.json': '{"default": [{"type": "insecureAcceptAnything"}]}\n',
}


def podman(name, what, suite):
    """Podman's service for Docker's clients, without systemd: nothing runs its health checks. One test at a time: where
    containers of a network come and go at once, its name server may lose names of others until the next one comes."""
    command = ('podman', '--root', '/var/lib/docker', '--runroot', '/run/containers/storage', '--storage-driver', 'overlay',
               'system', 'service', '--time=0', f'unix://{SOCKET}')
    return Kind(name, what, suite, PODMAN, command, links={'usr/bin/docker-init': 'catatonit'}, files=PODMAN_FILES,
                certs='etc/containers/certs.d', at_once=1)


KINDS = {kind.name: kind for kind in (
    docker('docker-20.10', "bookworm's docker.io, overlay2 store", 'bookworm'),
    docker('docker-current', "sid's docker.io, overlay2 store", 'sid', {'features': {'containerd-snapshotter': False}}),
    docker('docker-current-containerd', "sid's docker.io, containerd store", 'sid',
           {'storage-driver': 'overlayfs', 'features': {'containerd-snapshotter': True}}),
    docker('docker-20.10-userns', "bookworm's docker.io, overlay2 store, userns-remap", 'bookworm', {'userns-remap': 'default'}, REMAPPED),
    rootless('docker-20.10-rootless', "bookworm's docker.io, overlay2 store, run by a user without rights", 'bookworm'),
    bounding(docker('docker-20.10-btrfs', "bookworm's docker.io, btrfs store", 'bookworm', {'storage-driver': 'btrfs'}), BTRFS, 'perhaps'),
    bounding(docker('docker-20.10-xfs', "bookworm's docker.io, overlay2 store on XFS with quotas", 'bookworm'), XFS, 'surely'),
    podman('podman-4', "bookworm's podman", 'bookworm'),
    podman('podman-current', "sid's podman", 'sid'),
)}
