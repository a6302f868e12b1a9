"""The Docker Engine, as anybody with the command asks it."""
import json
import os
import subprocess

from harness.command import Unavailable

PATIENCE = 120  # seconds for one command on a busy machine
LOAD_PATIENCE = 300  # for one that takes large images in


class EngineError(Unavailable):
    """The engine, or its command, said no."""


class Engine:
    """This machine's engine, or the one that DOCKER_HOST names."""

    def environment(self):
        """For commands that are to use this engine."""
        return dict(os.environ)

    def entering(self, command):
        """The command, in the engine's network."""
        return command

    def run(self, *words, stdin=None, patience=PATIENCE):
        """What became of a `docker` command; `stdin` is a text or a file."""
        given = {'input': stdin} if isinstance(stdin, str) else {'stdin': stdin or subprocess.DEVNULL}
        try:
            return subprocess.run(['docker', *map(str, words)], env=self.environment(), capture_output=True, text=True, errors='replace',
                                  timeout=patience, check=False, **given)
        except subprocess.TimeoutExpired:
            raise EngineError(f'docker {shown(words)}: not done after {patience} s') from None

    def docker(self, *words, check=True, **more):
        """What `docker` prints; without `check` also where it fails."""
        done = self.run(*words, **more)
        if check and done.returncode:
            raise EngineError(f'docker {shown(words)}: {done.stderr.strip()[-300:]}')
        return done.stdout.strip()

    def described(self):
        """Its version and storage driver."""
        return self.docker('info', '--format', '{{.ServerVersion}}, {{.Driver}}')

    def inspected(self, kind, name):
        """What the engine knows of it; nothing where there is none."""
        done = self.run(kind, 'inspect', name)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def image_id(self, name):
        found = self.inspected('image', name)
        return found and found['Id']

    def is_there(self, container):
        return self.inspected('container', container) is not None

    def is_running(self, container):
        found = self.inspected('container', container)
        return bool(found and found['State']['Running'])

    def listed(self, kind, *labels):
        """The ids of what bears the labels, `NAME=VALUE`."""
        words = [word for label in labels for word in ('--filter', f'label={label}')]
        return sorted(set(self.docker(kind, 'ls', '--all', '--quiet', '--no-trunc', *words).split()))

    def remove(self, kind, *ids):
        for one in ids:
            self.run(kind, 'rm', '--force', one)

    def remove_all(self, *labels):
        """Containers and images with the labels; an image goes only after its children."""
        self.remove('container', *self.listed('container', *labels))
        for _ in range(4):
            left = self.listed('image', *labels)
            if not left:
                return
            self.remove('image', *left)


def shown(words):
    return ' '.join(map(str, words))[:120]


HERE = Engine()
