"""Droplets that swell: what is written of them, and what becomes an image, has a bound that comes from the request."""
import os
import stat
import time

import droplets
from attempt import NotSetUp, enlist

MIB = 1 << 20
DISK = 64  # MiB, the request's disk_mb
SLACK = 8 * MIB  # the lifecycle's own layer, which lies beside it
ZEROS = bytes(MIB)


NAME = b'./app/' + b'/'.join([b'n' * 200] * 19) + b'/%d'


def zeros(size):
    yield droplets.header('./app/zeros', size=size)
    for _ in range(size // MIB):
        yield ZEROS


def attributes():
    """Empty files, each with an extended attribute of half a megabyte."""
    record = droplets.pax(**{'SCHILY__xattr__user__x': bytes(MIB // 2)})
    for number in range(300):
        yield record + droplets.header(f'./app/{number}')


def long_name(number):
    return NAME % number


def long_names():
    for number in range(20_000):
        yield droplets.pax(path=long_name(number)) + droplets.header(f'./app/{number}')


def long_links():
    for number in range(20_000):
        yield droplets.pax(linkpath=long_name(number)) + droplets.header(f'./app/{number}', '2', link='x')


def hard_links():
    yield droplets.pax(path=long_name(0)) + droplets.header('./app/0')
    for number in range(1, 12_000):
        yield droplets.pax(path=long_name(number), linkpath=long_name(0)) + droplets.header(f'./app/{number}', '1', link='x')


def tiny_files():
    yield from droplets.numbered(b'./app/%06d', '0', 150_000)


def folders():
    yield from droplets.numbered(b'./app/%06d/', '5', 150_000)


def hole():
    """A GNU sparse file: one byte at the end of a quarter of a gigabyte of nothing."""
    size = 256 * MIB
    extra = bytes(41) + b'%011o\0' % (size - 512) + b'%011o\0' % 512 + bytes(24 * 3) + b'\0' + b'%011o\0' % size
    yield droplets.header('./app/hole', 'S', 512, extra=extra)
    yield bytes(511) + b'x'


def attributes_of_a_folder():
    record = droplets.pax(**{'SCHILY__xattr__user__x': bytes(MIB // 2)})
    for number in range(300):
        yield record + droplets.header(f'./app/{number}/', '5')


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
    droplets.swollen(file, chunks())
    words = words or ('--request', app.file('staging'))
    return judged(most, *watched(scene, most, '--droplet', file, *words, home=app.home))


def judged(most, peak, code, made, said):
    if 'nrecognized argument' in said:
        raise NotSetUp(f'this host-cli does not know it: {said[:200]}')
    if made:
        return f'an image was made; {peak // MIB} MiB were written'
    if peak > most + SLACK:
        return f'{peak // MIB} MiB were written, and it ended with {code}'
    if code != 7:
        raise NotSetUp(f'it ended with {code}: {said[-300:]}')
    return None


def lifecycle_swells(scene):
    app, file = scene.app(), scene.folder / 'swollen-lifecycle.tgz'
    droplets.swollen(file, zeros(300 * MIB), name='./')
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
