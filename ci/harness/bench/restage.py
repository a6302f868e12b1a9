"""How long a whole restage takes: `host-cli restage` against the same steps typed into a shell, and where the time goes.

    ci/bench/restage [--rounds N] [--static DIR] [--stager-image IMAGE] [--base IMAGE] [--inputs DIR] [--disk DIR]
                     [--docker-host URL] [--part N] [--quick] [--chart FILE] [--markdown FILE]

A mini-HCF (nginx and cc-uploader) is set up on the engine that docker speaks to, or that of --docker-host, nine buildpacks are
installed, of which the last takes the app, and an app of 20,000 real files is pushed whose droplet has some 100 MB. The app's package
and the buildpacks are made once; --inputs keeps them for the next time. Each droplet has a file that no other has, so that no
image is there before. The ways take turns, in another order each round:

    shell       in a container: curl and unzip of one thing after the other, the same builder with the stack's own gzip, curl to
                cc-uploader; droplet and launcher go through a pipe into `docker build`, where ADD of the droplet comes last
    cold        host-cli restage with an empty cache volume
    cold fast   the same with `-- --compression fast`
    warm        host-cli restage, lifecycle and buildpacks in the cache; the app's package is fetched, as always
    warm fast   the same with `-- --compression fast`

The clock runs from the start of the command to its end: then the image has its names, and the container is gone. Upload and image are
made at the same time; the rest is when none of the four steps is under way. Images and volumes are removed after the last round, and
host-cli keeps all of the app's images, since a file system that has just lost 20,000 files is slow to make as many. While the builder
runs, host-cli only waits: what it takes of a core and of memory then is looked at from outside.

Ratios are taken in each round, and then the median of them; overhead_s is the rest of the worst of the ways. --part N takes one Nth of
the app and of the buildpacks; --quick a hundredth, once: it shows that it works, not how fast. Nothing fails for being slow.
"""

import itertools
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from harness import command, staging
from harness.bench import restage_report
from harness.bench.elsewhere import have_image
from harness.bench.restage_inputs import Inputs
from harness.engine import HERE as engine
from harness.events import event_of
from harness.mini_hcf import MiniHcf

APP = 'bench-restage'
FAST = ['--compression', 'fast']
TICK = os.sysconf('SC_CLK_TCK')
LOOK = 0.2  # seconds between two looks at host-cli's memory
ALL = 10_000  # images of an app that stay
MARK = 'mark '

SHELL = """set -e
exec 3>&1 1>&2
mark() { echo "mark $1"; }
get() {
    mkdir -p "$2"
    curl -sSfk -o /tmp/archive "$1"
    case $(head -c 2 /tmp/archive) in PK) unzip -qo /tmp/archive -d "$2" ;; *) tar -xzf /tmp/archive -C "$2" ;; esac
    rm /tmp/archive
}
"""
DOCKERFILE = """FROM {base}
LABEL {labels}
ENV PORT=8080
USER vcap
ENTRYPOINT ["/tmp/lifecycle/launcher"]
COPY launcher healthcheck /tmp/lifecycle/
ADD droplet.tgz /home/vcap/
"""


@dataclass
class Way:
    """What one way took in one round."""
    seconds: float
    steps: dict  # seconds
    rest: float  # seconds in which no step was under way
    processor: float = None  # host-cli's own seconds
    waiting_percent: float = None  # of a core, while the builder runs
    waiting_mib: float = None


class Waiting(threading.Thread):
    """Looks at a process that waits, from its beginning to `end`."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.folder, self.over, self.mib = pathlib.Path(f'/proc/{process.pid}'), threading.Event(), 0
        self.began, self.used = time.monotonic(), self.ticks()

    def ticks(self):
        return sum(map(int, (self.folder / 'stat').read_text().rsplit(')')[-1].split()[11:13]))

    def run(self):
        while True:
            pages = int((self.folder / 'statm').read_text().split()[1])
            self.mib = max(self.mib, pages * os.sysconf('SC_PAGE_SIZE') / (1 << 20))
            if self.over.wait(LOOK):
                return

    def end(self):
        """Percent of a core, and MiB."""
        seconds, ticks = time.monotonic() - self.began, self.ticks() - self.used
        self.over.set()
        self.join()
        return 100 * ticks / TICK / seconds, self.mib


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.name = f'restage-{os.getpid()}'
        self.volumes, self.guid = [], None
        self.hcf = MiniHcf(given.static, folder, self.name)

    def set_up(self):
        have_image(self.given.base, self.given.docker_host)
        have_image(self.given.stager_image, self.given.docker_host)
        self.inputs = Inputs(self.given.inputs or self.folder / 'inputs', self.given.base, self.folder, self.given.part)
        self.hcf.up('--image', f'{self.hcf.name}:latest', '--base', self.given.base)
        self.hcf.give_lifecycle()
        for name, archive in self.inputs.buildpacks.items():
            self.hcf.add_buildpack(f'{name}_buildpack', archive)
        self.guid = self.hcf.push(self.inputs.package, APP)
        request = self.hcf.request('build-req', APP)
        self.script = script(request, self.dockerfile())
        # On a busy machine it is to get no more of it than ours.
        self.shares = request['cpu_weight'] * 1024 // 100
        self.warm_volume = self.new_volume()

    def new_volume(self):
        name = f'stager-cache-{self.name}-{len(self.volumes)}'
        engine.docker('volume', 'create', '--label', 'stager.kind=demo', name)
        self.volumes.append(name)
        return name

    def dockerfile(self):
        return DOCKERFILE.format(base=self.given.base, labels=f'stager.kind=bench stager.app-guid={self.guid}')

    def shell(self):
        """A container that prints the build context, and `docker build`."""
        run = ['docker', 'run', '--rm', '--interactive', '--label', 'stager.kind=demo', '--network', self.hcf.network, '--user', 'vcap',
               '--cpu-shares', str(self.shares), '--env', 'PATH=/usr/bin:/bin', '--entrypoint', '/bin/bash', self.given.stager_image, '-s']
        name = f'stager-bench/restage:{self.name}-{time.monotonic_ns()}'
        began = time.monotonic()
        with tempfile.TemporaryFile('w+') as request:
            request.write(self.script)
            request.seek(0)
            stages = subprocess.Popen(run, stdin=request, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            build = subprocess.Popen(['docker', 'build', '--quiet', '--tag', name, '-'], stdin=stages.stdout, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True, env={**os.environ, 'DOCKER_BUILDKIT': '0'})
            stages.stdout.close()
            marks, said = {}, []
            for line in stages.stderr:
                said.append(line)
                if line.startswith(MARK):
                    marks[line.removeprefix(MARK).strip()] = time.monotonic() - began
            said.append(build.communicate()[1])
            failed = stages.wait() | build.wait()
        marks['image'] = seconds = time.monotonic() - began
        if failed:
            raise command.Unavailable(f"the shell's way failed: {''.join(said)[-2000:]}")
        ends = ['begin', *restage_report.STEPS]
        return Way(seconds, {step: marks[step] - marks[before] for before, step in itertools.pairwise(ends)}, rest=marks['begin'])

    def cold(self):
        return self.restage(self.new_volume())

    def cold_fast(self):
        return self.restage(self.new_volume(), FAST)

    def warm(self):
        return self.restage(self.warm_volume)

    def warm_fast(self):
        return self.restage(self.warm_volume, FAST)

    def restage(self, volume, agent=()):
        words = staging.restage(APP, '--logs', self.hcf.state / 'log', '--keep-images', ALL, '--base', self.given.base,
                                network=self.hcf.network, volume=volume, image=self.given.stager_image, agent=agent)
        with tempfile.TemporaryFile('w+') as complaints:
            began = time.monotonic()
            process = subprocess.Popen([self.given.static / 'host-cli', *map(str, words)], stdout=subprocess.PIPE, stderr=complaints, text=True)
            try:
                heard = Heard(process, began)
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            seconds = time.monotonic() - began
            complaints.seek(0)
            if status:
                raise command.Unavailable(f'host-cli restage: {heard.failure}{complaints.read()}')
        return Way(seconds, steps=heard.steps(), rest=seconds - heard.busy(), processor=used.ru_utime + used.ru_stime,
                   waiting_percent=heard.waited[0], waiting_mib=heard.waited[1])

    def measure(self, rounds):
        """A list of rounds: what each way took."""
        ways = list(restage_report.WAYS)
        results = []
        self.restage(self.warm_volume)
        for number in range(rounds + (0 if self.given.quick else 1)):
            first = number % len(ways)
            measured = {}
            for way in ways[first:] + ways[:first]:
                os.sync()
                measured[way] = getattr(self, way)()
            print(f'restage: round {number}: ' + ', '.join(f'{way} {measured[way].seconds:.2f}' for way in ways), file=sys.stderr)
            if number or self.given.quick:  # The first fills caches, the engine's and the machine's.
                results.append(measured)
        return results

    def clean(self):
        self.hcf.down()
        if self.guid:
            engine.remove_all(f'stager.app-guid={self.guid}')
        engine.remove('image', f'{self.hcf.name}:latest')
        for volume in self.volumes:
            engine.remove('volume', volume)


class Heard:
    """What host-cli says until it ends, and when each step was under way, in seconds from the start."""

    def __init__(self, process, began):
        self.spans, self.failure, self.waited = {}, '', (0, 0)
        waiting, starts = None, {}
        for line in process.stdout:
            now, event = time.monotonic() - began, event_of(line) or {}
            step = event.get('step')
            match event.get('event'):
                case 'step_started':
                    # An image begins when the builder has ended, before anything is said of it.
                    starts.setdefault(step, now)
                    if step == 'build':
                        waiting = Waiting(process)
                        waiting.start()
                case 'step_ended':
                    self.spans[step] = (starts[step], min(now, starts[step] + event['ms'] / 1000) if step == 'image' else now)
                    if step == 'build':
                        starts['image'], self.waited = now, waiting.end()
                case 'failed':
                    self.failure = event.get('text', '')

    def steps(self):
        return {step: end - begin for step, (begin, end) in self.spans.items()}

    def busy(self):
        """Seconds in which at least one step was under way."""
        total = until = 0
        for begin, end in sorted(self.spans.values()):
            total += max(0, end - max(begin, until))
            until = max(until, end)
        return total


def script(request, dockerfile):
    """The shell's way, as one script: what it prints is a build context."""
    lines = [SHELL, f'dockerfile={shlex.quote(dockerfile)}', 'mark begin']
    fetched = [*request['cached_dependencies'], *staging.leaves(request, 'download')]
    lines += [f"get {shlex.quote(one['from'])} {shlex.quote(one['to'])}" for one in fetched]
    run = next(staging.leaves(request, 'run'))
    variables = {one['name']: one['value'] for one in [*request['env'], *(run['env'] or [])]}
    exports = ' '.join(f'{name}={shlex.quote(value)}' for name, value in variables.items() if name != 'PATH')
    lines += ['mark fetch', f"env {exports} {run['path']} {shlex.join(run['args'])}", 'mark build']
    lines += [f"curl -sSfk -X POST -T {shlex.quote(one['from'])} {shlex.quote(one['to'])}" for one in staging.leaves(request, 'upload')]
    lines += [
        'mark upload', 'mkdir /tmp/context', 'cp /tmp/lifecycle/launcher /tmp/lifecycle/healthcheck /tmp/context', 'mv /tmp/droplet /tmp/context/droplet.tgz',
        'printf %s "$dockerfile" >/tmp/context/Dockerfile', 'tar -cf - -C /tmp/context . >&3', 'exec 3>&-',
    ]
    return '\n'.join(lines) + '\n'


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--rounds', type=int, default=5, help='besides one that is not counted; default: 5')
    arguments.add_argument('--static', type=pathlib.Path, help='static programs; default: those of this tree, built')
    arguments.add_argument('--stager-image', default=command.STAGER, help='image that stages; default: stager:latest')
    arguments.add_argument('--base', default=command.ROOTFS, help='root file system')
    arguments.add_argument('--inputs', type=pathlib.Path, help='archives that an earlier run left there, or this one leaves')
    arguments.add_argument('--disk', type=pathlib.Path, help='has 1 GB free; default: where temporary files go')
    arguments.add_argument('--docker-host', help="another engine than docker's own; default: DOCKER_HOST")
    arguments.add_argument('--part', type=int, default=1)
    arguments.add_flags('--quick')
    arguments.add_files('--chart', '--markdown')
    given = arguments.parse_args()
    if given.quick:
        given.rounds, given.part = 1, 100
    given.docker_host = given.docker_host or os.environ.get('DOCKER_HOST')
    if given.docker_host:
        os.environ['DOCKER_HOST'] = given.docker_host
    given.static = given.static or command.built('host-cli', 'mini-hcf', 'lifecycle')
    with tempfile.TemporaryDirectory(prefix='stager-restage.', dir=given.disk) as folder:
        bench = Bench(given, pathlib.Path(folder))
        try:
            bench.set_up()
            restage_report.write(bench.measure(given.rounds), bench.inputs.described, given)
        finally:
            bench.clean()


command.run(main, 'restage')
