"""What ci/bench/restage stages: nine buildpacks, as ci/bench/fetch has them, and an app's package of real files.

The app's files are those of the root file system, text and machine code as compilers and people wrote them, under a new name each
time round until there are enough: gzip looks 32 KiB back, and a file again is as new to it as another.
"""

import itertools
import json
import multiprocessing
import random
import signal
import stat
import tarfile
import zipfile

from harness import command
from harness.bench import fetch_inputs
from harness.engine import HERE as engine

LARGE = 64 << 10
SHARE_OF_LARGE = 0.3
FOLDERS = ('usr/', 'bin/', 'lib/', 'etc/ssl/certs/')
FILES, PACKED = 20_000, 100_000_000
# All but the last one say no; what the last one does to the app makes each droplet another.
SCRIPTS = {
    'detect': '#!/bin/sh\nexit 1\n',
    'compile': '#!/bin/sh\ncat /proc/sys/kernel/random/uuid >"$1/staged"\n',
    'release': "#!/bin/sh\necho 'default_process_types: {web: sleep 3600}'\n",
}
DETECTS = '#!/bin/sh\necho bench\n'


def buildpack(job):
    path, mb, count, detects, piped = job
    rng = random.Random(path.stem)
    files = [file for file in fetch_inputs.buildpack_tree(mb * fetch_inputs.MB, count, rng) if not file[0].startswith('bin/')]
    fetch_inputs.write_zip(path, files, KINDS, rng, piped)
    with zipfile.ZipFile(path, 'a') as archive:
        for name, text in SCRIPTS.items():
            write(archive, f'bin/{name}', DETECTS if detects and name == 'detect' else text, 0o755)


def write(archive, name, content, mode):
    """Its size in the zip."""
    entry = zipfile.ZipInfo(name, fetch_inputs.WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | mode) << 16
    archive.writestr(entry, content)
    return entry.compress_size


def real_files(base, work):
    """(name, mode, content) of each file of an image that is worth something, in one order for ever."""
    exported = work / 'base.tar'
    container = engine.docker('create', '--label', 'stager.kind=demo', base, 'true')
    try:
        engine.docker('export', '--output', exported, container, patience=600)
    finally:
        engine.remove('container', container)
    with tarfile.open(exported) as archive:
        members = [member for member in archive if member.isfile() and member.size and member.name.startswith(FOLDERS)]
        members.sort(key=lambda member: member.name)
        random.Random('package').shuffle(members)
        if not members:
            raise command.Unavailable(f'{base} holds no files below {", ".join(FOLDERS)}')
        files = [(member.name, member.mode & 0o755 | 0o600, archive.extractfile(member).read()) for member in members]
    exported.unlink()
    return files


def package(path, base, work, count, packed):
    """So many files, and how many bytes they have: large ones up to their share of `packed` bytes, then small ones."""
    files = real_files(base, work)
    large, small = ([file for file in files if (len(file[2]) >= LARGE) is wanted] for wanted in (True, False))
    number = unpacked = written = 0
    with zipfile.ZipFile(path, 'w') as archive:
        for kind, of_kind in (('large', large), ('small', small)):
            for name, mode, content in again_and_again(kind, of_kind):
                if number == count or (kind == 'large' and written > packed * SHARE_OF_LARGE):
                    break
                written += write(archive, name, content, mode)
                number, unpacked = number + 1, unpacked + len(content)
    return number, unpacked


def again_and_again(kind, files):
    turns = itertools.count() if files else ()
    return ((f'{kind}-{turn}/{name}', mode, content) for turn in turns for name, mode, content in files)


class Inputs:
    """The archives in `folder`, which hold one `part`th of the files and bytes; those that are there already are taken."""

    def __init__(self, folder, base, work, part):
        self.folder = folder
        self.package = folder / 'package.zip'
        self.buildpacks = {name: folder / f'{name}.zip' for name, *_ in fetch_inputs.BUILDPACKS}
        done = folder / 'made.json'
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            global KINDS
            KINDS = fetch_inputs.Kinds(12 * fetch_inputs.MB // min(part, 20))
            last = len(fetch_inputs.BUILDPACKS) - 1
            jobs = [(self.buildpacks[name], mb / part, count // part, index == last, index % 2 == 1)
                    for index, (name, mb, count) in enumerate(fetch_inputs.BUILDPACKS)]
            # What command.run does at SIGTERM is not for the workers: the pool would wait for ever for one that it ends.
            with multiprocessing.get_context('fork').Pool(initializer=signal.signal, initargs=(signal.SIGTERM, signal.SIG_DFL)) as pool:
                making = pool.map_async(buildpack, jobs, chunksize=1)
                files, unpacked = package(self.package, base, work, FILES // part, PACKED // part)
                making.get()
            # Last of all: where it is there, all archives are.
            done.write_text(json.dumps({'base': base, 'files': files, 'unpacked': unpacked}))
        made = json.loads(done.read_text())
        packs = sum(path.stat().st_size for path in self.buildpacks.values())
        self.described = (
            f"an app of {made['files']:,} files, {made['unpacked'] / 1e6:.0f} MB, packed {self.package.stat().st_size / 1e6:.0f} MB; "
            f'{len(self.buildpacks)} buildpacks, packed {packs / 1e6:.0f} MB'
        )
