"""What engines are given: images of this machine's engine, test programs, droplets, a lifecycle."""
import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from machine import TOP, Unavailable

ROOTFS = 'stager-rootfs:cflinuxfs4'
GUID = '0d15c0b0-0000-4000-8000-000000000064'  # of the app whose requests are made here
STAGER = os.environ.get('STAGER_TEST_IMAGE', 'stager:latest')


class Images:
    """The static programs, and in `folder` an archive of all images that a staging and the mini-HCF need."""

    def __init__(self, folder):
        self.folder = folder
        self.static = Path(os.environ.get('STAGER_STATIC_BIN', TOP / 'target/static')).resolve()
        if 'STAGER_STATIC_BIN' not in os.environ:
            # Always: old programs in a new test are a mistake that takes an hour to find.
            must(['ci/build-static'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not all(there(image) for image in (ROOTFS, STAGER)):
            must(['docker/build', '--stack', 'cflinuxfs4'])
        # The mini-HCF adds nginx to the root file system; no engine here reaches the packages.
        self.nginx = f'mini-hcf-nginx:{short(docker("image", "inspect", "--format", "{{.Id}}", ROOTFS))}'
        if not there(self.nginx):
            self.make_nginx()
        self.images = folder / 'images.tar'
        docker('save', '--output', str(self.images), ROOTFS, STAGER, self.nginx)

    def make_nginx(self):
        with tempfile.TemporaryDirectory() as folder:
            name, state = f'hcf-engines-{os.getpid()}', ['--state', f'{folder}/state']
            mini_hcf = str(self.static / 'mini-hcf')
            try:
                must([mini_hcf, 'up', '--network', name, '--instance', name, '--image', f'{name}:latest', *state])
            finally:
                subprocess.run([mini_hcf, 'down', '--purge', *state], stdout=subprocess.DEVNULL)


class Supplies(Images):
    """Made once for all engines of the matrix, in `folder`."""

    def __init__(self, folder):
        super().__init__(folder)
        self.tests, self.host_cli = built()
        self.lifecycle = folder / 'lifecycle'
        self.lifecycle.mkdir()
        shutil.copy2(self.static / 'launcher', self.lifecycle)
        self.droplets = [self.droplet('first', b'hello\n'), self.droplet('second', b'hello again\n')]

    def requests(self, disk_mb, command):
        """The least of a staging request and of a launch request, of an app that runs this command."""
        app = json.dumps({'application_name': 'disk', 'application_id': GUID})
        of_both = {'rootfs': f"preloaded:{ROOTFS.partition(':')[2]}", 'log_guid': GUID, 'disk_mb': disk_mb, 'memory_mb': 256}
        as_vcap = {'user': 'vcap', 'env': [{'name': 'VCAP_APPLICATION', 'value': app}]}
        staging = {**of_both, 'action': {'run': {**as_vcap, 'path': '/tmp/lifecycle/builder'}}}
        launcher = {**as_vcap, 'path': '/tmp/lifecycle/launcher', 'args': ['app', command, '']}
        launch = {**of_both, 'process_guid': f'{GUID}-1', 'domain': 'cf-apps', 'instances': 1, 'action': {'run': launcher}}
        files = self.folder / 'staging.json', self.folder / 'launch.json'
        for file, request in zip(files, (staging, launch)):
            file.write_text(json.dumps(request))
        return files

    def droplet(self, name, page):
        """The same bytes in every run; the app prints a file of its own."""
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode='w') as tar:
            for path, content in (('./', None), ('./app/', None), ('./app/page', page), ('./app/print', b'#!/bin/sh\nid -un\ncat page\n'),
                                  ('./tmp/', None), ('./staging_info.yml', b'{"detected_buildpack":"matrix","start_command":"./print"}')):
                entry = tarfile.TarInfo(path)
                entry.mode = 0o755
                if content is None:
                    entry.type = tarfile.DIRTYPE
                    tar.addfile(entry)
                else:
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
        file = self.folder / f'{name}.tgz'
        file.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
        return file


ENGINE_TESTS = 'with_the_engine'  # a program of whole commands, and a module among the unit tests
GROUPS = ('image', 'export', 'push', 'from_request_to_app')  # modules of that program


def built():
    """What runs the tests that want an engine, by what they test: programs, each with a filter; and host-cli itself."""
    command = ['cargo', 'test', '--quiet', '--locked', '-p', 'host-cli', '--no-run', '--message-format=json']
    tests, program = {'engine': []}, None
    for line in must(command, stdout=subprocess.PIPE).stdout.splitlines():
        told = json.loads(line)
        target = told.get('target', {})
        if told.get('reason') != 'compiler-artifact' or not told.get('executable'):
            continue
        if not told['profile']['test'] and target['name'] == 'host-cli':
            program = told['executable']
        elif target['name'] == ENGINE_TESTS:
            tests.update({group: [(told['executable'], f'{group}::')] for group in GROUPS})
        elif told['profile']['test'] and target['name'] in ('host-cli', 'host_cli'):
            tests['engine'].append((told['executable'], ENGINE_TESTS))
    return tests, program


def must(command, **more):
    done = subprocess.run(command, cwd=TOP, text=True, **more)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:4])} failed; nothing can be tried without it")
    return done


def docker(*words):
    """This machine's engine."""
    done = subprocess.run(['docker', *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"docker {' '.join(words[:2])}: {done.stderr.strip()}; ci/setup starts an engine, docker/build makes the images")
    return done.stdout.strip()


def there(image):
    return subprocess.run(['docker', 'image', 'inspect', image], capture_output=True).returncode == 0


def short(image_id):
    return image_id.removeprefix('sha256:')[:12]
