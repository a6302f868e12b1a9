"""The kinds of engines that can be started: which Debian packages each takes, and how it is run in them."""
from dataclasses import dataclass, field

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
class Kind:
    """An engine to be had: `suite` and `packages` make its root file system."""
    name: str
    what: str
    suite: str
    packages: str
    command: tuple  # what runs in it; `{cgroup}` becomes a cgroup of this engine's own
    settings: dict = field(default_factory=dict)  # daemon.json
    lines: dict = field(default_factory=dict)  # lines that these files of the root file system need
    links: dict = field(default_factory=dict)  # symbolic links in it, by where they lie


def docker(name, what, suite, settings=None, lines=None):
    """Docker's own engine. The default store is overlay2, or nothing: no fallback to vfs, which would test something else."""
    packages = DOCKER if suite == 'bookworm' else f'{DOCKER},docker-cli'
    settings = {'storage-driver': 'overlay2', **(settings or {})}
    command = ('dockerd', '--host', f'unix://{SOCKET}', '--config-file', '/run/daemon.json', '--cgroup-parent', '{cgroup}')
    common = {'exec-opts': ['native.cgroupdriver=cgroupfs'], 'shutdown-timeout': 3}
    return Kind(name, what, suite, packages, command, {**common, **settings}, lines or {})


KINDS = {kind.name: kind for kind in (
    docker('docker-20.10', "bookworm's docker.io, overlay2 store", 'bookworm'),
    docker('docker-current', "sid's docker.io, overlay2 store", 'sid', {'features': {'containerd-snapshotter': False}}),
    docker('docker-current-containerd', "sid's docker.io, containerd store", 'sid',
           {'storage-driver': 'overlayfs', 'features': {'containerd-snapshotter': True}}),
    docker('docker-20.10-userns', "bookworm's docker.io, overlay2 store, userns-remap", 'bookworm', {'userns-remap': 'default'}, REMAPPED),
    docker('docker-current-userns', "sid's docker.io, overlay2 store, userns-remap", 'sid',
           {'features': {'containerd-snapshotter': False}, 'userns-remap': 'default'}, REMAPPED),
)}
