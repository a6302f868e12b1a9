"""How long it takes from a droplet on the disk to an image in a registry, against skopeo, and what is sent.

    ci/bench/publish [--rounds N] [--size MB] [--host-cli FILE] [--lifecycle DIR] [--base IMAGE] [--disk DIR]
                     [--quick] [--chart FILE] [--markdown FILE]

The registry is Debian's docker-registry on loopback, without TLS. In each round, in another order each time, each of the two gets an
empty registry of its own and nothing that it could know of earlier rounds, and publishes two images that differ in the droplet:

    host-cli   host-cli image --publish, from droplet.tgz, a folder with the lifecycle, and the root file system as an OCI layout
               whose layers are not compressed; its state folder is empty before the first image, and has its records at the second
    skopeo     skopeo copy of the same image from a ready OCI layout whose layers are not compressed, so that it compresses, too,
               and has no droplet to turn into a layer; its blob-info-cache is empty before the first image, and kept for the second

And two more ways publish the same two images when they are on the engine: what they stand on is the engine's then.

    by engine    host-cli push --by engine: the engine compresses and sends
    push         host-cli push: the engine exports, host-cli compresses and sends; its state folder as above

All new is the first image; new droplet is the second, when root file system and lifecycle are in the registry already, which both know.
The files have been read before, so that they come from memory; what was written is on the disk before the next clock starts.
Ratios are taken in each round, and then the median of them.

What is sent is counted once, between host-cli and the registry, and compared with what is new there: layers, config and manifest.
peak_mib is the most memory of host-cli in any round. The last line is for people and for scripts that compare; nothing fails for
being slow.
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import urllib.request

from harness import command, tables
from harness.bench import publish_inputs
from harness.bench.timed import run
from harness.engine import HERE as engine
from harness.registry import MANIFEST, Registry

REPOSITORY = 'bench/app'
WAYS = {'skopeo': 'skopeo copy', 'host_cli': 'host-cli image --publish', 'by_engine': 'host-cli push --by engine', 'push': 'host-cli push'}
PEERS = {'host_cli': 'skopeo', 'push': 'by_engine'}
CASES = {'all_new': 'all layers new', 'new_droplet': 'new droplet'}


class Bench:
    def __init__(self, given, work):
        self.host_cli_program = given.host_cli or command.built('host-cli') / 'host-cli'
        self.work = work
        self.lifecycle = work / 'lifecycle'
        self.lifecycle.mkdir()
        programs = given.lifecycle or command.static_programs()
        for program in ('launcher', 'healthcheck'):
            shutil.copy(programs / program, self.lifecycle)
        self.base = self.base_layout(given.base)
        source = publish_inputs.Source(given.size * 1_000_000, work)
        self.described = source.described
        self.droplets = {case: source.make(f'{case}.tgz') for case in CASES}
        self.layouts, self.images = {}, {}

    def base_layout(self, image):
        """The root file system as a layout whose layers are not compressed."""
        archive, layout = self.work / 'base.tar', self.work / 'base'
        with open(archive, 'wb') as out:
            if subprocess.run(['docker', 'save', image], stdout=out, check=False).returncode:
                raise command.Unavailable(f'there is no {image}; docker/build makes it')
        copy(self.work, '--dest-oci-accept-uncompressed-layers', f'docker-archive:{archive}', f'oci:{layout}:latest')
        archive.unlink()
        return layout

    def host_cli(self, case, address, home):
        environment = {**os.environ, 'XDG_STATE_HOME': str(home), 'DOCKER_CONFIG': str(home)}
        return run(
            self.host_cli_program, 'image', '--publish', f'{address}/{REPOSITORY}:{case}', '--base', f'oci:{self.base}',
            '--droplet', self.droplets[case], '--lifecycle', self.lifecycle, env=environment,
        )

    def push(self, case, address, home, by='direct'):
        environment = {**os.environ, 'XDG_STATE_HOME': str(home), 'DOCKER_CONFIG': str(home)}
        name = f'{address}/{REPOSITORY}:{case}'
        measured = run(self.host_cli_program, 'push', '--by', by, self.images[case], name, env=environment)
        if by == 'engine':
            engine.remove('image', name)  # which it leaves
        return measured

    def by_engine(self, case, address, home):
        return self.push(case, address, home, 'engine')

    def on_engine(self, base):
        """Makes on the engine what is published."""
        for case, droplet in self.droplets.items():
            self.images[case] = f'stager-bench/publish:{os.getpid()}-{case}'
            run(self.host_cli_program, 'image', '--base', base, '--name', self.images[case], '--label', 'stager.kind=bench',
                '--droplet', droplet, '--lifecycle', self.lifecycle)

    def clean(self):
        for image in self.images.values():
            engine.remove('image', image)

    def skopeo(self, case, address, home):
        return copy(home, '--dest-tls-verify=false', f'oci:{self.layouts[case]}:latest', f'docker://{address}/{REPOSITORY}:{case}')

    def turn(self, way, look, through=contextlib.nullcontext):
        """Seconds and peaks of one way, by case, in a registry of its own; `look` is called after each with the case and the address."""
        measured = {}
        with tempfile.TemporaryDirectory(dir=self.work) as folder, Registry(pathlib.Path(folder)) as registry:
            home = pathlib.Path(folder) / 'home'
            home.mkdir()
            with through(registry.address) as address:
                for case in CASES:
                    os.sync()
                    measured[case] = getattr(self, way)(case, address, home)
                    look(case, registry.address)
        return measured

    def prepare(self):
        """Makes the layouts for skopeo of what host-cli publishes, and counts what is sent and new meanwhile."""
        sent, new, known = {}, {}, set()
        wire = Wire()

        def look(case, address):
            sent[case], wire.sent = wire.sent, 0
            blobs = described(address, case)
            new[case] = sum(size for digest, size in blobs.items() if digest not in known)
            known.update(blobs)
            self.layouts[case] = self.layout(address, case)

        self.turn('host_cli', look, wire.to)
        return {case: (sent[case], new[case]) for case in CASES}

    def layout(self, address, case):
        """The image as a layout whose layers are not compressed."""
        folder, layout = self.work / f'dir-{case}', self.work / f'layout-{case}'
        copy(self.work, '--src-tls-verify=false', '--dest-decompress', f'docker://{address}/{REPOSITORY}:{case}', f'dir:{folder}')
        copy(self.work, '--dest-oci-accept-uncompressed-layers', f'dir:{folder}', f'oci:{layout}:latest')
        shutil.rmtree(folder)
        return layout

    def measure(self, rounds):
        """A list of rounds: by way and case seconds, peak and bytes that the registry holds of the image's layers."""
        results = []
        for number in range(rounds):
            measured, held = {}, {}
            ways = list(WAYS)
            for way in ways[number % len(ways):] + ways[:number % len(ways)]:
                def look(case, address, way=way, held=held):
                    held[way, case] = sum(described(address, case).values())

                measured[way] = self.turn(way, look)
            results.append((measured, held))
            said = (f'{way} {case} {measured[way][case][0]:.2f} s' for way in WAYS for case in CASES)
            print(f'publish: round {number + 1}: ' + ', '.join(said), flush=True)
        return results


def copy(home, *words):
    """skopeo's copy; what it remembers of blobs is in this folder."""
    # As root it keeps that in one place for all, unless it is told that it is not root.
    environment = {**os.environ, '_CONTAINERS_ROOTLESS_UID': '1', 'XDG_DATA_HOME': str(home), 'DOCKER_CONFIG': str(home)}
    return run('skopeo', 'copy', '--insecure-policy', *words, env=environment)


class Wire:
    """Passes connections on to a registry, and counts what goes there."""

    def __init__(self):
        self.sent = 0

    @contextlib.contextmanager
    def to(self, address):
        host, port = address.split(':')
        with socket.create_server(('127.0.0.1', 0)) as listening:
            threading.Thread(target=self.serve, args=(listening, (host, int(port))), daemon=True).start()
            yield f'127.0.0.1:{listening.getsockname()[1]}'

    def serve(self, listening, registry):
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(registry)
                threading.Thread(target=self.pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(server, client, False), daemon=True).start()

    def pass_on(self, source, target, counted):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 18):
                self.sent += len(piece) if counted else 0
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


def described(address, tag):
    """The bytes of an image by their digest: manifest, config and layers."""
    asked = urllib.request.Request(f'http://{address}/v2/{REPOSITORY}/manifests/{tag}', headers={'Accept': MANIFEST})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        text, digest = answer.read(), answer.headers['Docker-Content-Digest']
    manifest = json.loads(text)
    return {digest: len(text), **{blob['digest']: blob['size'] for blob in [manifest['config'], *manifest['layers']]}}


def median(rounds, way, case):
    return statistics.median(measured[way][case][0] for measured, _ in rounds)


def ratio(rounds, case, way='host_cli'):
    return statistics.median(measured[way][case][0] / measured[PEERS[way]][case][0] for measured, _ in rounds)


def write(bench, rounds, counted, given):
    rows = [['', *(f'{title}, s' for title in CASES.values()), 'image in the registry, MB']]
    for way, title in WAYS.items():
        held = statistics.median(held[way, 'all_new'] for _, held in rounds)
        rows.append([title, *(f'{median(rounds, way, case):.2f}' for case in CASES), f'{held / 1e6:.1f}'])
    for way, peer in PEERS.items():
        rows.append([f'{WAYS[way]} ÷ {WAYS[peer]}', *(f'{ratio(rounds, case, way):.3f}' for case in CASES), ''])
    sizes = [['host-cli image --publish', 'sent, MB', 'new in the registry, MB']]
    sizes += [[CASES[case], f'{sent / 1e6:.2f}', f'{new / 1e6:.2f}'] for case, (sent, new) in counted.items()]
    peak = max(measured[way][case][1] for way in PEERS for measured, _ in rounds for case in CASES)
    print('\n'.join([f'droplet: {bench.described}; medians of {len(rounds)} rounds', *tables.plain(rows), *tables.plain(sizes)]))
    if given.markdown:
        text = ['# What ci/bench/publish measured', '', f"Debian's docker-registry on loopback, {os.cpu_count()} cores; medians of {len(rounds)} rounds.",
                f'Engine {engine.described()}.',
                f'The droplet: {bench.described}. The root file system: {given.base}, {size(bench.base) / 1e6:.0f} MB.', '',
                *tables.markdown(rows), '', *tables.markdown(sizes), '', f'Most memory of `host-cli`: {peak:.0f} MiB.']
        given.markdown.write_text('\n'.join(text) + '\n')
    if given.chart:
        series = {title: [median(rounds, way, case) for way in WAYS] for case, title in CASES.items()}
        given.chart.write_text(tables.bars('From a droplet to an image in a registry', WAYS.values(), series, left=220, legend=160))
    sent_ratio = max(sent / new for sent, new in counted.values())
    print(tables.last_line(
        publish_vs_skopeo=f"{ratio(rounds, 'all_new'):.3f}", publish_new_droplet_vs_skopeo=f"{ratio(rounds, 'new_droplet'):.3f}",
        push_direct_vs_engine=f"{ratio(rounds, 'all_new', 'push'):.3f}",
        push_direct_new_droplet_vs_engine=f"{ratio(rounds, 'new_droplet', 'push'):.3f}",
        bytes_sent_vs_new_layers=f'{sent_ratio:.4f}', peak_mib=f'{peak:.0f}'))


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def main():
    arguments = command.Options(__doc__)
    arguments.add_argument('--rounds', type=int, default=5, help='default: 5')
    arguments.add_argument('--size', type=int, default=100, help='MB of the droplet; default: 100')
    arguments.add_argument('--host-cli', type=pathlib.Path, help='default: a static one of this tree')
    arguments.add_argument('--lifecycle', type=pathlib.Path, help='has launcher and healthcheck; default: target/static')
    arguments.add_argument('--base', default=command.ROOTFS)
    arguments.add_argument('--quick', action='store_true', help='a droplet of 5 MB, two rounds: shows that it works, not how fast')
    arguments.add_argument('--disk', type=pathlib.Path, help='has 5 GB free; default: where temporary files go')
    arguments.add_argument('--chart', type=pathlib.Path, help='writes an SVG too')
    arguments.add_argument('--markdown', type=pathlib.Path, help='writes the table as Markdown too')
    given = arguments.parse_args()
    if given.quick:
        given.size, given.rounds = 5, min(given.rounds, 2)
    for program in ('skopeo', 'docker-registry'):
        if not shutil.which(program):
            raise command.Unavailable(f'there is no {program}; ci/setup installs it')
    with tempfile.TemporaryDirectory(prefix='stager-publish.', dir=given.disk) as folder:
        bench = Bench(given, pathlib.Path(folder))
        try:
            counted = bench.prepare()
            bench.on_engine(given.base)
            write(bench, bench.measure(given.rounds), counted, given)
        finally:
            bench.clean()


command.run(main, 'publish')
