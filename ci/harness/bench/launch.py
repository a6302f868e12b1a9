"""How long it takes until an app answers: `host-cli launch` against `docker run` and somebody who asks again and again.

    ci/bench/launch [--rounds N] [--waits S ...] [--static DIR] [--stager-image IMAGE] [--quick] [--chart FILE] [--markdown FILE]

An app is pushed to a mini-HCF on the engine that docker speaks to, and staged once. It sleeps for as long as its environment says
and listens then: 0.2 s and 3 s, besides what its interpreter takes. In each round every app is started both ways, in another order
each time, without an earlier container that would have to go:

    launch      host-cli launch, from its start to its end: then it has said where the app answers, and the app must answer
    docker run  docker run --detach of the same image on the same network with a published port, and a GET every 10 ms until one
                is answered with 200

Ratios are taken in each round, and then the median of them. The last line is for people and for scripts that compare:
launch_vs_docker_run is the worst of the apps. Nothing fails for being slow.
"""

import contextlib
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from harness import command, staging, tables
from harness.engine import HERE as engine
from harness.mini_hcf import MiniHcf
from harness.registry import free_port

APP = 'bench-launch'
WAIT = 'SLOW_START'
PATIENCE = 60
BETWEEN_ASKING = 0.01
WAYS = {'docker_run': 'docker run, asked over HTTP', 'launch': 'host-cli launch'}


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.volume = f'stager-cache-launch-{os.getpid()}'
        self.hcf = MiniHcf(given.static, folder, f'launch-{os.getpid()}')
        self.guid = None

    def set_up(self):
        engine.docker('volume', 'create', '--label', 'stager.kind=demo', self.volume)
        self.hcf.up('--image', f'{self.hcf.name}:latest')
        self.hcf.give_lifecycle()
        self.hcf.add_buildpack('python_buildpack', command.TOP / 'examples/buildpacks/python')
        self.guid = self.hcf.push(command.TOP / 'examples/apps/slow-start', APP, '--env', f'{WAIT}=0')
        words = staging.restage(APP, '--logs', self.hcf.state / 'log', network=self.hcf.network, volume=self.volume,
                                image=self.given.stager_image, agent=['--no-upload'])
        self.run('host-cli', *words)
        self.image = engine.listed('image', f'stager.app-guid={self.guid}')[0]
        self.asked = self.hcf.request('launch-req', APP)

    def run(self, program, *words):
        """What it prints; a failure ends all."""
        done = subprocess.run([self.given.static / program, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise command.Unavailable(f'{program} {words[0]}: {done.stdout[-2000:]}{done.stderr.strip()}')
        return done.stdout

    def request(self, wait):
        """The launch request of an app that waits so long, in a file."""
        file = self.folder / f'request-{wait}.json'
        launcher = staging.program(self.asked, 'launcher')['run']
        for variable in launcher['env']:
            if variable['name'] == WAIT:
                variable['value'] = str(wait)
        file.write_text(json.dumps(self.asked))
        return file

    def launch(self, wait):
        request = self.request(wait)
        began = time.monotonic()
        said = self.run('host-cli', 'launch', '--request', request, '--network', self.hcf.network, '--output', 'json')
        seconds = time.monotonic() - began
        running = next(event for event in map(json.loads, said.splitlines()) if event['event'] == 'running')
        address = running['url'].removeprefix('http://')
        if not answers(address):
            raise command.Unavailable(f'launch ended well, and nothing answers at {address}')
        return seconds, running['container']

    def docker_run(self, wait):
        address = f'127.0.0.1:{free_port()}'
        began = time.monotonic()
        container = engine.docker('run', '--detach', '--label', f'stager.app-guid={self.guid}', '--network', self.hcf.network,
                                  '--publish', f'{address}:8080', '--env', 'PORT=8080', '--env', f'{WAIT}={wait}', self.image)
        while not answers(address):
            if time.monotonic() - began > PATIENCE:
                raise command.Unavailable(f'docker run: nothing answers at {address}')
            time.sleep(BETWEEN_ASKING)
        return time.monotonic() - began, container

    def measure(self, rounds, waits):
        """By wait a list of rounds: seconds by way."""
        results = {wait: [] for wait in waits}
        for number in range(rounds + 1):
            for wait in waits:
                ways = list(WAYS)
                measured = {}
                for way in ways if number % 2 else reversed(ways):
                    measured[way], container = getattr(self, way)(wait)
                    engine.remove('container', container)
                print(f'launch: {wait} s, round {number}: ' + ', '.join(f'{way} {measured[way]:.2f}' for way in ways), file=sys.stderr)
                if number:  # The first fills caches, the engine's and the machine's.
                    results[wait].append(measured)
        return results

    def clean(self):
        self.hcf.down()
        if self.guid:
            engine.remove_all(f'stager.app-guid={self.guid}')
        engine.remove('image', f'{self.hcf.name}:latest')
        engine.remove('volume', self.volume)


def answers(address):
    """Whether a GET there is answered with 200."""
    asking = http.client.HTTPConnection(address, timeout=1)
    with contextlib.closing(asking), contextlib.suppress(OSError, http.client.HTTPException):
        asking.request('GET', '/')
        return asking.getresponse().status == 200
    return False


def median(rounds, way):
    return statistics.median(measured[way] for measured in rounds)


def ratio(rounds):
    return statistics.median(measured['launch'] / measured['docker_run'] for measured in rounds)


def write(results, given):
    described = engine.described()
    rows = [['an app that listens after', *(f'{title}, s' for title in WAYS.values()), 'ratio']]
    for wait, rounds in results.items():
        rows.append([f'{wait} s', *(f'{median(rounds, way):.2f}' for way in WAYS), f'{ratio(rounds):.2f}'])
    print('\n'.join(tables.plain(rows)))
    if given.markdown:
        rounds = len(next(iter(results.values())))
        text = ['# What ci/bench/launch measured', '', f'Engine {described}, {os.cpu_count()} cores; medians of {rounds} rounds.', '']
        given.markdown.write_text('\n'.join([*text, *tables.markdown(rows)]) + '\n')
    if given.chart:
        series = {f'listens after {wait} s': [median(rounds, way) for way in WAYS] for wait, rounds in results.items()}
        given.chart.write_text(tables.bars(f'Until an app answers: engine {described}', WAYS.values(), series, left=220, legend=180))
    ratios = {wait: ratio(rounds) for wait, rounds in results.items()}
    each = {f'launch_vs_docker_run_{wait}s': f'{number:.2f}' for wait, number in ratios.items()}
    print(tables.last_line(**each, launch_vs_docker_run=f'{max(ratios.values()):.2f}'))


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--rounds', type=int, default=7, help='besides one that is not counted; default: 7')
    arguments.add_argument('--waits', type=float, nargs='+', default=[0.2, 3], help='seconds; default: 0.2 3')
    arguments.add_argument('--static', type=pathlib.Path, help='static programs; default: those of this tree, built')
    arguments.add_argument('--stager-image', default=command.STAGER, help='image that stages; default: stager:latest')
    arguments.add_argument('--quick', action='store_true', help='two rounds: shows that it works, not how fast')
    arguments.add_argument('--chart', type=pathlib.Path, help='writes an SVG too')
    arguments.add_argument('--markdown', type=pathlib.Path, help='writes the table as Markdown too')
    given = arguments.parse_args()
    given.rounds = min(given.rounds, 2) if given.quick else given.rounds
    given.static = given.static or command.built('host-cli', 'mini-hcf', 'lifecycle')
    with tempfile.TemporaryDirectory(prefix='stager-launch.') as folder:
        bench = Bench(given, pathlib.Path(folder))
        try:
            bench.set_up()
            write(bench.measure(given.rounds, given.waits), given)
        finally:
            bench.clean()


command.run(main, 'launch')
