"""A mini-HCF of its own with one hostile app, and the forms in which that is staged."""
import copy
import json
import os
import shutil
from pathlib import Path

from harness import staging
from harness.command import TOP
from harness.engine import HERE as engine
from harness.events import run
from harness.mini_hcf import MiniHcf

SOCKET = '/var/run/docker.sock'
PACK = TOP / 'examples/buildpacks/hostile'
APP = 'hostile'
LIMIT = 240  # seconds for one staging on a busy machine
# What restage sees to is docker's business in the other form.
LIMITS = ('--memory', '1g', '--pids-limit', '1024')


class World:
    """See the module's text. `request` is the app's, `volume` its cache."""

    def __init__(self, options, folder):
        self.image, self.folder = options.image, Path(folder)
        self.hcf = MiniHcf(options.binaries, self.folder, f'hostile-{os.getpid()}')
        self.volume = f'stager-cache-{self.hcf.name}'

    def up(self):
        self.hcf.up()
        self.lifecycle = self.hcf.give_lifecycle()
        for buildpack in (PACK, PACK.parent / 'procfile'):
            self.hcf.add_buildpack(buildpack.name, buildpack)
        app = self.folder / 'app'
        shutil.copytree(TOP / 'examples/apps/hello-procfile', app)
        (app / 'hostile').touch()
        self.hcf.push(app, APP, '--memory', '256M')
        engine.docker('volume', 'create', '--label', 'stager.kind=cache', self.volume)
        self.request = self.hcf.request('build-req', APP)

    def down(self):
        engine.remove_all(f'stager.app-name={APP}', 'stager.kind')
        self.hcf.down()
        engine.remove('volume', self.volume)

    def edited(self, mode='', survivors='', **fields):
        """The request with another mode for the buildpack, and perhaps a further run behind the builder."""
        request = copy.deepcopy(self.request) | fields
        node = staging.program(request, 'builder')
        builder = node['run']
        if mode:
            builder['env'] = (builder.get('env') or []) + [{'name': 'HOSTILE', 'value': mode}]
        if survivors:
            later = {'path': f'{survivors}/bin/survivors', 'user': builder['user']}
            node['serial'] = {'actions': [{'run': node.pop('run')}, {'run': later}]}
        return request

    def buildpack(self):
        """Where it is in the staging's container."""
        return next(one['to'] for one in self.request['cached_dependencies'] if one['name'] == PACK.name)

    def restage(self, request, *more):
        words = staging.restage('--request', self.file(request), *more, network=self.hcf.network, volume=self.volume, image=self.image)
        return run([self.hcf.static / 'host-cli', *words], patience=LIMIT)

    def drop_in(self, request):
        options = ('--interactive', *LIMITS, '--volume', f'{SOCKET}:{SOCKET}', '--volume', f'{self.volume}:/var/cache/stager')
        return self.dropped_in(options, ('--output', 'json'), json.dumps(request))

    def on_terminal(self, request):
        """Standard input is docker's to give away with a terminal, so the request comes in a file, closed to all but root."""
        file = self.file(request)
        options = ('--tty', *LIMITS, '--volume', f'{SOCKET}:{SOCKET}', '--volume', f'{file}:/request.json:ro')
        return self.dropped_in(options, ('--output', 'json', '--request', '/request.json'), None)

    def plain(self, request):
        """In the drop-in form, as people see it."""
        return self.dropped_in(('--interactive',), ('--no-upload',), json.dumps(request))

    def dropped_in(self, options, agent, stdin):
        labels = ('--label', 'stager.kind=staging', '--label', f'stager.app-name={APP}')
        return run(staging.drop_in(*labels, *options, network=self.hcf.network, image=self.image, agent=agent), stdin, LIMIT)

    def file(self, request):
        file = self.folder / 'request.json'
        file.unlink(missing_ok=True)
        file.touch(0o600)
        file.write_text(json.dumps(request))
        return file
