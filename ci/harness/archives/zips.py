"""Hostile zips, and some that only look so."""
import struct
import zlib
from dataclasses import dataclass

from harness.archives.expected import Archive, Directory, File, Link, Refused

UNIX, DOS = 3, 0
STORED, DEFLATED, BZIP2 = 0, 8, 12
REGULAR, SYMLINK, FOLDER, CHARACTER, PIPE = 0o100000, 0o120000, 0o040000, 0o020000, 0o010000
OUT = 'would leave its directory'
X = File(b'x')
ZIP64 = 0xffffffff


@dataclass
class Entry:
    """An entry. What the local header says differs from the directory at the end where it is given here."""
    name: bytes
    text: bytes = b'x'
    method: int = STORED
    mode: int = REGULAR | 0o644
    system: int = UNIX
    flags: int = 0
    extra: bytes = b''
    size: int = None
    packed: int = None
    crc: int = None
    offset: int = None
    raw: bytes = None
    local_name: bytes = None
    local_size: int = None
    local_packed: int = None
    local_method: int = None
    local_extra: bytes = b''
    behind: bytes = b''

    def data(self):
        if self.raw is not None:
            return self.raw
        return deflated(self.text) if self.method == DEFLATED else self.text

    def facts(self):
        crc = zlib.crc32(self.text) if self.crc is None else self.crc
        packed = len(self.data()) if self.packed is None else self.packed
        return crc, packed, len(self.text) if self.size is None else self.size


def deflated(text):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(text) + deflate.flush()


def local(entry):
    crc, packed, size = entry.facts()
    size = size if entry.local_size is None else entry.local_size
    packed = packed if entry.local_packed is None else entry.local_packed
    method = entry.method if entry.local_method is None else entry.local_method
    name = entry.name if entry.local_name is None else entry.local_name
    fixed = struct.pack('<4s5H3L2H', b'PK\3\4', 20, entry.flags, method, 0, 33, crc, packed, size, len(name), len(entry.local_extra))
    return fixed + name + entry.local_extra + entry.data() + entry.behind


def central(entry, offset):
    crc, packed, size = entry.facts()
    offset = offset if entry.offset is None else entry.offset
    made_by = entry.system << 8 | 20
    attributes = entry.mode << 16 if entry.system == UNIX else entry.mode
    fixed = struct.pack('<4s6H3L5H2L', b'PK\1\2', made_by, 20, entry.flags, entry.method, 0, 33, crc, packed, size,
                        len(entry.name), len(entry.extra), 0, 0, 0, attributes, offset)
    return fixed + entry.name + entry.extra


def end(count, size, offset, comment=b''):
    return struct.pack('<4s4H2LH', b'PK\5\6', 0, 0, count, count, size, offset, len(comment)) + comment


def zipped(*entries, before=b'', counted=0, count=None, comment=b''):
    """With something before it; its offsets count from the beginning of the file, and so many bytes behind that."""
    body, directory = before, b''
    for entry in entries:
        directory += central(entry, len(body) - counted)
        body += local(entry)
    return body + directory + end(len(entries) if count is None else count, len(directory), len(body) - counted, comment)


def link(name, target):
    return Entry(name, target, mode=SYMLINK | 0o777)


def dos(name, text=b'x', attributes=0, **more):
    return Entry(name, text, system=DOS, mode=attributes, **more)


def archives():
    for group, rows in (('zip: names and links', names()), ('zip: kinds and modes', kinds()), ('zip: bombs', bombs()), ('zip: lies', lies())):
        for name, holds, body, expected, *more in rows:
            yield Archive(group, f'zip-{name}', holds, body, expected, **(more[0] if more else {}))


def names():
    yield 'dotdot', '`../evil`', zipped(Entry(b'../evil')), Refused(OUT)
    yield 'dotdot-later', 'a good file, then `a/../../evil`', zipped(Entry(b'good'), Entry(b'a/../../evil')), Refused(OUT)
    yield 'absolute', '`/canary`', zipped(Entry(b'/canary')), Refused(OUT)
    yield 'backslashes', '`..\\evil`, made on DOS', zipped(dos(b'..\\evil')), Refused(OUT)
    yield 'backslash-root', '`\\canary`, made on DOS', zipped(dos(b'\\canary')), Refused(OUT)
    yield 'drive', '`C:\\x`, made on DOS', zipped(dos(b'C:\\x')), Refused(OUT)
    yield 'drive-slash', '`C:/x`, made on DOS', zipped(dos(b'C:/x')), Refused(OUT)
    odd = (b'C:\\x', b'..\\..\\x', b'\x1b[31m', b'a\nb')
    yield 'odd', 'drive letters, backslashes, control characters, made on Unix', zipped(*map(Entry, odd)), \
        {name.decode(): X for name in odd}, {'described': 'these are ordinary names here'}
    yield 'backslashes-inside', '`a\\b`, made on DOS', zipped(dos(b'a\\b')), {'a/b': X}, \
        {'warning': 'backslashes', 'described': '`a/b`, with a warning'}
    slashes = {'described': '`a/b`'}
    yield 'slashes-differ', '`a\\b` in the directory, `a/b` in the local header, made on DOS', \
        zipped(dos(b'a\\b', local_name=b'a/b')), {'a/b': X}, {'warning': 'backslashes', 'described': '`a/b`, with a warning'}
    yield 'slashes-differ-reversed', '`a/b` in the directory, `a\\b` in the local header, made on DOS', \
        zipped(dos(b'a/b', local_name=b'a\\b')), {'a/b': X}, slashes
    yield 'slashes-differ-up', '`..\\evil` in the directory, `../evil` in the local header, made on DOS', \
        zipped(dos(b'..\\evil', local_name=b'../evil')), Refused(OUT)
    yield 'slashes-differ-up-reversed', '`../evil` in the directory, `..\\evil` in the local header, made on DOS', \
        zipped(dos(b'../evil', local_name=b'..\\evil')), Refused(OUT)
    yield 'slashes-differ-unix', '`a\\b` in the directory, `a/b` in the local header, made on Unix', \
        zipped(Entry(b'a\\b', local_name=b'a/b')), Refused('disagree about its name')
    yield 'nul', '`a\\0b`', zipped(Entry(b'a\0b')), Refused('has a NUL byte in its name')
    yield 'empty-name', 'no name', zipped(Entry(b'')), Refused('wants to replace the directory itself')
    yield 'not-utf8', 'a name that is marked as UTF-8 and is not', zipped(Entry(b'\xff\xfe', flags=0x800)), {'\\xff\\xfe': X}
    yield 'long', 'a name of 60000 bytes', zipped(Entry(b'n/' * 30000)), Refused('a name of more than 4095 bytes')
    yield 'deep', '300 directories in one another', zipped(Entry(b'd/' * 300 + b'f')), Refused('deeper than 256')
    yield 'symlink-up', 'a link to `..`, a file through it', zipped(link(b'l', b'..'), Entry(b'l/evil')), Refused(OUT)
    yield 'symlink-after', 'a file, and behind it the link to `..` that it would go through', \
        zipped(Entry(b'l/evil'), link(b'l', b'..')), Refused(OUT)
    yield 'symlink-chain', 'a link to a link to `/`, a file through it', \
        zipped(link(b'a', b'b'), link(b'b', b'/'), Entry(b'a/evil')), Refused(OUT)
    yield 'symlink-overwritten', 'a link to `/canary`, then a file of the same name', \
        zipped(link(b'f', b'/canary'), Entry(b'f')), {'f': X}
    yield 'symlink-anywhere', 'links to `/etc/passwd` and `../..`', zipped(link(b'a', b'/etc/passwd'), link(b'b', b'../..')), \
        {'a': Link('/etc/passwd'), 'b': Link('../..')}
    yield 'symlink-long', 'a link to a name of 100 MiB', \
        zipped(Entry(b'l', bytes(100 << 20), DEFLATED, mode=SYMLINK | 0o777)), Refused('more than 4095 bytes, which no file system takes')
    yield 'twice', 'the same name twice', zipped(Entry(b'f', b'1'), Entry(b'f', b'2')), {'f': File(b'2')}, {'described': 'the last one counts'}
    yield (
        'file-over-directory',
        'a file where a full directory is',
        zipped(Entry(b'd/f'), Entry(b'd')),
        Refused('is no directory, but another entry lies in it'),
    )
    yield 'directory-over-file', 'a file, then one below it', zipped(Entry(b'f'), Entry(b'f/g')), Refused('is no directory, but another entry lies in it')


def kinds():
    yield 'device', 'a character device', zipped(Entry(b'dev', b'', mode=CHARACTER | 0o666)), Refused('is a device or a socket')
    yield 'pipe', 'a named pipe', zipped(Entry(b'pipe', b'', mode=PIPE | 0o666), Entry(b'f')), {'f': X}, \
        {'warning': '1 named pipe(s), left out: pipe', 'described': 'the pipe is left out, with a warning'}
    yield (
        'modes',
        'set-user-id, sticky, writable for all, no rights',
        zipped(
            Entry(b'suid', mode=REGULAR | 0o6755),
            Entry(b'all', mode=REGULAR | 0o777),
            Entry(b'sticky/', b'', mode=FOLDER | 0o1777),
            Entry(b'none/', b'', mode=FOLDER),
        ),
        {'suid': File(b'x', 0o755), 'all': File(b'x', 0o755), 'sticky': Directory(), 'none': Directory()},
        {'described': 'no special bits, and group and others never write'},
    )
    listed = (Entry(b'd/', b'', mode=FOLDER | 0o666), Entry(b'e/', b'', mode=FOLDER | 0o644), Entry(b'd/f'), Entry(b'e/f'))
    yield 'directories-like-files', 'directories of mode 0666 and 0644, as some packers on Windows make them', zipped(*listed), \
        {'d': Directory(), 'e': Directory(), 'd/f': X, 'e/f': X}, {'described': 'whoever may read a directory can enter it'}
    yield 'encrypted', 'an encrypted file', zipped(Entry(b'f', bytes(20), flags=1)), Refused('is encrypted')
    yield 'method', 'a file in bzip2', zipped(Entry(b'f', method=BZIP2)), Refused('compressed in a way that is not understood')
    yield 'directory-with-contents', 'a directory with contents', zipped(Entry(b'd/', b'contents', mode=FOLDER | 0o755)), {'d': Directory()}


def bombs():
    swollen = [Entry(b'%d' % n, bytes(10 << 20), DEFLATED) for n in range(12)]
    yield 'bomb', '12 files of 10 MiB of zeros', zipped(*swollen), Refused('more than 200 times its size')
    yield 'bomb-overlapping', '2000 entries that are all the same megabyte', overlapping(2000), Refused('disagree about its name')
    yield 'bomb-twice', '2000 records of one entry of a megabyte', \
        twice(Entry(b'f', bytes(1 << 20), DEFLATED), 2000), Refused('more than 200 times its size')
    yield 'bomb-nested', '100 entries, each holding the headers of the next', nested(100), Refused('it overlaps with what follows it')
    huge = struct.pack('<HHQ', 1, 8, 1 << 50)
    yield (
        'bomb-claimed',
        'a file that says it has a pebibyte',
        zipped(Entry(b'f', method=DEFLATED, size=ZIP64, extra=huge, local_size=ZIP64, local_extra=struct.pack('<HHQQ', 1, 16, 1 << 50, 1))),
        Refused('unpacks to more than 32 GiB'),
    )
    yield 'bomb-hidden', '50 MiB of zeros in a file that says it has 10 bytes', \
        zipped(Entry(b'f', bytes(50 << 20), DEFLATED, size=10)), Refused('more comes out of it')
    many = [Entry(b'%d' % n, b'') for n in range(2000)]
    yield 'entries', '2000 empty files, with `--max-entries 100`', zipped(*many), Refused('more than 100 entries'), {'options': ('--max-entries=100',)}
    yield 'entries-claimed', 'a directory that says it has 65534 entries and has one', zipped(Entry(b'f'), count=65534), Refused('another number of entries')


def overlapping(count):
    """One local header and its contents; many names for it."""
    entry = Entry(b'f', bytes(1 << 20), DEFLATED)
    body, directory = local(entry), b''
    for n in range(count):
        directory += central(Entry(b'%06d' % n, entry.text, DEFLATED, raw=entry.data(), crc=0), 0)
    return body + directory + end(count, len(directory), len(body))


def twice(entry, count):
    """One entry, and so many identical records of it."""
    body, directory = local(entry), central(entry, 0) * count
    return body + directory + end(count, len(directory), len(body))


def nested(count):
    """Local headers in a row, each with all that follows as its stored contents."""
    bodies, tail = [], b''
    for n in reversed(range(count)):
        entry = Entry(b'%03d' % n, b'x' * 1000 + tail)
        tail = local(entry)
        bodies.append((entry, len(tail)))
    total, directory = len(tail), b''
    for entry, length in reversed(bodies):
        directory += central(entry, total - length)
    return tail + directory + end(count, len(directory), total)


def lies():
    good = zipped(Entry(b'a', b'contents'))
    yield 'name', 'a name that differs between its two headers', zipped(Entry(b'good', local_name=b'evil')), Refused('disagree about its name')
    yield 'name-dotdot', '`../evil` in the local header only', zipped(Entry(b'good', local_name=b'../evil')), Refused('disagree about its name')
    yield 'size', 'a size that differs between its two headers', zipped(Entry(b'a', b'contents', local_size=3)), Refused('disagree about its size')
    yield (
        'size-small',
        'a size that is smaller than what it inflates to',
        zipped(Entry(b'a', b'contents' * 100, DEFLATED, size=8)),
        Refused('more comes out of it'),
    )
    yield (
        'size-large',
        'a size that is larger than what it inflates to',
        zipped(Entry(b'a', b'contents' * 100, DEFLATED, size=8000)),
        Refused('less comes out of it'),
    )
    yield 'size-stored', 'a stored file whose two sizes differ', zipped(Entry(b'a', b'contents', size=4)), Refused('has two sizes')
    yield 'checksum', 'a wrong checksum', zipped(Entry(b'a', b'contents', crc=1)), Refused('damaged')
    yield 'deflate', 'bytes that do not inflate', zipped(Entry(b'a', b'contents', DEFLATED, raw=b'\xff' * 8)), Refused('damaged')
    yield (
        'deflate-cut',
        'deflated bytes whose end is missing',
        zipped(Entry(b'a', b'contents' * 100, DEFLATED, raw=deflated(b'contents' * 100)[:-4])),
        Refused('damaged'),
    )
    yield 'packed-far', 'contents that go on behind the end of the file', zipped(Entry(b'a', b'contents', packed=1 << 20, size=1 << 20)), Refused('damaged')
    yield 'offset-far', 'an entry behind the end of the file', zipped(Entry(b'a', offset=1 << 30)), Refused('damaged')
    yield 'offset-of-another', 'two names for one entry', zipped(Entry(b'a'), Entry(b'b', offset=0)), Refused('disagree about its name')
    yield (
        'extra',
        'an extra field that is longer than it is',
        zipped(Entry(b'a', extra=struct.pack('<HH', 1, 60000))),
        {'a': X},
        {'described': 'what is in it is not needed'},
    )
    yield 'cut', 'half of it', good[:len(good) // 2], Refused('damaged')
    yield 'cut-at-the-end', 'all but the last byte', good[:-1], Refused('damaged')
    yield 'no-directory', 'entries without a directory', local(Entry(b'a', b'contents')), Refused('damaged')
    yield 'count-small', 'two entries, of which the directory counts one', zipped(Entry(b'a'), Entry(b'b'), count=1), Refused('another number of entries')
    two_ends = zipped(Entry(b'evil'), comment=end(0, 0, 0))
    yield 'two-ends', 'a comment that is another end', two_ends, Refused('not where it should be')
    yield 'record-twice', 'two identical records of one entry', twice(Entry(b'a'), 2), {'a': X}, {'described': 'it is one'}
    hollow = {'method': DEFLATED, 'packed': 2, 'raw': b'', 'mode': FOLDER | 0o755}
    jar = {'d': Directory(), 'd/f': X}
    for where, more in (('both', {}), ('directory', {'local_packed': 0}), ('directory-stored', {'local_packed': 0, 'local_method': STORED})):
        yield f'directory-hollow-{where}', 'a directory that is said to be deflated to 2 bytes, which are not there', \
            zipped(Entry(b'd/', b'', **hollow, **more), Entry(b'd/f')), jar, {'described': 'nobody reads what a directory holds'}
    yield 'directory-hollow-more', 'a directory that is said to be deflated to 40 bytes, which are those of the next entry', \
        zipped(Entry(b'd/', b'', **{**hollow, 'packed': 40}), Entry(b'd/f', b'x' * 40)), Refused('it overlaps with what follows it')
    script = b'#!/bin/sh\nexec java -jar "$0"\n'
    yield 'script-in-front', 'a script in front, offsets counted from behind it', zipped(Entry(b'a'), before=script, counted=len(script)), {'a': X}
    yield 'script-in-front-counted', 'a script in front, offsets counted from its beginning', zipped(Entry(b'a'), before=script), {'a': X}
    yield 'script-in-front-evil', 'a script in front, then `../evil`', zipped(Entry(b'../evil'), before=script, counted=len(script)), Refused(OUT)
    yield 'script-in-front-two', 'a script in front, and one directory for either way to count', two_directories(script), Refused('not where it should be')
    yield 'script-alone', 'a script with nothing behind it', script, Refused('it looks like a script')
    yield 'page-in-front', 'an HTML page in front', zipped(Entry(b'a'), before=b'<html></html>'), Refused('it looks like an HTML page')
    yield 'garbage-behind', 'something behind the end', good + b'garbage', {'a': File(b'contents')}, {'described': 'as every zip program has it'}
    yield 'garbage-between', 'something between two entries', zipped(Entry(b'a', b'contents', behind=b'garbage'), Entry(b'b')), {'a': File(b'contents'), 'b': X}
    size64 = struct.pack('<HHQQ', 1, 16, 8, 8)
    yield (
        'zip64',
        'sizes in the form for large files',
        zipped(Entry(b'a', b'contents', size=ZIP64, packed=ZIP64, extra=size64, local_size=ZIP64, local_extra=size64)),
        {'a': File(b'contents')},
    )
    streamed = Entry(b'a', b'contents', DEFLATED, flags=8, raw=deflated(b'contents'))
    crc, packed, _ = streamed.facts()
    streamed.behind = struct.pack('<4s3L', b'PK\7\x08', crc, packed, 8)
    yield 'streamed', 'sizes behind the contents, as a pipe needs it', streaming(streamed), {'a': File(b'contents')}
    yield 'empty', 'no entries', end(0, 0, 0), {}


def two_directories(script):
    """The end leads to one directory counted from the file's beginning, and to another counted from behind what is in front."""
    hidden = Entry(b'evil')
    front = script + local(hidden)
    seen = Entry(b'good', b'x' * (len(front) - len(local(Entry(b'good', b'')))))
    front += central(hidden, len(script))
    return zipped(seen, before=front, counted=len(front))


def streaming(entry):
    """Zeros where the local header would have checksum and sizes."""
    body = bytearray(local(entry))
    body[14:26] = bytes(12)
    directory = central(entry, 0)
    return bytes(body) + directory + end(1, len(directory), len(body))
