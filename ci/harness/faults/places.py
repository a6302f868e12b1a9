"""The engines that faults are tried on: one of their own, which may be restarted and filled up; and this machine's, for those
that hurt nobody."""
import os
from dataclasses import replace

from harness.command import static_programs
from harness.engine import Engine
from harness.own_engine.kinds import EXT4, KINDS, supervised
from harness.own_engine.machine import Machine

DISK = replace(EXT4, mib=8 << 10)  # of its own engine


class Here(Engine):
    """This machine's engine."""

    def __init__(self):
        self.static = static_programs()
        self.socket = os.environ.get('DOCKER_HOST', 'unix:///var/run/docker.sock').removeprefix('unix://')

    def left(self):
        """What bears our label when all is over. Here others have things of their own; ci/test looks at them."""
        return []

    def close(self):
        """It goes on."""


class Own(Machine):
    """An engine of the matrix's own: Debian's docker.io on a loop-mounted file, with these images."""

    def __init__(self, images, work, name):
        super().__init__(work, name)
        self.static, self.kind = images.static, replace(supervised(KINDS['docker-20.10']), disk=DISK)
        try:
            self.start(self.kind)
            images.load(self)
        except BaseException:
            self.close()
            raise

    def fill(self):
        """Leaves nothing free on the engine's disk."""
        with open(self.data() / 'filler', 'ab') as filler:
            piece, end = 1 << 30, 0
            while piece >= 4096:
                try:
                    os.posix_fallocate(filler.fileno(), end, piece)
                    end += piece
                except OSError:
                    piece //= 2

    def make_room(self):
        (self.data() / 'filler').unlink(missing_ok=True)

    def left(self):
        label = ('--filter', 'label=stager.kind')
        things = {'container': ('ps', '--all', *label), 'network': ('network', 'ls', *label), 'volume': ('volume', 'ls', *label),
                  'image of an app': ('images', '--filter', 'label=stager.kind=app'), 'image without a name': ('images', *label, '--filter', 'dangling=true')}
        return [f'{kind} {name}' for kind, words in things.items() for name in self.docker(*words, '--quiet').split()]

    def close(self):
        self.stop(keep=True)


def forget_loads(engine):
    """Removes guards of images that never came, since who sent them was killed: the next host-cli would for a day leave the
    engine time to take them in."""
    told = engine.docker('ps', '--all', '--filter', 'label=stager.kind=guard', '--filter', 'label=stager.build-key',
                         '--format', '{{.ID}} {{.Label "stager.owner"}}')
    for container, owner in (line.split(' ', 1) for line in told.splitlines()):
        if not os.path.exists(f"/proc/{owner.split('.')[1]}"):
            engine.docker('rm', container, check=False)
