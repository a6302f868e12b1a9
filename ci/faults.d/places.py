"""The engines that faults are tried on: one of their own, which may be restarted and filled up; and this machine's, for those
that hurt nobody."""
import os
import subprocess
from dataclasses import replace

from kinds import EXT4, KINDS, supervised
from machine import Machine, Unavailable
from supplies import ROOTFS, short

DISK = replace(EXT4, mib=8 << 10)  # of its own engine
LOAD_PATIENCE = 300


class Here:
    """This machine's engine."""
    own = False

    def __init__(self, static):
        self.static = static
        self.socket = os.environ.get('DOCKER_HOST', 'unix:///var/run/docker.sock').removeprefix('unix://')

    def environment(self):
        return dict(os.environ)

    def entering(self, command):
        return command

    def docker(self, *words, patience=120, check=True):
        """What `docker` prints; without `check` also where it fails."""
        done = subprocess.run(['docker', *map(str, words)], env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors='replace', timeout=patience)
        if check and done.returncode != 0:
            raise Unavailable(f"docker {' '.join(map(str, words[:3]))}: {done.stderr.strip()}")
        return done.stdout.strip()

    def forget_loads(self):
        """Removes guards of images that never came, since who sent them was killed: the next host-cli would for a day leave the
        engine time to take them in."""
        told = self.docker('ps', '--all', '--filter', 'label=stager.kind=guard', '--filter', 'label=stager.build-key',
                           '--format', '{{.ID}} {{.Label "stager.owner"}}')
        for container, owner in (line.split(' ', 1) for line in told.splitlines()):
            if not os.path.exists(f"/proc/{owner.split('.')[1]}"):
                self.docker('rm', container, check=False)

    def left(self):
        """What bears our label when all is over. Here others have things of their own; ci/test looks at them."""
        return []

    def stop(self):
        """It goes on."""


class Own(Here):
    """An engine of the matrix's own: Debian's docker.io on a loop-mounted file, with these images."""
    own = True

    def __init__(self, images, work, name):
        super().__init__(images.static)
        self.kind = replace(supervised(KINDS['docker-20.10']), disk=DISK)
        self.machine = Machine(work, name)
        self.socket = str(self.machine.socket)
        try:
            self.machine.start(self.kind)
            self.docker('load', '--input', images.images, patience=LOAD_PATIENCE)
            # Another store may have another id for it, and the mini-HCF looks for that.
            base = self.docker('image', 'inspect', '--format', '{{.Id}}', ROOTFS)
            self.docker('tag', images.nginx, f'mini-hcf-nginx:{short(base)}')
        except BaseException:
            self.stop()
            raise

    def environment(self):
        return self.machine.environment()

    def entering(self, command):
        return self.machine.entering(command)

    def restart(self, how):
        self.machine.restart(self.kind, how)

    def fill(self):
        """Leaves nothing free on the engine's disk."""
        with open(self.machine.data() / 'filler', 'ab') as filler:
            piece, end = 1 << 30, 0
            while piece >= 4096:
                try:
                    os.posix_fallocate(filler.fileno(), end, piece)
                    end += piece
                except OSError:
                    piece //= 2

    def make_room(self):
        (self.machine.data() / 'filler').unlink(missing_ok=True)

    def left(self):
        label = ('--filter', 'label=stager.kind')
        things = {'container': ('ps', '--all', *label), 'network': ('network', 'ls', *label), 'volume': ('volume', 'ls', *label),
                  'image of an app': ('images', '--filter', 'label=stager.kind=app'), 'image without a name': ('images', *label, '--filter', 'dangling=true')}
        return [f'{kind} {name}' for kind, words in things.items() for name in self.docker(*words, '--quiet').split()]

    def stop(self):
        self.machine.stop(keep=True)
