"""Debian's docker-registry on loopback, and what it holds."""
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

from harness.command import Unavailable
from harness.processes import until

PATIENCE = 30  # seconds until it answers
MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'


class Registry:
    """For as long as its context. Docker speaks plain HTTP to 127.0.0.1 without being told to. `entering` gives a command that runs
    in another network, where `program` may be that network's own."""

    def __init__(self, folder, program='docker-registry', port=None, entering=lambda command: command):
        self.folder, self.program, self.entering, self.process = folder / 'registry', program, entering, None
        self.address = f'127.0.0.1:{port or free_port()}'

    def start(self):
        if not shutil.which(self.program):
            raise Unavailable('there is no docker-registry; ci/setup installs it')
        self.folder.mkdir()
        config = self.folder / 'config.yml'  # its YAML may be JSON
        config.write_text(json.dumps({
            'version': 0.1, 'log': {'level': 'error', 'accesslog': {'disabled': True}},
            'storage': {'filesystem': {'rootdirectory': str(self.folder / 'data')}, 'delete': {'enabled': True}},
            'http': {'addr': self.address, 'secret': 'x'}}))
        with open(self.folder / 'log', 'wb') as log:
            command = self.entering([str(self.program), 'serve', str(config)])
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not until(lambda: self.process.poll() is not None or self.answers(), PATIENCE) or self.process.poll() is not None:
            words = (self.folder / 'log').read_text(errors='replace')[-500:]
            self.close()
            raise Unavailable(f'docker-registry does not answer: {words}')
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def answers(self):
        ask = self.entering(['curl', '--silent', '--fail', '--output', '/dev/null', f'http://{self.address}/v2/'])
        return subprocess.run(ask, check=False).returncode == 0

    def close(self):
        """As often as one likes."""
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def holds(self, reference):
        """The id of the image that has this name there; nothing where none has."""
        repository, _, tag = reference.removeprefix(f'{self.address}/').rpartition(':')
        asked = urllib.request.Request(f'http://{self.address}/v2/{repository}/manifests/{tag}', headers={'Accept': MANIFEST})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return json.load(answer)['config']['digest']
        except urllib.error.HTTPError:
            return None


def free_port():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]
