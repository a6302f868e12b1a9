"""What an attempt has at hand: apps, host-cli with a home of its own, things on the engine that go when it ends."""
import itertools
import os
import re
import subprocess

from harness import staging
from harness.archives.droplets import droplet
from harness.command import ROOTFS
from harness.engine import HERE as engine
from harness.events import finished
from harness.tenant.apps import App, logs
from harness.tenant.attempt import NotSetUp
from harness.tenant.world import tiny_root

LIMIT = 120  # seconds for a run on a busy machine
NUMBERS = itertools.count()
MISTYPED = re.compile('unknown (option|command)|unexpected argument|takes no value')


class Scene:
    """For the attempts of one group, one after the other."""

    def __init__(self, world, group):
        self.world, self.group, self.kept, self.own = world, group, {}, set()
        self.network = world.network
        self.begin()

    def begin(self):
        """A folder and a home for the next attempt."""
        self.folder = self.world.folder / f'{self.group}-{next(NUMBERS)}'
        self.folder.mkdir()
        self.home = self.folder / 'home'

    def end(self):
        """What this attempt made goes; what the group shares stays."""
        self.world.clear(self.own)
        self.own.clear()

    def shared(self, make, *arguments):
        """What `make(scene, *arguments)` makes, once for the group."""
        key = (make, arguments)
        if key not in self.kept:
            before, self.own = self.own, set()
            self.kept[key] = make(self, *arguments)
            self.own = before
        return self.kept[key]

    def app(self, name=None, guid=None):
        app = App(self.world, name or f'tenant-{next(NUMBERS)}', self.home, self.folder, guid)
        self.own.add(app.guid)
        self.world.guids.add(app.guid)
        return app

    def logs(self, *apps, between=''):
        return logs(self.folder / f'logs-{next(NUMBERS)}', apps, between)

    def start(self, *words, home=None, stdin=None, **more):
        """host-cli as a process; `words` may be paths."""
        home = home or self.home
        home.mkdir(exist_ok=True)
        environment = {'PATH': os.environ['PATH'], 'HOME': str(home), 'XDG_STATE_HOME': str(home / 'state'), 'TMPDIR': str(self.folder)}
        environment |= {name: value for name, value in os.environ.items() if name.startswith('DOCKER_')}
        process = subprocess.Popen([self.world.program('host-cli'), *map(str, words)], env=environment, stdin=stdin or subprocess.DEVNULL,
                                   **({'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | more))
        self.world.pids.add(str(process.pid))
        return process

    def host(self, *words, home=None, stdin=None):
        """A run of host-cli, to its end. A command line that this host-cli does not know sets nothing up."""
        process = self.start(*words, home=home, stdin=subprocess.PIPE if stdin else None)
        try:
            done = finished(process, stdin, LIMIT)
        except subprocess.TimeoutExpired:
            raise NotSetUp(f'host-cli {words[0]} hung') from None
        if done.code == 2 and MISTYPED.search(done.error):
            raise NotSetUp(f'this host-cli does not know it: {done.error.strip()[:200]}')
        return done

    def restage(self, *words, home=None):
        return self.host(*self.restaging(*words, volume=self.group), home=home)

    def restaging(self, *words, volume, **more):
        """The words of a `restage` that keeps its droplet for itself."""
        volume = f'{self.world.instance}-{volume}'
        return staging.restage(*words, network=self.network, volume=volume, image=self.world.image, agent=('--no-upload',), **more)

    def restaged(self, app, *words):
        """The app's own builder has run, whatever came of it."""
        done = self.restage('--request', app.file('staging'), *words, home=app.home)
        if '-----> the builder runs' not in done.lines:
            raise NotSetUp(f'the builder did not run; {done.why()}')
        return done

    def make_image(self, app, *words, droplet=None):
        return self.host('image', '--request', app.file('staging'), '--droplet', droplet or self.world.droplet, '--lifecycle', self.world.lifecycle,
                         '--output', 'json', *words, home=app.home)

    def image(self, app, *words, droplet=None):
        """The id of the image that `host-cli image` makes of it."""
        return self.image_of(self.make_image(app, *words, droplet=droplet))

    def tiny_image(self, app, *words, droplet=None):
        """One that nobody will run."""
        return self.image(app, '--base', self.world.tiny, *words, droplet=droplet)

    @staticmethod
    def image_of(done):
        """The image that a run says it made."""
        made = done.heard('image')
        if not made:
            raise NotSetUp(f'no image: {done.why()}')
        return made[-1]['id']

    def push(self, word, *options, home=None):
        """Pushes to the registry: the id of the image that it holds then, and the run."""
        reference = f'{self.world.registry.address}/{self.group}/pushed:{next(NUMBERS)}'
        done = self.host('push', word, reference, *options, home=home)
        return self.world.registry.holds(reference), done

    def droplet(self, marker, more=()):
        """A droplet's file."""
        file = self.folder / f'droplet-{next(NUMBERS)}.tgz'
        file.write_bytes(droplet(marker, more))
        return file

    def launch(self, app, *words):
        return self.host('launch', '--request', app.file('launch'), '--network', self.network, '--output', 'json', *words, home=app.home)

    def launched(self, app, *words):
        """The container that `launch` starts."""
        done = self.launch(app, *words)
        if done.code:
            raise NotSetUp(f'not launched: {done.why()}')
        return done.heard('running')[-1]['container']

    def containers(self, app):
        """The app's containers that run, with what the engine knows of them."""
        found = [engine.inspected('container', one) for one in engine.listed('container', f'stager.app-guid={app.guid}', 'stager.kind=app')]
        return [one for one in found if one and one['State']['Running']]

    def build(self, dockerfile, name=None, **files):
        """An image of a stranger's: its id. Its Dockerfile may copy the files."""
        words = ['--tag', name] if name else []
        place = self.folder / f'build-{next(NUMBERS)}'
        place.mkdir()
        for file, content in {'Dockerfile': dockerfile, **files}.items():
            (place / file).write_text(content)
        return engine.docker('build', '--quiet', '--label', f'stager.tenant={self.world.instance}', *words, place).split()[-1]

    def strangers(self, *changes):
        """An image of a stranger's that runs, changed by lines of a Dockerfile. No container of the building is ever there."""
        words = [word for line in changes for word in ('--change', line)]
        return engine.docker('commit', '--pause=false', *words, self.world.stranger)

    def imported(self, label, name=None, changes=()):
        """An image of a stranger's that nobody runs, without a name if none is given."""
        own = f'LABEL stager.tenant={self.world.instance} mine={next(NUMBERS)}'
        words = [word for line in (own, label, *changes) for word in ('--change', line)]
        return engine.docker('import', *words, tiny_root(self.folder, next(NUMBERS)), *((name,) if name else ()))

    def container(self, *words):
        """A container that anybody started."""
        return engine.docker('run', '--detach', '--label', f'stager.tenant={self.world.instance}', *words)

    def created(self, *words):
        """A container that anybody made, and nobody started."""
        return engine.docker('create', '--label', f'stager.tenant={self.world.instance}', *words)

    def impostor(self, *words):
        """One that bears our app label, on the network of the platform."""
        return self.container('--label', 'stager.kind=app', '--network', self.network, *words, '--entrypoint', 'sleep', ROOTFS, '600')

    def addresses(self, *names):
        """Where the network says that each of the names is."""
        script = '; '.join(f"echo '{name}' $(getent ahostsv4 '{name}' | awk '{{print $1}}' | sort -u)" for name in names)
        said = engine.docker('exec', self.world.beside[self.network], 'sh', '-c', script)
        return {words[0]: set(words[1:]) for words in map(str.split, said.splitlines())}
