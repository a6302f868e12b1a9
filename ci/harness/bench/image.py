"""How long it takes from a droplet on the disk to a named image, against what people do by hand, and the engine's limit.

    ci/bench/image [--rounds N] [--sizes MB ...] [--host-cli FILE] [--lifecycle DIR] [--base IMAGE]
                   [--docker-host URL] [--disk DIR] [--quick] [--chart FILE] [--markdown FILE]

The ways take turns, in another order each round, so that what else the machine does meets all of them; every round has a
droplet that differs from the others in one file. Images and containers are removed after the
last round: a file system that has just lost 20,000 files is slow to make as many. The engine is the one that
docker speaks to, or the one of --docker-host, such as `ci/engine start docker-current-containerd` starts; the root
file system is copied to it where it lacks it. What is measured:

    host-cli   host-cli image
    again      host-cli image of the same droplet once more
    second     host-cli image of a second app with the same lifecycle and next to nothing in its droplet
    build      docker build, the droplet by ADD as the last instruction, all others found in the engine's cache
    commit     docker create, docker cp of the droplet, docker commit
    limit      docker load of an archive that was made before: config and one uncompressed layer, the base left out; for an
               engine with containerd's store an OCI layout, since it takes nothing else without its base

What was written is on the disk before the next clock starts. Ratios are taken in each round, and then the median of them. The
last line is for people and for scripts that compare; nothing fails for being slow.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from harness import command
from harness.bench import image_inputs, image_report
from harness.bench.elsewhere import have_image
from harness.bench.timed import run
from harness.engine import HERE as engine

MARK = 'stager.kind=bench'
VCAP = 2000


class Round:
    """One droplet and the ways to an image of it; each gives seconds and a peak, where that is known."""

    def __init__(self, bench, size, number, work, made):
        self.bench, self.work, self.made = bench, work, made
        self.name = f'stager-bench/{size}:{number}'

    def host_cli(self):
        bench = self.bench
        return run(
            bench.host_cli, 'image', '--droplet', self.made.droplet, '--lifecycle', bench.lifecycle,
            '--base', bench.base, '--name', f'{self.name}-ours', '--label', f'stager.instance={bench.mark}',
        )

    def second(self):
        bench = self.bench
        return run(
            bench.host_cli, 'image', '--droplet', self.made.small, '--lifecycle', bench.lifecycle,
            '--base', bench.base, '--name', f'{self.name}-second', '--label', f'stager.instance={bench.mark}',
        )

    def build(self):
        context = self.work / 'context'
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        os.link(self.made.droplet, context / 'droplet.tgz')
        shutil.copy(self.bench.lifecycle / 'launcher', context)
        (context / 'Dockerfile').write_text(
            f'FROM {self.bench.base}\nLABEL {MARK} stager.instance={self.bench.mark}\n'
            'ENV PORT=8080\nUSER vcap\nENTRYPOINT ["/tmp/lifecycle/launcher"]\n'
            f'COPY launcher /tmp/lifecycle/launcher\nADD --chown={VCAP}:{VCAP} droplet.tgz /home/vcap/\n'
        )
        environment = {**os.environ, 'DOCKER_BUILDKIT': '0'}
        return run('docker', 'build', '-q', '-t', f'{self.name}-build', context, env=environment)[0], None

    def commit(self):
        began = time.monotonic()
        container = engine.docker('create', '--label', MARK, '--label', f'stager.instance={self.bench.mark}', self.bench.base, 'true')
        engine.docker('cp', self.bench.lifecycle, f'{container}:/tmp/lifecycle')
        with open(self.made.droplet, 'rb') as droplet:
            engine.docker('cp', '-', f'{container}:/home/vcap', stdin=droplet)
        change = ['--change', 'ENTRYPOINT ["/tmp/lifecycle/launcher"]', '--change', 'USER vcap']
        engine.docker('commit', *change, '--change', f'LABEL stager.instance={self.bench.mark}', container, f'{self.name}-commit')
        seconds = time.monotonic() - began
        return seconds, None

    def limit(self):
        return run('docker', 'load', '-q', '-i', self.made.archive)[0], None


class Bench:
    def __init__(self, given):
        self.host_cli = given.host_cli or command.built('host-cli') / 'host-cli'
        self.programs = given.lifecycle or command.static_programs()
        self.base = given.base
        self.mark = f'bench-{os.getpid()}'
        have_image(self.base, given.docker_host)
        image = engine.inspected('image', self.base)
        self.below = {key: image[key] for key in ('RootFS', 'Architecture', 'Os')}
        if 'io.containerd' in engine.docker('info', '--format', '{{json .DriverStatus}}'):
            self.below['blobs'] = layers_as_kept(self.base, image['RootFS']['Layers'])

    def measure(self, size, rounds, work):
        """A list of rounds: seconds by way, and our peak."""
        folder = work / 'lifecycle'
        folder.mkdir(exist_ok=True)
        for program in ('launcher', 'healthcheck'):
            shutil.copy(self.programs / program, folder)
        self.lifecycle = folder
        source = image_inputs.Source(size * 1_000_000, work)
        ways = ['host_cli', 'build', 'commit', 'limit']
        results = []
        for number in range(rounds + 1):
            labels = {'stager.kind': 'bench', 'stager.instance': self.mark}
            made = source.make(number, self.below, f'stager-bench/{size}:{number}-limit', labels)
            turn = Round(self, size, number, work, made)
            measured = {}
            first = number % len(ways)
            for way in ways[first:] + ways[:first]:
                os.sync()
                measured[way], peak = getattr(turn, way)()
                if way == 'host_cli':
                    measured['peak'] = peak
                    measured['again'], _ = turn.host_cli()
                    measured['second'], _ = turn.second()
            if number:  # The first fills caches, the engine's and the machine's.
                results.append(measured)
            print(f'image: {size} MB, round {number}: ' + ', '.join(f'{k} {v:.2f}' for k, v in measured.items()), file=sys.stderr)
        return source, results

    def clean(self):
        engine.remove_all(f'stager.instance={self.mark}')


def layers_as_kept(base, diff_ids):
    """The descriptors of the base's layers in containerd's store, which an OCI layout names without holding them."""
    with tempfile.TemporaryFile() as saved:
        subprocess.run(['docker', 'save', base], stdout=saved, check=True)
        saved.seek(0)
        documents = {}
        with tarfile.open(fileobj=saved) as tar:
            for member in tar:
                if member.isfile() and member.size < 1 << 20:
                    with contextlib.suppress(ValueError):  # a small layer
                        documents[member.name] = json.load(tar.extractfile(member))

    def blob(descriptor):
        return documents.get('blobs/' + descriptor['digest'].replace(':', '/'), {})

    waiting = [documents['index.json']]
    while waiting:
        document = waiting.pop()
        if blob(document.get('config', {'digest': ''})).get('rootfs', {}).get('diff_ids') == diff_ids:
            return document['layers']
        waiting += [blob(descriptor) for descriptor in document.get('manifests', [])]
    sys.exit(f'image: the export of {base} does not tell how its layers are kept')


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--rounds', type=int, default=5, help='besides one that is not counted; default: 5')
    arguments.add_argument('--sizes', type=int, nargs='+', default=[100, 400], help='MB of the droplets; default: 100 400')
    arguments.add_argument('--host-cli', type=pathlib.Path, help='default: a static one of this tree')
    arguments.add_argument('--lifecycle', type=pathlib.Path, help='has launcher and healthcheck; default: target/static')
    arguments.add_argument('--base', default='stager-rootfs:cflinuxfs4')
    arguments.add_argument('--docker-host', help="another engine than docker's own; default: DOCKER_HOST")
    arguments.add_argument('--quick', action='store_true', help='droplets of 2 and 8 MB, two rounds: shows that it works, not how fast')
    arguments.add_argument('--disk', type=pathlib.Path, help='has 5 GB free; default: where temporary files go')
    arguments.add_argument('--chart', type=pathlib.Path, help='writes an SVG too')
    arguments.add_argument('--markdown', type=pathlib.Path, help='writes the table as Markdown too')
    given = arguments.parse_args()
    if given.quick:
        given.sizes, given.rounds = [2, 8], min(given.rounds, 2)
    given.docker_host = given.docker_host or os.environ.get('DOCKER_HOST')
    if given.docker_host:
        os.environ['DOCKER_HOST'] = given.docker_host
    bench = Bench(given)
    results = {}
    with tempfile.TemporaryDirectory(dir=given.disk) as folder:
        try:
            for size in given.sizes:
                work = pathlib.Path(folder) / str(size)
                work.mkdir()
                source, results[size] = bench.measure(size, given.rounds, work)
                results[size].append(source.described)
                shutil.rmtree(work)
        finally:
            bench.clean()
    described = engine.described() + (", containerd's store" if 'blobs' in bench.below else '')
    image_report.write(results, described, given.chart, given.markdown)


command.run(main, 'image')
