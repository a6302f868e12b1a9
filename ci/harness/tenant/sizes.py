"""Droplets that swell: what is written of them, and what becomes an image, has a bound that comes from the request."""
import os
import stat
import time

from harness.archives import tar
from harness.archives.droplets import swollen
from harness.tenant.attempt import NotSetUp, enlist

MIB = 1 << 20
DISK = 64  # MiB, the request's disk_mb
SLACK = 8 * MIB  # the lifecycle's own layer, which lies beside it
ZEROS = bytes(MIB)


NAME = b'./app/' + b'/'.join([b'n' * 200] * 19) + b'/%d'


def zeros(size):
    yield tar.header(b'./app/zeros', size=size)
    for _ in range(size // MIB):
        yield ZEROS


def attributes():
    """Empty files, each with an extended attribute of half a megabyte."""
    record = tar.pax((b'SCHILY.xattr.user.x', bytes(MIB // 2)))
    for number in range(300):
        yield record + tar.header(b'./app/%d' % number)


def long_name(number):
    return NAME % number


def long_names():
    for number in range(20_000):
        yield tar.pax((b'path', long_name(number))) + tar.header(b'./app/%d' % number)


def long_links():
    for number in range(20_000):
        yield tar.pax((b'linkpath', long_name(number))) + tar.symlink(b'./app/%d' % number, b'x')


def hard_links():
    yield tar.pax((b'path', long_name(0))) + tar.header(b'./app/0')
    for number in range(1, 12_000):
        yield tar.pax((b'path', long_name(number)), (b'linkpath', long_name(0))) + tar.hard(b'./app/%d' % number, b'x')


def numbered(name, kind, count=150_000):
    """Headers that differ in the six digits of their names, quickly."""
    first = tar.header(name % 0, kind)
    at = len(name % 0) - 6 - name.endswith(b'/')
    bare = sum(first) - sum(first[148:156]) + 8 * 32
    for number in range(count):
        digits = b'%06d' % number
        yield b''.join((first[:at], digits, first[at + 6:148], b'%06o\0 ' % (bare + sum(digits) - 6 * 48), first[156:]))


def tiny_files():
    yield from numbered(b'./app/%06d', tar.FILE)


def folders():
    yield from numbered(b'./app/%06d/', tar.FOLDER)


def hole():
    """A GNU sparse file: one byte at the end of a quarter of a gigabyte of nothing."""
    size = 256 * MIB
    pieces = tar.octal(size - 512, 12) + tar.octal(512, 12) + bytes(24 * 3)
    yield tar.header(b'./app/hole', b'S', 512, magic=tar.GNU, rest=bytes(41) + pieces + b'\0' + tar.octal(size, 12))
    yield bytes(511) + b'x'


def attributes_of_a_folder():
    record = tar.pax((b'SCHILY.xattr.user.x', bytes(MIB // 2)))
    for number in range(300):
        yield record + tar.folder(b'./app/%d/' % number)


def written(process):
    """Bytes on disk of the files without a name that it has open."""
    found = 0
    try:
        for one in os.scandir(f'/proc/{process.pid}/fd'):
            status = os.stat(one.path)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                found += status.st_blocks * 512
    except OSError:
        pass  # it has just ended, or closed the file
    return found


def watched(scene, most, *words, home, lifecycle=None):
    """How much it has written at once, how it ended, whether it says that it made an image. One that is over the bound by far is ended."""
    process = scene.start('image', '--lifecycle', lifecycle or scene.world.lifecycle, '--base', scene.world.tiny, '--output', 'json', *words, home=home)
    peak, deadline = 0, time.monotonic() + 60
    while process.poll() is None:
        peak = max(peak, written(process))
        if peak > most + 2 * SLACK or time.monotonic() > deadline:
            process.kill()
        time.sleep(0.01)
    out, error = process.communicate()
    return peak, process.returncode, b'"event":"image"' in out, (out + error).decode(errors='replace')


def swells(scene, chunks, most=DISK * MIB, words=None, disk=DISK):
    app = scene.app()
    app.staging['disk_mb'] = disk
    file = scene.folder / 'droplet.tgz'
    swollen(file, chunks())
    words = words or ('--request', app.file('staging'))
    return judged(most, *watched(scene, most, '--droplet', file, *words, home=app.home))


def judged(most, peak, code, made, said):
    if made:
        return f'an image was made; {peak // MIB} MiB were written'
    if peak > most + SLACK:
        return f'{peak // MIB} MiB were written, and it ended with {code}'
    if code != 7:
        raise NotSetUp(f'it ended with {code}: {said[-300:]}')
    return None


def lifecycle_swells(scene):
    app, file = scene.app(), scene.folder / 'swollen-lifecycle.tgz'
    swollen(file, zeros(300 * MIB), name=b'./')
    words = ('--droplet', scene.world.droplet, '--request', app.file('staging'))
    return judged(101 * MIB, *watched(scene, 101 * MIB, *words, home=app.home, lifecycle=file))


for name, chunks, what in (
    ('zeros', lambda: zeros(256 * MIB), 'zeros'), ('attributes', attributes, 'extended attributes of empty files'),
    ('attributes-of-folders', attributes_of_a_folder, 'extended attributes of folders'),
    ('long-names', long_names, 'names of 4 KB'), ('long-links', long_links, 'targets of 4 KB'), ('hard-links', hard_links, 'hard links with names of 4 KB'),
    ('tiny-files', tiny_files, 'headers of empty files'), ('folders', folders, 'headers of folders'), ('hole', hole, 'a hole in a sparse file'),
):
    enlist(f'droplet-of-{name}', f'a droplet becomes larger than disk_mb by {what}', __name__, lambda scene, chunks=chunks: swells(scene, chunks))
enlist('droplet-beyond-its-ratio', 'a small droplet of zeros takes 400 MiB, within a disk_mb of 4096', __name__,
       lambda scene: swells(scene, lambda: zeros(400 * MIB), most=101 * MIB, disk=4096))
enlist('lifecycle-beyond-its-ratio', 'a small lifecycle of zeros takes 300 MiB', __name__, lifecycle_swells)
enlist('droplet-without-a-request', 'a droplet without a request becomes larger than --max-layer', __name__,
       lambda scene: swells(scene, lambda: zeros(96 * MIB), most=16 * MIB, words=('--max-layer', '16M', '--name', f'{scene.world.instance}/swollen:1')))
enlist('droplet-of-names-without-a-request', 'the same by names', __name__,
       lambda scene: swells(scene, long_names, most=16 * MIB, words=('--max-layer', '16M', '--name', f'{scene.world.instance}/swollen:1')))
