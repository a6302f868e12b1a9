"""Makes the archives that ci/bench/fetch has fetched, the same ones in every run.

    inputs.py DIR [--quick]      writes the archives and list.json into DIR; --quick: a tenth of the bytes and files

What they hold is mixed as in the cached buildpacks of Cloud Foundry. Of the packed bytes of a buildpack
    half    cannot be compressed: the tarballs of interpreters and libraries
    a third is machine code: a few large programs and shared libraries, packed to about two fifths
    a sixth is source text: nearly all of the files, packed to about a quarter
Every second zip is written as into a pipe, with the sizes behind the data, as Go and rubyzip do it.
"""

import argparse
import gzip
import hashlib
import io
import json
import multiprocessing
import pathlib
import random
import stat
import tarfile
import zipfile

MB = 1_000_000
WHEN = (2016, 6, 15, 18, 57, 24)
# name, packed MB, files
BUILDPACKS = [
    ('staticfile', 20, 1200),
    ('binary', 28, 1400),
    ('go', 38, 1900),
    ('nodejs', 45, 2100),
    ('python', 52, 2100),
    ('ruby', 58, 2300),
    ('php', 65, 2400),
    ('liberty', 72, 2300),
    ('java', 80, 2300),
]
LIFECYCLE_MB = 10
APPS = [('app', 20, 5000), ('new-package', 17, 4200)]
# What a byte of each kind is packed to, measured on what the corpora below give.
PACKED = {'tarball': 1.0, 'code': 0.42, 'text': 0.27, 'small text': 0.32}


def words(rng, count):
    letters = 'etaoinsrhldcumfpgwybvkxjqz'
    return [''.join(rng.choices(letters, weights=range(26, 0, -1), k=rng.randint(2, 11))) for _ in range(count)]


def text_corpus(rng, size):
    """Lines of code-like text; some come again and again, as licences and boilerplate do."""
    vocabulary = words(rng, 1200)
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]
    line_ends = [';\n', '\n', ' {\n', '}\n', ',\n', ':\n', ')\n', '\n\n']

    def line():
        said = rng.choices(vocabulary, weights, k=rng.randint(2, 9))
        return '  ' * rng.randint(0, 5) + rng.choice(' .(=,_').join(said) + rng.choice(line_ends)

    common = [line() for _ in range(250)]
    lines, length = [], 0
    while length < size:
        new = rng.choice(common) if rng.random() < 0.7 else line()
        lines.append(new)
        length += len(new)
    return ''.join(lines).encode()


def code_corpus(rng, size):
    """Instruction-like runs out of a small stock, with operands that differ, and some empty space."""
    stock = [rng.randbytes(rng.randint(1, 6)) for _ in range(300)]
    weights = [1 / (rank + 3) for rank in range(len(stock))]
    parts, length = [], 0
    while length < size:
        run = rng.choices(stock, weights, k=64)
        for index in range(0, 64, 16):
            run[index] = rng.randbytes(2) + b'\0' * rng.randint(0, 6)
        parts += run
        length += sum(map(len, run))
    return b''.join(parts)


class Kinds:
    """Contents of each kind, cut from corpora that all archives share."""

    def __init__(self, each=12 * MB):
        rng = random.Random('corpora')
        self.corpora = {'text': text_corpus(rng, each), 'code': code_corpus(rng, each)}

    def of(self, kind, size, rng):
        if kind == 'tarball':
            return rng.randbytes(size)
        corpus = self.corpora[kind.split()[-1]]
        start = rng.randrange(len(corpus))
        return (corpus[start : start + size] + corpus * (size // len(corpus) + 1))[:size]


def split(total, count, spread, rng):
    """`count` sizes that add up to about `total`, some many times as large as others."""
    shares = [rng.lognormvariate(0, spread) for _ in range(count)]
    return [max(1, int(total * share / sum(shares))) for share in shares]


def folders(rng, count):
    names = words(rng, 400)
    made = ['']
    for _ in range(count):
        parent = rng.choice(made[-12:] if rng.random() < 0.7 else made)
        folder = f'{parent}{rng.choice(names)}-{len(made)}/'
        if folder.count('/') <= 9:
            made.append(folder)
    return made[1:]


def tree(parts, rng):
    """(name, mode, kind, size) of each file; `parts` are (kind, bytes unpacked, files, name's end, mode, spread)."""
    count = sum(part[2] for part in parts)
    inside = folders(rng, max(4, count // 14))
    files = []
    for kind, total, number, end, mode, spread in parts:
        for size in split(total, number, spread, rng):
            files.append((f'{rng.choice(inside)}{rng.choice(words(rng, 1))}-{len(files)}{end}', mode, kind, size))
    return sorted(files)


def buildpack_tree(packed, count, rng):
    tarballs, programs = max(2, count // 400), max(4, count // 60)
    parts = [
        ('tarball', packed / 2 / PACKED['tarball'], tarballs, '.tgz', 0o644, 0.4),
        ('code', packed / 3 / PACKED['code'], programs, '.so', 0o755, 0.8),
        ('text', packed / 6 / PACKED['text'], count - tarballs - programs, '.rb', 0o644, 1.0),
    ]
    return [('bin/detect', 0o755, 'text', 900), ('bin/compile', 0o755, 'text', 3000), *tree(parts, rng)]


def app_tree(packed, count, rng):
    return tree([('small text', packed / PACKED['small text'], count, '.js', 0o644, 0.8)], rng)


class Pipe(io.RawIOBase):
    """A file that cannot be wound back, so that zipfile writes the sizes behind the data."""

    def __init__(self, path):
        self.file = open(path, 'wb')  # noqa: SIM115 it is closed by close

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)

    def close(self):
        self.file.close()
        super().close()


def write_zip(path, files, kinds, rng, piped):
    with (Pipe(path) if piped else open(path, 'wb')) as out, zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, mode, kind, size in files:
            entry = zipfile.ZipInfo(name, WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, kinds.of(kind, size, rng))


def write_tgz(path, files, kinds, rng):
    with (
        open(path, 'wb') as out,
        gzip.GzipFile('', 'wb', 6, out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode='w', format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, mode, kind, size in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = size, mode, 1466017044
            archive.addfile(entry, io.BytesIO(kinds.of(kind, size, rng)))


def make(job):
    """One archive; gives its line of list.json."""
    role, name, path, mb, count, piped = job
    rng, packed = random.Random(name), mb * MB
    if role == 'lifecycle':
        files = [(binary, 0o755, 'code', int(packed / 3 / PACKED['code'])) for binary in ('builder', 'healthcheck', 'launcher')]
        write_tgz(path, files, KINDS, rng)
    else:
        files = (buildpack_tree if role == 'buildpack' else app_tree)(packed, count, rng)
        write_zip(path, files, KINDS, rng, piped)
    data = path.read_bytes()
    return {
        'role': role,
        'name': name,
        'file': path.name,
        'bytes': len(data),
        'files': len(files),
        'unpacked': sum(size for *_, size in files),
        'sha256': hashlib.sha256(data).hexdigest(),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('dir', type=pathlib.Path)
    arguments.add_argument('--quick', action='store_true')
    given = arguments.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    part = 10 if given.quick else 1

    def job(role, name, end, mb, count, piped=False):
        return (role, name, given.dir / f'{name}{end}', mb / part, count // part, piped)

    jobs = [job('lifecycle', 'lifecycle', '.tgz', LIFECYCLE_MB, 0)]
    jobs += [job('buildpack', name, '.zip', mb, count, index % 2 == 1) for index, (name, mb, count) in enumerate(BUILDPACKS)]
    jobs += [job(role, role, '.zip', mb, count) for role, mb, count in APPS]
    global KINDS
    KINDS = Kinds()
    with multiprocessing.get_context('fork').Pool() as pool:
        made = pool.map(make, jobs, chunksize=1)
    # Last of all: where it is there, all archives are.
    (given.dir / 'list.json').write_text(json.dumps(made, indent=1) + '\n')


if __name__ == '__main__':
    main()
