"""What must hold on every engine. Each check gives its name, and what is wrong: nothing, or words."""
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.command import ROOTFS, TOP
from harness.engine import HERE, EngineError
from harness.registry import Registry

LONGEST_TEST = 1800  # seconds for all tests of a program
PLAIN_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
MOST_WORDS = 100  # lines of a failure that are shown
PORT = 5000  # of the registry, in the engine's own network
NAME = 'stager-engines/app'
LABELS = {'stager.kind': 'app', 'stager.app-name': 'matrix', 'org.opencontainers.image.base.name': ROOTFS}
DISK = "an app's disk"
DISK_MB = 64  # of an app that would write much more
FILLS = 'head -c 300M /dev/zero >filled; stat -c wrote=%s filled; sleep 600'
FILLING = 120  # seconds until it has tried to
# What is said of it, by what its kind bounds.
DISK_NOTES = {'': 'disk limit', 'perhaps': 'disk limit, perhaps', 'surely': ''}
# What this project leaves on an engine bears this label.
KINDS_OF_THINGS = (('ps', '--all'), ('network', 'ls'), ('volume', 'ls'))


@dataclass
class Result:
    """How one check went."""
    name: str
    wrong: str = ''
    says: str = ''  # for the table
    seconds: float = 0
    facts: dict = field(default_factory=dict)


@dataclass
class Made:
    """An image that an engine made of the first droplet."""
    engine: str
    store: str
    id: str
    archive: Path
    published: str = ''  # the digest in a registry


class Wrong(Exception):
    """What does not hold."""


class Checks:
    """All checks of one engine, in order. `made` is what earlier engines made, to compare with."""

    def __init__(self, kind, machine, supplies, made):
        self.kind, self.machine, self.supplies, self.made = kind, machine, supplies, made

    def all(self, fast):
        programs = ('image', 'export', 'engine', *(() if fast else ('push', 'publish', 'from_request_to_app')))
        yield self.check('supplies', self.supplied)
        for program in programs:
            yield self.check(f'{program} tests', lambda result, program=program: self.tests(program, result))
        yield self.check('image', self.image)
        yield self.check('labels and history', self.labels)
        yield self.check('the same image again', self.again)
        yield self.check(DISK, self.disk)
        yield self.check('push and pull', self.pushed)
        yield self.check('published', self.published)
        yield self.check('saved, loaded elsewhere', self.saved)
        yield self.check('replaced without a trace', self.replaced)
        yield self.check('nothing left', self.nothing_left)

    def check(self, name, act):
        def run():
            began, result = time.monotonic(), Result(name)
            try:
                act(result)
            except (Wrong, EngineError) as wrong:
                result.wrong = str(wrong)
            except subprocess.TimeoutExpired as late:
                result.wrong = f'not done after {late.timeout:.0f} s'
            result.seconds = time.monotonic() - began
            words = 'FAILED' if result.wrong else 'ok'
            print(f'    {name:26} {words:6} {result.seconds:4.0f} s  {result.says}', flush=True)
            if result.wrong:
                print('\n'.join(f'        | {line}' for line in result.wrong.splitlines()), flush=True)
            return result
        return run

    def version(self):
        told = json.loads(self.machine.docker('version', '--format', '{{json .Server}}'))
        info = json.loads(self.machine.docker('info', '--format', '{{json .}}'))
        kind = next((part['Name'] for part in told.get('Components') or [] if 'Podman' in part['Name']), 'Docker')
        options = [option.removeprefix('name=') for option in info.get('SecurityOptions') or [] if 'seccomp' not in option]
        return ' '.join([kind, told['Version'], f"(API {told['ApiVersion']}, {info['Driver']})", *options])

    def run(self, command, patience=120, user=0, **more):
        """A command that uses the engine, in its network."""
        environment = {**self.machine.environment(), **more.pop('environment', {})}
        command = self.machine.entering_as(user, [str(word) for word in command])
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', timeout=patience, **more)

    def inspect(self, image):
        return self.machine.inspected('image', image) or {}

    def supplied(self, _result):
        self.supplies.load(self.machine)

    def tests(self, program, result):
        environment = {'STAGER_STATIC_BIN': str(self.supplies.static), 'RUST_BACKTRACE': '0', 'RUST_TEST_THREADS': str(self.kind.at_once)}
        if self.kind.user:
            # Folders that this user may not read, as those of root's own programs, are in nobody's PATH.
            environment['PATH'] = f'{self.machine.folder / "bin"}:{PLAIN_PATH}'
        passed = failed = 0
        words = []
        for test in self.supplies.tests[program]:
            done = self.run(test, LONGEST_TEST, self.kind.user, cwd=TOP / 'host-cli', environment=environment)
            counts = re.search(r'(\d+) passed; (\d+) failed', done.stdout)
            if not counts:
                raise Wrong('\n'.join(done.stdout.splitlines()[-MOST_WORDS:]))
            passed, failed = passed + int(counts[1]), failed + int(counts[2])
            words += failures(done.stdout)
        result.says = f'{passed} of {passed + failed}'
        if failed or not passed:
            raise Wrong('\n'.join(words) or 'no test was run')

    def make(self, droplet, *more, name=NAME):
        return self.host_cli_image(droplet, '--name', name, '--verbose', *more)

    def host_cli_image(self, droplet, *more):
        command = [self.supplies.host_cli, 'image', '--droplet', droplet, '--lifecycle', self.supplies.lifecycle, '--base', ROOTFS,
                   '--label', 'stager.app-name=matrix', *more]
        done = self.run(command)
        if done.returncode != 0:
            raise Wrong(f'host-cli image ended with {done.returncode}: {done.stdout}')
        return done.stdout

    def runs(self, image, engine=None, page='hello'):
        said = (engine or self.machine).docker('run', '--rm', '--network', 'none', '--label', 'stager.kind=test', image)
        if said.splitlines()[-2:] != ['vcap', page]:
            raise Wrong(f'the app in {image} says: {said}')

    def image(self, result):
        said = self.make(self.supplies.droplets[0])
        way = re.search(r'The image goes into engine \S+ by (\w+): (.*)', said)
        result.says = f'by {way[1]}: {way[2]}' if way else said
        result.facts['way'] = way[1] if way else '?'
        if 'trying it by' in said:
            raise Wrong(said)
        self.runs(NAME)

    def labels(self, result):
        found = self.inspect(NAME)
        labels = found['Config']['Labels']
        wrong = [f'{name} is {labels.get(name)}' for name, value in LABELS.items() if labels.get(name) != value]
        base = self.inspect(ROOTFS)
        if labels.get('org.opencontainers.image.base.digest') != base['Id']:
            wrong.append(f"base.digest is {labels.get('org.opencontainers.image.base.digest')}, not {base['Id']}")
        layers = len(found['RootFS']['Layers']) - len(base['RootFS']['Layers'])
        history = self.machine.docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', NAME).splitlines()
        result.says = f'{layers} layers above the base'
        wrong += [f'{layers} layers were added, not 2'] if layers != 2 else []
        wrong += [f'the history does not tell of {word}: {history}' for word in ('lifecycle', 'droplet') if not any(word in line for line in history)]
        if wrong:
            raise Wrong('\n'.join(wrong))

    def again(self, result):
        first = self.inspect(NAME)['Id']
        self.machine.docker('rmi', '--force', NAME)
        self.make(self.supplies.droplets[0])
        second = self.inspect(NAME)['Id']
        archive = self.supplies.folder / f'{self.machine.name}.tar'
        store = self.machine.image_id(ROOTFS)
        mine = Made(self.machine.name, store, second, archive)
        result.facts['ids'] = [first, second]
        like = [other for other in self.made if other.store == mine.store]
        self.made.append(mine)
        result.says = second
        if first != second:
            raise Wrong(f'{first} at first, {second} when made again')
        different = [f'{other.id} on {other.engine}' for other in like if other.id != second]
        if different:
            raise Wrong(f"{second} here, but {', '.join(different)}")
        result.says += ''.join(f', as on {other.engine}' for other in like)

    def disk(self, result):
        """A launched app gets no more of the disk than its request says, or it is said that nobody sees to that."""
        name = network = 'stager-engines-disk'
        staging, launch = self.supplies.requests(DISK_MB, FILLS)
        self.machine.docker('network', 'create', '--label', 'stager.kind=test', network)
        try:
            self.make(self.supplies.droplets[0], '--request', staging, name=name)
            done = self.run([self.supplies.host_cli, 'launch', '--request', launch, '--network', network])
            apps = self.machine.docker('ps', '--quiet', '--filter', 'label=stager.kind=app').split()
            if done.returncode != 0 or len(apps) != 1:
                raise Wrong(f'host-cli launch ended with {done.returncode}, {len(apps)} apps: {done.stdout}')
            written = self.written(apps[0])
        finally:
            for app in self.machine.docker('ps', '--all', '--quiet', '--filter', 'label=stager.kind=app').split():
                self.machine.docker('rm', '--force', '--volumes', app)
            self.run(['docker', 'rmi', '--force', name])
            self.machine.docker('network', 'rm', network)
        most = DISK_MB << 20
        result.says = f'{written >> 20} of {DISK_MB} MiB'
        result.facts['disk'] = result.says
        said = [note for note in DISK_NOTES.values() if note and f'{note} (disk_mb={DISK_MB})' in done.stdout]
        if said != [note for note in [DISK_NOTES[self.kind.bounds]] if note]:
            raise Wrong(f'it wrote {written} bytes; it was said: {done.stdout}')
        # It must not get more, and not much less either.
        if written < most // 2 or (self.kind.bounds == 'surely' and written > most):
            raise Wrong(f'it wrote {written} bytes, not {most}; it was said: {done.stdout}')

    def written(self, app):
        """The bytes that the app has got onto the disk; it says them when it has tried."""
        deadline = time.monotonic() + FILLING
        while time.monotonic() < deadline:
            told = self.machine.docker('logs', app)
            found = re.search(r'wrote=(\d+)', told)
            if found:
                return int(found[1])
            time.sleep(0.5)
        raise Wrong(f'the app has not told how much it wrote: {told}')

    def pushed(self, result):
        with Registry(self.machine.folder, self.machine.program('docker-registry'), PORT, self.machine.entering) as registry:
            name = f'{registry.address}/matrix/app:1'
            id_here = self.inspect(NAME)['Id']
            self.machine.docker('tag', NAME, name)
            told = self.machine.docker('push', name)
            digest = re.search(r'digest: (sha256:\w{64})', told)
            if not digest:
                raise Wrong(f'the push told no digest: {told}')
            self.machine.docker('rmi', '--force', name, NAME)
            self.machine.docker('pull', name)
            self.runs(name)
            pulled = self.inspect(name)['Id']
            self.machine.docker('tag', name, NAME)
            self.machine.docker('rmi', name)
            result.says = digest[1]
            result.facts['digest'] = digest[1]
            if pulled != id_here:
                raise Wrong(f'{pulled} was pulled, {id_here} pushed')

    def published(self, result):
        """From here into a registry: to the same digest, whatever engine has the root file system."""
        with Registry(self.machine.folder, self.machine.program('docker-registry'), PORT, self.machine.entering) as registry:
            name = f'{registry.address}/matrix/published:1'
            said = self.host_cli_image(self.supplies.droplets[0], '--publish', name)
            digest = re.search(r'sha256:\w{64}', said)
            if not digest:
                raise Wrong(f'no digest was told: {said}')
            result.says = result.facts['published'] = digest[0]
            self.machine.docker('pull', name)
            try:
                self.runs(name)
            finally:
                self.machine.docker('rmi', name)
        self.made[-1].published = digest[0]
        different = [f'{other.published} on {other.engine}' for other in self.made if other.published not in ('', digest[0])]
        if different:
            raise Wrong(f"{digest[0]} here, but {', '.join(different)}")

    def saved(self, result):
        """Loaded into this machine's engine, and into this one what the engine before it saved."""
        archive = self.supplies.folder / f'{self.machine.name}.tar'
        self.machine.docker('save', '--output', str(archive), NAME)
        others = [made for made in self.made if made.engine != self.machine.name and made.archive.exists()]
        HERE.docker('load', '--input', archive)
        try:
            self.runs(NAME, engine=HERE)
            there = HERE.image_id(NAME)
        finally:
            HERE.docker('rmi', '--force', NAME)
        result.says = "this machine's engine"
        own = next((made for made in self.made if made.engine == self.machine.name), None)
        if own and own.store == HERE.image_id(ROOTFS) and there != own.id:
            raise Wrong(f'{there} there, {own.id} here')
        for other in others[-1:]:
            self.machine.docker('rmi', '--force', NAME)
            self.machine.docker('load', '--input', str(other.archive))
            self.runs(NAME)
            result.says += f', and from {other.engine}'
            # It was made elsewhere: what takes its name would leave it alone.
            self.machine.docker('rmi', '--force', NAME)
            self.make(self.supplies.droplets[0])

    def replaced(self, _result):
        earlier = self.inspect(NAME)['Id']
        self.make(self.supplies.droplets[1])
        self.runs(NAME, page='hello again')
        dangling = self.machine.docker('images', '--quiet', '--no-trunc', '--filter', 'dangling=true').split()
        labels = [self.machine.docker('image', 'inspect', '--format', '{{.Id}} {{json .Config.Labels}}', image) for image in dangling]
        self.machine.docker('rmi', '--force', NAME)
        if dangling:
            raise Wrong('\n'.join(['left without a name:', *labels, f'replaced: {earlier}']))

    def nothing_left(self, _result):
        left = [self.machine.docker(*what, '--filter', 'label=stager.kind') for what in KINDS_OF_THINGS]
        left = [lines for text in left for lines in text.splitlines()[1:]]
        left += self.machine.docker('images', '--quiet', '--filter', 'label=stager.kind=app').splitlines()
        left += self.machine.docker('images', '--quiet', '--filter', 'label=stager.kind=test').splitlines()
        if left:
            raise Wrong('\n'.join(left))


def failures(text):
    """What a test program says of the tests that failed: their names and their words."""
    _, _, told = text.partition('\nfailures:\n')
    return [line for line in (told or text).splitlines() if line.strip()][:MOST_WORDS]
