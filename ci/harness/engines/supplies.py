"""What the matrix needs beside images: test programs, droplets, a lifecycle."""
import json
import shutil
import subprocess

from harness.archives.droplets import tgz_of
from harness.command import ROOTFS
from harness.own_engine.supplies import Images, must

GUID = '0d15c0b0-0000-4000-8000-000000000064'  # of the app whose requests are made here
ENGINE_TESTS = 'with_the_engine'  # a program of whole commands, and a module among the unit tests
GROUPS = ('image', 'export', 'push', 'publish', 'from_request_to_app')  # modules of that program


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
        for file, request in zip(files, (staging, launch), strict=True):
            file.write_text(json.dumps(request))
        return files

    def droplet(self, name, page):
        """The same bytes in every run; the app prints a file of its own."""
        file = self.folder / f'{name}.tgz'
        file.write_bytes(tgz_of({
            './': None, './app/': None, './app/page': page, './app/print': b'#!/bin/sh\nid -un\ncat page\n', './tmp/': None,
            './staging_info.yml': b'{"detected_buildpack":"matrix","start_command":"./print"}'}))
        return file


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
