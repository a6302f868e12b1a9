"""How many stagings one engine carries at once: throughput, latency, memory and disk at 1, 4, 16 and 64.

    ci/bench/load [--counts N ...] [--least N] [--rounds N] [--static DIR] [--stager-image IMAGE] [--quick] [--markdown FILE]

A mini-HCF is set up on the engine that docker speaks to, a tiny app is pushed to it under as many names as are needed, and
`host-cli restage --jobs N` stages so many of them at once: fetch from the cache, build, upload, image. A level with few at once
has as many stagings as --least says, so that its throughput is no accident. Before the clock starts one staging fills the cache.
In each round every level has its turn, in every other one from the most at once to the fewest: a machine that becomes slower
meanwhile is slower for all of them.

    stagings/min   all of a level by the time from the first to the last: the median of the rounds
    latency        of one staging from its first event to its last: the median and the worst
    host-cli       the most memory of the one process that stages them all
    agent          the most memory of any agent, and the most of all agents at one time (resident, without builders)
    disk           what the level left on the engine's disk, by staging: the app's layers

Memory and disk are looked at from outside, so the engine must be on this machine. The last line is for people and for scripts that
compare; nothing fails for being slow, but the exit code is 1 when a staging failed.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from harness import command, staging, tables
from harness.engine import HERE as engine
from harness.mini_hcf import MiniHcf

MIB = 1 << 20
PAIRS = [(16, 1), (64, 16)]


class Hcf(MiniHcf):
    """With its own image, and one app under many names."""

    def set_up(self, count):
        self.up('--image', f'{self.name}:latest')
        self.give_lifecycle()
        self.add_buildpack('procfile_buildpack', command.TOP / 'examples/buildpacks/procfile')
        self.apps = [f'load-{number:02}' for number in range(count)]
        self.guids = {self.push(command.TOP / 'examples/apps/hello-procfile', app) for app in self.apps}

    def remove(self):
        self.down()
        for guid in self.guids:
            engine.remove_all(f'stager.app-guid={guid}')
        engine.remove('image', f'{self.name}:latest')


class Watch(threading.Thread):
    """Looks at the agents' memory twice a second, until it is told to end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.largest = self.together = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            sizes = list(agents())
            self.largest = max([self.largest, *sizes])
            self.together = max(self.together, sum(sizes))

    def end(self):
        self.over.set()
        self.join()


def agents():
    for process in pathlib.Path('/proc').iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if process.name.isdigit() and (process / 'comm').read_text() == 'stager-agent\n':
                yield int((process / 'statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def free(folder):
    os.sync()
    numbers = os.statvfs(folder)
    return numbers.f_bavail * numbers.f_frsize


class Turn:
    """What one level did in one round."""

    def __init__(self, bench, jobs, apps):
        # A tmpfs or a remote engine has no folder here.
        root = engine.docker('info', '--format', '{{.DockerRootDir}}')
        root = root if os.path.isdir(root) else '/'
        before, watch = free(root), Watch()
        watch.start()
        began = time.monotonic()
        self.failed, self.latencies, self.host_cli = bench.restage(apps, jobs)
        seconds = time.monotonic() - began
        watch.end()
        self.largest, self.together = watch.largest, watch.together
        self.stagings, self.disk = len(apps), max(0, before - free(root))
        self.throughput = (len(apps) - self.failed) * 60 / seconds
        print(f'load: {jobs} at once: {seconds:.1f} s', file=sys.stderr)


class Level:
    """So many stagings at once, in all rounds."""

    def __init__(self, jobs):
        self.jobs, self.turns = jobs, []

    def turn(self, bench, least):
        self.turns.append(Turn(bench, self.jobs, bench.hcf.apps[: max(self.jobs, least)]))

    @property
    def throughput(self):
        return statistics.median(turn.throughput for turn in self.turns)

    @property
    def failed(self):
        return sum(turn.failed for turn in self.turns)

    def row(self):
        stagings = sum(turn.stagings for turn in self.turns)
        latencies = [latency for turn in self.turns for latency in turn.latencies]
        host_cli, largest, together = (max(getattr(turn, name) for turn in self.turns) for name in ('host_cli', 'largest', 'together'))
        return [
            str(self.jobs), str(stagings), f'{self.throughput:.1f}', f'{statistics.median(latencies):.1f}', f'{max(latencies):.1f}',
            f'{host_cli:.0f}', f'{largest / MIB:.0f}', f'{together / MIB:.0f}',
            f'{sum(turn.disk for turn in self.turns) / stagings / MIB:.1f}', str(self.failed),
        ]


TITLES = [
    'at once', 'stagings', 'stagings/min', 'latency s', 'worst s',
    'host-cli MiB', 'agent MiB', 'agents MiB', 'disk MiB each', 'failed',
]


class Bench:
    def __init__(self, given, folder):
        self.image, self.static = given.stager_image, given.static
        self.volume = f'stager-cache-load-{os.getpid()}'
        self.folder, self.hcf = folder, Hcf(given.static, folder, f'load-{os.getpid()}')
        self.hcf.apps, self.hcf.guids = [], set()
        engine.docker('volume', 'create', '--label', 'stager.kind=demo', self.volume)

    def restage(self, apps, jobs):
        """How many failed, how long each took in seconds, and the peak of host-cli in MiB."""
        words = ('--jobs', jobs, '--logs', self.hcf.state / 'log', *apps)
        words = staging.restage(*words, network=self.hcf.network, volume=self.volume, image=self.image)
        with open(self.folder / 'said', 'w+') as said, open(self.folder / 'complaints', 'w+') as complaints:
            process = subprocess.Popen([self.static / 'host-cli', *map(str, words)], stdout=said, stderr=complaints)
            try:
                _, _, used = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            said.seek(0)
            events = [json.loads(line) for line in said]
            complaints.seek(0)
            sys.stderr.write(complaints.read())
        ends = [event for event in events if event['event'] == 'app_ended']
        if not ends:  # one app alone
            ends = [{'code': event.get('code', 0), 'ms': event.get('ms', 0), 'app': apps[0], **event} for event in events[-1:]]
        for end in ends:
            if end['code']:
                print(f"load: {end['app']} ended with {end['code']}: {end['text']}", file=sys.stderr)
        failed = sum(end['code'] != 0 for end in ends) + len(apps) - len(ends)
        return failed, [end['ms'] / 1000 for end in ends], used.ru_maxrss / 1024


def last_line(levels):
    by_jobs = {level.jobs: level.throughput for level in levels}
    pairs = [pair for pair in PAIRS if by_jobs.keys() >= set(pair)] or [(max(by_jobs), min(by_jobs))]
    ratios = [f'throughput_{more}_vs_{fewer}={by_jobs[more] / (by_jobs[fewer] or 1):.2f}' for more, fewer in pairs]
    return ' '.join([*ratios, f'failed={sum(level.failed for level in levels)}'])


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--counts', type=int, nargs='+', default=[1, 4, 16, 64], help='at once; default: 1 4 16 64')
    arguments.add_argument('--least', type=int, default=32, help='stagings of a level in a round, at least; default: 32')
    arguments.add_argument('--rounds', type=int, default=3, help='how often each level has its turn; default: 3')
    arguments.add_argument('--static', type=pathlib.Path, help='static programs; default: those of this tree, built')
    arguments.add_argument('--stager-image', default='stager:latest', help='image that stages; default: stager:latest')
    arguments.add_argument('--quick', action='store_true', help='1 and 4 at once, four stagings, once: shows that it works, not how fast')
    arguments.add_argument('--markdown', type=pathlib.Path, help='writes the table as Markdown too')
    given = arguments.parse_args()
    if given.quick:
        given.counts, given.least, given.rounds = [1, 4], 4, 1
    given.static = given.static or command.built('host-cli', 'mini-hcf', 'lifecycle')
    levels = [Level(jobs) for jobs in given.counts]
    with tempfile.TemporaryDirectory(prefix='stager-load.') as folder:
        bench = Bench(given, pathlib.Path(folder))
        try:
            bench.hcf.set_up(max(*given.counts, given.least))
            bench.restage(bench.hcf.apps[:1], 1)
            for round_ in range(given.rounds):
                for level in levels if round_ % 2 == 0 else reversed(levels):
                    level.turn(bench, given.least)
        finally:
            bench.hcf.remove()
            engine.remove('volume', bench.volume)
    rows = [TITLES, *(level.row() for level in levels)]
    print('\n'.join(tables.plain(rows)))
    if given.markdown:
        described = engine.described()
        text = ['# What ci/bench/load measured', '', f'Engine {described}, {os.cpu_count()} cores.', '', *tables.markdown(rows)]
        given.markdown.write_text('\n'.join(text) + '\n')
    print(last_line(levels))
    return 1 if any(level.failed for level in levels) else 0


command.run(main, 'load')
