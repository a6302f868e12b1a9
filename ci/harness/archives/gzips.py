"""Hostile gzips, and what is no archive at all."""
import gzip
import struct
import zlib

from harness.archives.expected import Archive, File, Refused
from harness.archives.tar import END, file, header, octal

WHOLE = file(b'a', b'contents') + END
UNPACKED = {'a': File(b'contents')}
HEAD = b'\x1f\x8b\x08\0\0\0\0\0\0\xff'


def packed(body):
    return gzip.compress(body, 9, mtime=0)


def zeros(before=b''):
    """Deflated zeros without end, a thousandth of their size, behind `before`."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflate.compress(before) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)

    def pieces():
        yield HEAD + start
        while True:
            yield block
    return pieces


def archives():
    for name, holds, body, expected, *more in rows():
        group = 'no archives' if name.startswith('no-') else 'gzip'
        yield Archive(group, name if group != 'gzip' else f'tgz-{name}', holds, body, expected, **(more[0] if more else {}))


def rows():
    whole = packed(WHOLE)
    yield 'members', 'a tar in three gzip members', packed(WHOLE[:100]) + packed(WHOLE[100:700]) + packed(WHOLE[700:]), UNPACKED
    yield 'empty-members', 'a thousand empty members in front', packed(b'') * 1000 + whole, UNPACKED
    yield 'zeros-behind', 'zeros behind the end', whole + bytes(5000), UNPACKED, {'described': 'that is padding, as tapes have it'}
    yield 'garbage-behind', 'something behind the end', whole + b'garbage', Refused('something follows behind its end')
    yield 'cut', 'half of it', whole[:len(whole) // 2], Refused('damaged')
    yield 'cut-in-checksum', 'all but the last byte', whole[:-1], Refused('damaged')
    yield 'checksum', 'a wrong checksum', whole[:-8] + struct.pack('<L', 1) + whole[-4:], Refused('damaged')
    yield 'length', 'a wrong length', whole[:-4] + struct.pack('<L', 1), Refused('damaged')
    yield 'deflate', 'bytes that do not inflate', HEAD + b'\xff' * 100, Refused('damaged')
    yield 'name-endless', 'a file name in the gzip header, without end', endless_name, Refused('damaged')
    eight = header(b'zeros', size=octal((1 << 33) - 1, 12))
    yield 'bomb', 'zeros without end in a file', zeros(eight), Refused('more than 200 times its size')
    yield 'bomb-behind', 'zeros without end behind the end', zeros(WHOLE), Refused('more than 200 times its size')
    yield 'bomb-name', 'a name of 8 GiB', zeros(header(b'', b'L', octal((1 << 33) - 1, 12))), Refused('a name of more than 4095 bytes')
    yield 'bomb-allowed', '200 MiB of zeros, with `--max-ratio 2000`', packed(header(b'z', size=200 << 20) + bytes(200 << 20) + END), \
        {'z': File(200 << 20)}, {'options': ('--max-ratio=2000',)}
    yield 'in-gzip', 'a gzip in a gzip', packed(whole), Refused('a gzip file in a gzip file')
    yield 'of-nothing', 'nothing', packed(b''), Refused('a gzip file with nothing in it')
    yield 'no-bytes', 'nothing at all', b'', Refused('the archive is empty (0 bytes)')
    yield 'no-html', 'a page to log in', b'<!DOCTYPE html><html>log in</html>', Refused('an HTML page')
    yield 'no-xz', 'an xz file', b'\xfd7zXZ\0' + bytes(600), Refused('an xz file')
    yield 'no-zeros', '100 zeros', bytes(100), Refused('unknown bytes')


def endless_name():
    yield b'\x1f\x8b\x08\x08\0\0\0\0\0\xff'
    while True:
        yield b'n' * 65536
