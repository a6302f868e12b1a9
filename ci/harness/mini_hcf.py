"""A mini-HCF (examples/mini-hcf) on a network of its own: brought up, filled and removed."""
import json
import shutil
import subprocess
import threading

from harness.command import Unavailable
from harness.engine import HERE

LIFECYCLE = ('builder', 'launcher', 'healthcheck')


class MiniHcf:
    """With its state in `folder`; `static` holds the programs. Its commands run one after the other."""

    def __init__(self, static, folder, name, engine=HERE):
        self.static, self.folder, self.name, self.engine = static, folder, name, engine
        self.state, self.lock, self.network = folder / 'state', threading.Lock(), None

    def up(self, *options):
        self.run('up', '--network', self.name, '--instance', self.name, *options)
        self.network = (self.state / 'network').read_text().strip()

    def run(self, *words):
        """What one of its commands prints."""
        with self.lock:
            done = self.done('mini-hcf', *words, '--state', self.state)
        if done.returncode:
            raise Unavailable(f'mini-hcf {words[0]}: {done.stdout}{done.stderr}'.strip())
        return done.stdout

    def done(self, program, *words):
        command = [str(word) for word in (self.static / program, *words)]
        return subprocess.run(command, env=self.engine.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    def give_lifecycle(self):
        """The demo's own; the folder with its programs."""
        lifecycle = self.folder / 'lifecycle'
        lifecycle.mkdir()
        for program in LIFECYCLE:
            shutil.copy2(self.static / program, lifecycle)
        self.run('lifecycle', lifecycle)
        return lifecycle

    def add_buildpack(self, name, folder):
        self.run('add-buildpack', name, folder)

    def push(self, folder, name, *options):
        """The app's guid."""
        said = self.run('push', folder, '--name', name, *options)
        return said.split('(app guid ')[1].split(')')[0]

    def asked(self, command, *words):
        """What one of host-cli's commands prints of the logs."""
        done = self.done('host-cli', command, *words, '--logs', self.state / 'log')
        if done.returncode:
            raise Unavailable(f'host-cli {command}: {done.stderr.strip()}')
        return done.stdout

    def request(self, command, *app):
        """`build-req` or `launch-req`: the newest request, or the app's."""
        return json.loads(self.asked(command, *app))

    def container(self, service):
        return f'mini-hcf-{self.name}-{service}'

    def down(self):
        with self.lock:
            self.done('mini-hcf', 'down', '--purge', '--state', self.state)
