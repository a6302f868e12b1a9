"""How an app lives after its launch: how soon it is back after a crash, what a list of many apps takes, who is not answered meanwhile.

    ci/bench/life [--requests N] [--apps N] [--crashes N] [--static DIR] [--stager-image IMAGE] [--quick] [--markdown FILE]

An app is pushed to a mini-HCF on the engine that docker speaks to, staged once, and launched with three instances. Then

    replace   each instance is asked again and again, 10,000 requests in all, while `host-cli restart` replaces the instances; a
              request has failed when no container of its instance's number answers, neither the earlier one nor its successor
    apps      `host-cli apps` beside 100 apps: containers with the labels of a launch and what is remembered of each; the median of
              seven
    cell      `host-cli cell start`; what its process has and uses while nothing happens
    restart   the app's process is killed in its container, an instance at a time, and that one is asked until it answers; what
              `docker run` of the same image takes until it answers is taken off. Six times, and never more than two of an
              instance: later crashes are to wait

An engine that has a cell already is left alone. Nothing fails for being slow; the exit code is 1 where a request has failed.
The last line is for people and for scripts that compare; `-` is what was not measured.
"""

import contextlib
import hashlib
import http.client
import itertools
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
from harness.processes import until
from harness.registry import free_port

APP = 'bench-life'
CELL = 'stager-cell'
INSTANCES = 3
PATIENCE = 60
LISTS = 7
IDLE = 30  # seconds in which the cell's processor time is counted
CRASHES_EACH = 2  # of an instance; Diego restarts three at once
NOTHING = '-'
KILL = r"""for p in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$p/cmdline" 2>/dev/null) in python3\ app.py*) kill -9 "${p#/proc/}" && echo killed ;; esac
done"""


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.state = folder / 'state'
        self.volume = f'stager-cache-life-{os.getpid()}'
        self.mark = f'stager.bench=life-{os.getpid()}'
        self.hcf = MiniHcf(given.static, folder, f'life-{os.getpid()}')
        self.guid, self.has_cell = None, False

    def set_up(self):
        engine.docker('volume', 'create', '--label', 'stager.kind=demo', self.volume)
        self.hcf.up('--image', f'{self.hcf.name}:latest')
        self.hcf.give_lifecycle()
        self.hcf.add_buildpack('python_buildpack', command.TOP / 'examples/buildpacks/python')
        self.guid = self.hcf.push(command.TOP / 'examples/apps/env-page', APP)
        words = staging.restage(APP, '--logs', self.hcf.state / 'log', network=self.hcf.network, volume=self.volume,
                                image=self.given.stager_image, agent=['--no-upload'])
        self.host_cli(*words)
        self.image = engine.listed('image', f'stager.app-guid={self.guid}')[0]
        self.host_cli('launch', APP, '--logs', self.hcf.state / 'log', '--network', self.hcf.network, '--instances', INSTANCES)

    def host_cli(self, *words):
        """What it prints; a failure ends all."""
        environment = {**os.environ, 'XDG_STATE_HOME': str(self.state), 'STAGER_IMAGE': self.given.stager_image}
        done = subprocess.run([self.given.static / 'host-cli', *map(str, words)], capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise command.Unavailable(f'host-cli {words[0]}: {done.stdout[-2000:]}{done.stderr.strip()}')
        return done.stdout

    def containers(self, index, shown='{{.ID}}'):
        """Of an instance, those that run, the newest first."""
        labels = (f'stager.app-guid={self.guid}', 'stager.kind=app', f'stager.index={index}')
        words = [word for label in labels for word in ('--filter', f'label={label}')]
        return engine.docker('ps', '--no-trunc', *words, '--format', shown, check=False).split()

    def addresses(self, index):
        return self.containers(index, '{{.Label "stager.ports"}}')

    # Replacements.

    def replace(self):
        """How often was asked, how often nobody answered, how often all instances were replaced meanwhile."""
        asked = itertools.count(1)
        failed = [0] * INSTANCES

        def ask(index):
            addresses = self.addresses(index)
            while next(asked) <= self.given.requests:
                if not any(map(answers, addresses)):
                    addresses = self.addresses(index)
                    failed[index] += not any(map(answers, addresses))

        asking = [threading.Thread(target=ask, args=(index,), daemon=True) for index in range(INSTANCES)]
        for thread in asking:
            thread.start()
        restarts = 0
        while not restarts or any(thread.is_alive() for thread in asking):
            self.host_cli('restart', self.guid)
            restarts += 1
        print(f'life: {self.given.requests} requests, {sum(failed)} failed, {restarts} times restarted', file=sys.stderr)
        return sum(failed), restarts

    # Many apps.

    def many(self):
        """Seconds of `apps`, beside so many apps."""
        labels = engine.inspected('container', self.containers(0)[0])['Config']['Labels']
        wish_file = next(self.state.glob('stager/engines/*/apps/*.json'))
        wish = wish_file.read_text()
        for number in range(self.given.apps - 1):
            guid = f'{number:08x}-0000-4000-8000-{os.getpid():012x}'
            own = {**labels, 'stager.app-guid': guid, 'stager.app-name': f'{APP}-{number}', 'stager.ports': ''}
            words = [word for name, value in own.items() for word in ('--label', f'{name}={value}')]
            engine.docker('run', '--detach', *words, '--label', self.mark, '--network', 'none', '--entrypoint', 'sleep', self.image, '86400')
            remembered = json.loads(wish.replace(self.guid, guid))
            remembered['name'] = f'{APP}-{number}'
            for process in remembered['processes'].values():
                process['instances'] = 1
            name = f'{hashlib.sha256(guid.encode()).hexdigest()[:32]}.json'
            file = wish_file.with_name(name)
            file.touch(mode=0o600)
            file.write_text(json.dumps(remembered))
        seconds = []
        for _ in range(LISTS):
            began = time.monotonic()
            listed = self.host_cli('apps', '-q').split()
            seconds.append(time.monotonic() - began)
        if len([name for name in listed if name.startswith(APP)]) != self.given.apps:
            raise command.Unavailable(f'apps lists {len(listed)} apps, not {self.given.apps}')
        return statistics.median(seconds)

    # Under a cell.

    def can_have_a_cell(self):
        """Whether this host-cli knows what one is; an engine's own stays as it is."""
        if engine.is_there(CELL):
            print(f'life: the engine has a container {CELL} already; what a cell does is not measured', file=sys.stderr)
            return False
        return subprocess.run([self.given.static / 'host-cli', 'cell', '--help'], capture_output=True, check=False).returncode == 0

    def start_cell(self):
        self.has_cell = True
        self.host_cli('cell', 'start')

    def cell_uses(self, seconds):
        """MiB of memory, percent of a processor, as the machine's kernel tells of the cell's processes."""
        pids = [int(line.split()[1]) for line in engine.docker('top', CELL, '-o', 'user,pid').splitlines()[1:]]
        before = sum(map(ticks, pids))
        time.sleep(seconds)
        used = (sum(map(ticks, pids)) - before) / os.sysconf('SC_CLK_TCK')
        return sum(map(resident_mib, pids)), 100 * used / seconds

    def crash(self, index):
        """Seconds until an instance answers again."""
        container = self.containers(index)[0]
        before = self.runs(index)
        began = time.monotonic()
        if 'killed' not in engine.docker('exec', container, 'sh', '-c', KILL, check=False):
            raise command.Unavailable('the app has no process that could be killed')
        # A request that is on its way when the app ends may wait at its port, and be answered by the next one.
        if not until(lambda: self.runs(index) - before and any(map(answers, self.addresses(index))), PATIENCE, 0.01):
            raise command.Unavailable(f'instance {index} is not back {PATIENCE} s after its crash')
        return time.monotonic() - began

    def runs(self, index):
        """Which containers of an instance run, and since when."""
        found = (engine.inspected('container', container) for container in self.containers(index))
        return {(one['Id'], one['State']['StartedAt']) for one in found if one and one['State']['Running']}

    def own_start(self):
        """Seconds that the same image takes when nobody but the engine starts it."""
        address = f'127.0.0.1:{free_port()}'
        began = time.monotonic()
        container = engine.docker('run', '--detach', '--label', self.mark, '--network', self.hcf.network, '--publish', f'{address}:8080',
                                  '--env', 'PORT=8080', self.image)
        if not until(lambda: answers(address), PATIENCE, 0.01):
            raise command.Unavailable(f'docker run: nothing answers at {address}')
        seconds = time.monotonic() - began
        engine.remove('container', container)
        return seconds

    def restarted(self):
        crashes = min(self.given.crashes, CRASHES_EACH * INSTANCES)
        own = statistics.median(self.own_start() for _ in range(3))
        seconds = [self.crash(number % INSTANCES) for number in range(crashes)]
        print(f'life: back after {", ".join(f"{one:.2f}" for one in seconds)} s; docker run takes {own:.2f} s', file=sys.stderr)
        return max(statistics.median(seconds) - own, 0)

    def clean(self):
        with contextlib.suppress(command.Unavailable):
            if self.has_cell:
                self.host_cli('cell', 'stop')
        if self.has_cell:
            engine.remove('container', CELL)
            engine.remove('volume', CELL)
        engine.remove('container', *engine.listed('container', self.mark))
        if self.guid:
            engine.remove_all(f'stager.app-guid={self.guid}')
        self.hcf.down()
        engine.remove('image', f'{self.hcf.name}:latest')
        engine.remove('volume', self.volume)


def answers(address):
    """Whether a GET there is answered with 200 and all of the page."""
    asking = http.client.HTTPConnection(address, timeout=5)
    with contextlib.closing(asking), contextlib.suppress(OSError, http.client.HTTPException):
        asking.request('GET', '/healthz')
        answer = asking.getresponse()
        return answer.status == 200 and answer.read() == b'ok\n'
    return False


def ticks(pid):
    """Of processor time that a process has had."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return int(fields[11]) + int(fields[12])


def resident_mib(pid):
    lines = pathlib.Path(f'/proc/{pid}/status').read_text(errors='replace').splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith('VmRSS')), 0)


def measure(bench):
    """All numbers by their names, as texts."""
    failed, restarts = bench.replace()
    numbers = {'restart_after_crash_s': NOTHING, 'apps_100_s': f'{bench.many():.2f}', 'cell_mib': NOTHING, 'cell_cpu_percent': NOTHING}
    if bench.can_have_a_cell():
        bench.start_cell()
        mib, percent = bench.cell_uses(bench.given.idle)
        numbers |= {'restart_after_crash_s': f'{bench.restarted():.2f}', 'cell_mib': f'{mib:.1f}', 'cell_cpu_percent': f'{percent:.2f}'}
    return {**numbers, 'asked': bench.given.requests, 'failed': failed}, restarts


def write(numbers, restarts, given):
    rows = [
        ['what', 'measured'],
        ['an instance is back after a crash, besides what `docker run` of its image takes', f'{numbers["restart_after_crash_s"]} s'],
        [f'`host-cli apps` with {given.apps} apps', f'{numbers["apps_100_s"]} s'],
        [f'memory of the cell, with {given.apps} apps', f'{numbers["cell_mib"]} MiB'],
        ['processor of the cell while nothing happens', f'{numbers["cell_cpu_percent"]} %'],
        [f'requests to {INSTANCES} instances while `restart` replaced all of them {restarts} times', f'{numbers["asked"]}'],
        ['of them not answered', f'{numbers["failed"]}'],
    ]
    print('\n'.join(tables.plain(rows)))
    if given.markdown:
        text = ['# What ci/bench/life measured', '', f'Engine {engine.described()}, {os.cpu_count()} cores.', '']
        given.markdown.write_text('\n'.join([*text, *tables.markdown(rows)]) + '\n')
    print(tables.last_line(**numbers))


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--requests', type=int, default=10_000, help='default: 10000')
    arguments.add_argument('--apps', type=int, default=100, help='default: 100')
    arguments.add_argument('--crashes', type=int, default=6, help='default: 6')
    arguments.add_argument('--static', type=pathlib.Path, help='static programs; default: those of this tree, built')
    arguments.add_argument('--stager-image', default=command.STAGER, help='image that stages; default: stager:latest')
    arguments.add_argument('--quick', action='store_true', help='less of everything: shows that it works, not how fast')
    arguments.add_argument('--markdown', type=pathlib.Path, help='writes the table as Markdown too')
    given = arguments.parse_args()
    given.idle = IDLE
    if given.quick:
        given.requests, given.apps, given.crashes, given.idle = min(given.requests, 1000), min(given.apps, 10), 1, 3
    given.static = given.static or command.built('host-cli', 'mini-hcf', 'lifecycle')
    with tempfile.TemporaryDirectory(prefix='stager-life.') as folder:
        bench = Bench(given, pathlib.Path(folder))
        try:
            bench.set_up()
            numbers, restarts = measure(bench)
            write(numbers, restarts, given)
            return 1 if numbers['failed'] else 0
        finally:
            bench.clean()


command.run(main, 'life')
