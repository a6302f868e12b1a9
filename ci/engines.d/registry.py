"""Debian's docker-registry on an engine's own loopback interface, as long as a check wants it."""
import shutil
import signal
import subprocess
import time

from machine import Unavailable

PORT = 5000
PATIENCE = 20  # seconds until it answers
SETTINGS = '''version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
'''


class Registry:
    """Docker speaks plain HTTP to 127.0.0.1 without being told to."""
    address = f'127.0.0.1:{PORT}'

    def __init__(self, machine):
        self.machine, self.folder, self.process = machine, machine.folder / 'registry', None

    def __enter__(self):
        self.folder.mkdir()
        settings = self.folder / 'config.yml'
        settings.write_text(SETTINGS.format(folder=self.folder / 'data', port=PORT))
        command = [self.machine.program('docker-registry'), 'serve', str(settings)]
        log = open(self.folder / 'log', 'wb')
        self.process = subprocess.Popen(self.machine.entering(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        ask = self.machine.entering(['curl', '--silent', '--fail', '--output', '/dev/null', f'http://{self.address}/v2/'])
        while subprocess.run(ask).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                words = (self.folder / 'log').read_text(errors='replace')[-500:]
                self.__exit__()
                raise Unavailable(f'docker-registry does not answer: {words}')
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder)
