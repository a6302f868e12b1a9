"""Debian's docker-registry on loopback, and what it holds."""
import json
import shutil
import socket
import subprocess
import time
import urllib.request

from attempt import NotSetUp

MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'


class Registry:
    def __init__(self, folder):
        if not shutil.which('docker-registry'):
            raise NotSetUp('there is no docker-registry; ci/setup installs it')
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.address = f'127.0.0.1:{free.getsockname()[1]}'
        config = folder / 'registry.yml'  # its YAML may be JSON
        config.write_text(json.dumps({
            'version': 0.1, 'log': {'level': 'error', 'accesslog': {'disabled': True}},
            'storage': {'filesystem': {'rootdirectory': str(folder / 'registry')}}, 'http': {'addr': self.address, 'secret': 'x'}}))
        self.process = subprocess.Popen(['docker-registry', 'serve', config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(self.address.split(':'), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise NotSetUp('docker-registry does not listen')

    def holds(self, reference):
        """The id of the image that has this name there; nothing where none has."""
        repository, _, tag = reference.removeprefix(f'{self.address}/').rpartition(':')
        asked = urllib.request.Request(f'http://{self.address}/v2/{repository}/manifests/{tag}', headers={'Accept': MANIFEST})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return json.load(answer)['config']['digest']
        except urllib.error.HTTPError:
            return None

    def close(self):
        self.process.terminate()
        self.process.wait()
