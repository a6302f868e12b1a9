"""Droplets for ci/bench/publish, of real text and machine code: how well and how fast something compresses is all that counts."""

import concurrent.futures
import gzip
import itertools
import os
import random
import stat

from harness.archives import tar
from harness.bench.image_inputs import FILES, entries, entry, join

# Half and half they are packed to about a third.
RATIO = 3.0
TEXT, CODE = ('/usr/lib/python3', '/usr/share'), ('/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/bin')
ENDINGS = ('.py', '.pm', '.pl', '.js', '.css', '.html', '.txt', '.h', '.c', '.xml', '.json', '.md', '.rst')
MOST = 120_000_000  # bytes of each kind; gzip looks back for 32 KiB, so that what comes again costs as much as before


class Source:
    """What all droplets of a size share."""

    def __init__(self, packed_bytes, work):
        self.work, self.head = work, work / 'head.tgz'
        # In a process of its own: what this one holds would count as memory of all that it starts.
        with concurrent.futures.ProcessPoolExecutor(1) as alone:
            unpacked = alone.submit(write_head, self.head, packed_bytes).result()
        self.described = f'{FILES:,} files, {unpacked / 1e6:.0f} MB of text and machine code, packed {self.head.stat().st_size / 1e6:.0f} MB'

    def make(self, name):
        """A droplet that differs from all others in one file."""
        droplet = self.work / name
        # A second member of the gzip file: what is common is compressed once.
        join(droplet, self.head, gzip.compress(entry('./app/own', tar.FILE, os.urandom(4096)) + tar.END))
        return droplet


def write_head(head, packed_bytes):
    """Writes what droplets of this size share; how many bytes that is unpacked."""
    numbers = random.Random(packed_bytes)
    each = packed_bytes * RATIO / FILES
    kinds = itertools.cycle([Pool(TEXT, is_text), Pool(CODE, is_code)])
    unpacked = 0
    with gzip.open(head, 'wb', compresslevel=6) as packed:
        for name, kind in entries():
            content = b''
            if kind == tar.FILE:
                content = next(kinds).take(max(64, int(numbers.gauss(each, each / 3))))
                unpacked += len(content)
            packed.write(entry(name, kind, content))
    return unpacked


class Pool:
    """Bytes of this machine's files of one kind, one after the other, and from the start again."""

    def __init__(self, folders, wanted):
        found, pieces = 0, []
        for path in itertools.chain.from_iterable(map(files, folders)):
            if found < MOST and (content := read(path)) and wanted(path, content):
                pieces.append(content)
                found += len(content)
        self.bytes, self.at = b''.join(pieces), 0

    def take(self, size):
        taken = self.bytes[self.at:self.at + size]
        self.at += size
        if len(taken) < size:
            self.at = size - len(taken)
            taken += self.bytes[:self.at]
        return taken


def files(top):
    """In the same order each time."""
    for folder, below, names in os.walk(top):
        below.sort()
        yield from (os.path.join(folder, name) for name in sorted(names))


def read(path):
    """Nothing where it is no file of a usual size."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode) or not 1024 < found.st_size < 8_000_000:
        return b''
    with open(path, 'rb') as file:
        return file.read()


def is_text(path, content):
    return path.endswith(ENDINGS) and b'\0' not in content


def is_code(_path, content):
    return content.startswith(b'\x7fELF')
