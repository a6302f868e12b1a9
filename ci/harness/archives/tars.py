"""Hostile tars, and some that only look so."""
from harness.archives.expected import Archive, Directory, File, Link, Refused
from harness.archives.tar import (
    BLOCK,
    CHARACTER,
    END,
    FOLDER,
    GNU,
    PIPE,
    described,
    file,
    folder,
    hard,
    header,
    octal,
    padded,
    pax,
    symlink,
)

CUT = 'the archive ends in the middle of it'
OUT = 'would leave its directory'
X = File(b'x')


def endless(head, piece):
    def pieces():
        yield head
        while True:
            yield piece
    return pieces


def numbered():
    """Empty files without end."""
    number = 0
    while True:
        yield b''.join(header(b'%d' % (number + n)) for n in range(64))
        number += 64


def archives():
    for group, rows in (
        ('tar: names that lead out', leading_out()),
        ('tar: links', links()),
        ('tar: kinds and modes', kinds()),
        ('tar: one entry in the way of another', ways()),
        ('tar: names', names()),
        ('tar: headers that lie', lies()),
        ('tar: sparse files', sparse()),
        ('tar: ends', ends()),
    ):
        for name, holds, body, expected, *more in rows:
            body = body if callable(body) else body + (b'' if group == 'tar: ends' else END)
            yield Archive(group, f'tar-{name}', holds, body, expected, **(more[0] if more else {}))


def leading_out():
    yield 'dotdot', '`../evil`', file(b'../evil'), Refused(OUT)
    yield 'dotdot-later', '`a/../../evil`', file(b'a/../../evil'), Refused(OUT)
    yield 'dotdot-alone', 'the directory `..`', folder(b'../', 0o777), Refused(OUT)
    yield 'absolute', '`/canary`', file(b'/canary'), Refused(OUT)
    yield 'absolute-twice', '`//tmp/canary`', file(b'//tmp/canary'), Refused(OUT)
    yield 'dotdot-long', '`../evil` as GNU long name', described(b'L', b'../evil\0') + file(b'good'), Refused(OUT)
    yield 'dotdot-pax', '`../evil` as POSIX long name', pax((b'path', b'../evil')) + file(b'good'), Refused(OUT)
    yield 'dotdot-prefix', '`../` in the prefix field', file(b'evil', rest=b'..'), Refused(OUT)
    yield 'good-then-bad', 'a good file, then `../evil`', file(b'good') + file(b'../evil'), Refused(OUT)


def links():
    yield 'symlink-up', 'a link to `..`, a file through it', symlink(b'l', b'..') + file(b'l/evil'), Refused(OUT)
    yield 'symlink-root', 'a link to `/`, a file through it', symlink(b'l', b'/') + file(b'l/canary'), Refused(OUT)
    chain = symlink(b'a', b'b') + symlink(b'b', b'c') + symlink(b'c', b'..') + file(b'a/evil')
    yield 'symlink-chain', 'a link to a link to a link to `..`, a file through it', chain, Refused(OUT)
    yield 'symlink-loop', 'a link to itself, a file through it', symlink(b'l', b'l') + file(b'l/evil'), Refused(OUT)
    yield 'symlink-inside', 'a link to a directory inside, a file through it', \
        folder(b'd') + symlink(b'l', b'd') + file(b'l/x'), Refused(OUT)
    yield 'symlink-swapped', 'a directory, then a link in its place, then a file through it', \
        folder(b'd') + symlink(b'd', b'..') + file(b'd/evil'), Refused(OUT)
    yield 'symlink-overwritten', 'a link to `/canary`, then a file of the same name', \
        symlink(b'f', b'/canary') + file(b'f'), {'f': X}, {'described': 'the file takes the place of the link'}
    yield 'symlink-anywhere', 'links to `/etc/passwd` and `../..`, and nothing through them', \
        symlink(b'a', b'/etc/passwd') + symlink(b'b', b'../..'), {'a': Link('/etc/passwd'), 'b': Link('../..')}
    yield 'symlink-to-nothing', 'a link without a target', symlink(b'l', b''), Refused('is a symbolic link to nowhere')
    yield 'symlink-nul', 'a link to `a\\0b`', pax((b'linkpath', b'a\0b')) + symlink(b'l', b'x'), \
        Refused('is a symbolic link with a NUL byte in its target')
    text = b'# compiled files\n*.py[cod]\n\n# logs\n*.log\n'
    short, long = text * 17, text * 120
    yield 'symlink-text', 'a link whose target is the text of a file, 700 bytes', described(b'K', short) + symlink(b'l', b'x'), \
        {'l': Link(short.decode())}, {'described': 'a link like any other'}
    for form, extra in (('', described(b'K', long)), ('-pax', pax((b'linkpath', long)))):
        yield f'symlink-text-long{form}', 'a link whose target is the text of a file, 5 KB', extra + symlink(b'l', b'x'), \
            Refused('the entry "l" is a link to a name of more than 4095 bytes, which no file system takes')
    yield 'symlink-text-allowed', 'the same with `--max-name 9000`', described(b'K', long) + symlink(b'l', b'x'), \
        Refused('the entry "l" is a link to a name of more than 4095 bytes'), {'options': ('--max-name=9000',)}
    yield 'hardlink-up', 'a hard link to `../canary`', hard(b'l', b'../canary'), Refused(OUT)
    yield 'hardlink-absolute', 'a hard link to `/canary`', hard(b'l', b'/canary'), Refused(OUT)
    yield 'hardlink-through-symlink', 'a link to `..`, a hard link to `canary` through it', \
        symlink(b's', b'..') + hard(b'l', b's/canary'), Refused(OUT)
    yield 'hardlink-to-symlink', 'a link to `/canary`, a hard link to it, a file in its place', \
        symlink(b's', b'/canary') + hard(b'l', b's') + file(b'l'), {'s': Link('/canary'), 'l': X}
    yield 'hardlink-missing', 'a hard link to what is not there', hard(b'l', b'no/such'), Refused('which is not there')
    yield 'hardlink-directory', 'a hard link to a directory', folder(b'd') + hard(b'l', b'd'), \
        Refused('is a hard link to a directory')
    yield 'hardlink-itself', 'a file, and a hard link to itself', file(b'f') + hard(b'f', b'f'), {'f': X}
    yield 'hardlink-overwritten', 'a file, a hard link to it, another file in the place of the link', \
        file(b'f') + hard(b'l', b'f') + file(b'l', b'y'), {'f': X, 'l': File(b'y')}, {'described': 'the first file keeps its contents'}


def kinds():
    for name, kind in (('character', CHARACTER), ('block', BLOCK)):
        yield f'device-{name}', f'a {name} device', header(b'dev', kind), Refused('is a device')
    yield 'pipe', 'a named pipe', header(b'pipe', PIPE) + file(b'f'), {'f': X}, \
        {'warning': '1 named pipe(s), left out: pipe', 'described': 'the pipe is left out, with a warning'}
    yield 'unknown-kind', 'a member of kind `!`', header(b'f', b'!'), Refused('is of a kind that is not understood')
    modes = file(b'suid', mode=0o6755) + file(b'all', mode=0o666) + folder(b'sticky', 0o1777) + folder(b'none', 0)
    yield 'modes', 'set-user-id, set-group-id, sticky, writable for all, no rights', modes, \
        {'suid': File(b'x', 0o755), 'all': X, 'sticky': Directory(), 'none': Directory(0)}, \
        {'described': 'no special bits, and group and others never write'}
    closed = folder(b'd', 0o500) + file(b'd/f') + folder(b'd/e', 0o500) + file(b'd/e/f')
    yield 'closed-directories', 'files in directories that do not let in', closed, \
        {'d': Directory(0o500), 'd/f': X, 'd/e': Directory(0o500), 'd/e/f': X}


def ways():
    yield 'twice', 'the same name twice', file(b'f', b'1') + file(b'f', b'2'), {'f': File(b'2')}, {'described': 'the last one counts'}
    yield 'file-over-directory', 'a file where a full directory is', file(b'd/f') + file(b'd'), \
        Refused('wants the place of a directory that is not empty')
    yield 'directory-over-file', 'a file, then one below it', file(b'f') + file(b'f/g'), Refused('lies in what is no directory')
    yield 'file-over-empty', 'a file where an empty directory is', folder(b'd') + file(b'd'), {'d': X}
    yield 'root-as-file', '`.` as a file', file(b'.'), Refused('wants to replace the directory itself')
    yield 'root-closed', '`./` with mode 0', folder(b'./', 0) + file(b'./f'), {'f': X}, {'described': 'the directory keeps its mode'}


def names():
    odd = ('C:\\x', 'C:/x', '..\\..\\x', '-rf', ' ', 'a\nb', '\x1b[31m', '\x7f', '%s%n', '$(x)', '~')
    yield 'odd', 'drive letters, backslashes, blanks, control characters', \
        b''.join(file(name.encode()) for name in odd), dict.fromkeys(odd, X), \
        {'described': 'these are ordinary names here; texts show control characters escaped'}
    yield 'not-utf8', 'bytes that are no UTF-8', file(b'\xff\xfe'), {'\\xff\\xfe': X}
    yield 'nul', '`a\\0b` as POSIX long name', pax((b'path', b'a\0b')) + file(b'good'), Refused('has a NUL byte in its name')
    yield 'empty', 'no name', header(b''), Refused('wants to replace the directory itself')
    yield 'part-of-256', 'a part of 256 bytes', described(b'L', b'a/' + b'n' * 256) + file(b'good'), \
        Refused('which no file system takes')
    most = b'n' * 255
    yield 'part-of-255', 'a part of 255 bytes', described(b'L', most + b'\0') + file(b'good'), {most.decode(): X}
    yield 'long', '5000 bytes', described(b'L', b'n/' * 2500) + file(b'good'), Refused('a name of more than 4095 bytes')
    yield 'long-allowed', '5000 bytes and 300 directories, with `--max-name` and `--max-depth`', \
        described(b'L', (b'n' * 15 + b'/') * 300 + b'f') + file(b'good'), {'/'.join(['n' * 15] * 300 + ['f']): X}, \
        {'options': ('--max-name=5000', '--max-depth=700')}
    yield 'deep', '300 directories in one another', described(b'L', b'd/' * 300) + file(b'good'), Refused('deeper than 256')
    yield 'link-long', 'a link to a name of 5000 bytes', described(b'K', b'n' * 5000) + symlink(b'l', b'x'), \
        Refused('the entry "l" is a link to a name of more than 4095 bytes')


def lies():
    eight = octal((1 << 33) - 1, 12)
    noise = b'n' * 65536
    yield 'long-endless', 'a name of 8 GiB', endless(header(b'', b'L', eight), noise), Refused('a name of more than 4095 bytes')
    yield 'link-endless', 'a link to a name of 8 GiB', endless(header(b'', b'K', eight), noise), Refused('a link to a name of more than 4095 bytes')
    yield 'pax-endless', 'a POSIX header of 8 GiB', endless(header(b'p', b'x', eight), noise), Refused('more than 1 MiB')
    yield 'global-endless', 'a header for all members of 8 GiB', endless(header(b'g', b'g', eight), noise), Refused('more than 1 MiB')
    yield 'headers-endless', 'headers for all members, without end, with `--max-entries 100`', endless(b'', pax((b'comment', b'x'), kind=b'g') * 64), \
        Refused('more than 100 entries'), {'options': ('--max-entries=100',)}
    yield (
        'entries-endless',
        'empty files without end, with `--max-entries 100`',
        numbered,
        Refused('more than 100 entries'),
        {'options': ('--max-entries=100',)},
    )
    yield 'size-petabyte', 'a file of a pebibyte', header(b'f', size=b'\x80' + bytes(4) + b'\x04' + bytes(6)), Refused('unpacks to more than 32 GiB')
    yield 'size-allowed', 'a file of 3 MiB, with `--max-unpacked 2M`', file(b'f', bytes(3 << 20)), \
        Refused('unpacks to more than 2 MiB'), {'options': ('--max-unpacked=2M',)}
    yield 'size-negative', 'a size of -1', header(b'f', size=b'\xff' * 12), Refused('a number in its header is negative')
    yield 'size-overflow', 'a size of more than 64 bits', header(b'f', size=b'\xbf' + b'\xff' * 11), Refused('is too large')
    yield 'size-no-number', 'a size of `9zz`', header(b'f', size=b'9zz'.ljust(12)), Refused('a number in its header is none')
    yield 'size-pax-overflow', 'a POSIX size of 2^64', pax((b'size', b'18446744073709551616')) + file(b'f'), Refused('malformed')
    yield 'size-pax-huge', 'a POSIX size of 2^64-1', pax((b'size', b'18446744073709551615')) + file(b'f'), Refused('more than 32 GiB')
    yield 'size-of-directory', 'a directory with a size and no contents', header(b'd', FOLDER, 4096, 0o755) + file(b'd/f'), {'d': Directory(), 'd/f': X}
    yield 'pax-length', 'a POSIX record that is longer than its header', described(b'x', b'99 path=f\n') + file(b'f'), Refused('malformed')
    yield 'pax-twice', 'two POSIX headers for one member', pax((b'path', b'a')) * 2 + file(b'f'), Refused('two headers of the same kind')
    yield 'pax-global-path', 'a header for all members with a name in it', pax((b'path', b'a'), kind=b'g') + file(b'f'), Refused('speaks of one')
    yield 'checksum', 'a wrong checksum', file(b'g') + bytearray(b'X') + file(b'f')[1:], Refused('the checksum of its header is wrong')


def sparse():
    def old(pieces, real, kept, more=b'\0'):
        rest = b''.join(octal(at, 12) + octal(size, 12) for at, size in pieces).ljust(96, b'\0') + more + octal(real, 12)
        return header(b's', b'S', len(kept), magic=GNU, rest=bytes(41) + rest) + padded(kept)

    def posix(pieces, real, kept):
        said = b','.join(b'%d,%d' % piece for piece in pieces)
        return pax((b'GNU.sparse.map', said), (b'GNU.sparse.size', b'%d' % real), (b'GNU.sparse.name', b's')) + file(b'x', kept)

    whole = {'s': File(b'\0ab\0\0c\0\0')}
    yield 'sparse-old', 'a file with holes, in the oldest form', old([(1, 2), (5, 1)], 8, b'abc'), whole, {'described': 'the holes are zeros'}
    yield 'sparse-posix-0.1', 'a file with holes, in form 0.1', posix([(1, 2), (5, 1)], 8, b'abc'), whole, {'described': 'the holes are zeros'}
    front = padded(b'2\n1\n2\n5\n1\n') + b'abc'
    said = pax((b'GNU.sparse.major', b'1'), (b'GNU.sparse.minor', b'0'), (b'GNU.sparse.realsize', b'8'), (b'GNU.sparse.name', b's'))
    yield 'sparse-posix-1.0', 'a file with holes, in form 1.0', said + file(b'x', front), whole, {'described': 'the holes are zeros'}
    yield (
        'sparse-form-2.0',
        'a file with holes, in a form that there is not',
        pax((b'GNU.sparse.major', b'2')) + file(b'x'),
        Refused('a form that is not understood'),
    )
    yield 'sparse-overlap', 'pieces over one another', posix([(0, 2), (1, 1)], 8, b'abc'), Refused('overlap')
    yield 'sparse-outside', 'a piece behind the end', posix([(7, 3)], 8, b'abc'), Refused('does not fit its contents')
    yield 'sparse-overflow', 'a piece at 2^64-1', posix([((1 << 64) - 1, 3)], (1 << 64) - 1, b'abc'), Refused('does not fit its contents')
    yield (
        'sparse-dotdot',
        'the name `../evil` among the holes',
        pax((b'GNU.sparse.name', b'../evil'), (b'GNU.sparse.map', b'0,1'), (b'GNU.sparse.size', b'1')) + file(b'x'),
        Refused(OUT),
    )
    yield 'sparse-bomb', 'a hole of 30 GiB', posix([(30 << 30, 0)], 30 << 30, b''), Refused('more than 200 times its size')
    yield (
        'sparse-map-endless',
        'a map of 10^18 pieces',
        endless(said + header(b'x', size=octal((1 << 33) - 1, 12)) + b'1000000000000000000\n', b'0\n' * 32768),
        Refused('more than 65536 pieces'),
    )
    block = octal(0, 12) + octal(0, 12)
    yield 'sparse-blocks-endless', 'a map in blocks without end', \
        endless(header(b's', b'S', 0, magic=GNU, rest=bytes(41 + 96) + b'\1'), (block * 21 + b'\1').ljust(512, b'\0') * 64), \
        Refused('more than 65536 pieces')


def ends():
    whole = file(b'a', b'contents')
    yield 'cut-in-header', 'a file and half a header', whole + whole[:300], Refused(CUT)
    yield 'cut-in-contents', 'half of a file', whole[:516], Refused(CUT)
    yield 'cut-in-padding', 'a file whose padding is missing', whole[:520], Refused(CUT)
    yield 'no-end', 'no mark at the end', whole, {'a': File(b'contents')}, {'described': 'GNU tar misses nothing either'}
    yield 'half-an-end', 'half a mark at the end', whole + END[:512], {'a': File(b'contents')}
    yield (
        'garbage-after-end',
        'something behind the end',
        whole + END + b'garbage' * 1000,
        {'a': File(b'contents')},
        {'described': 'what is behind the end is not looked at'},
    )
    yield (
        'evil-after-end',
        '`../evil` behind the end',
        whole + END + file(b'../evil') + END,
        {'a': File(b'contents')},
        {'described': 'what is behind the end is not looked at'},
    )
    yield 'nothing', 'the end and nothing else', END, {}
    yield 'long-without-member', 'a long name, and nobody who has it', described(b'L', b'long\0') + END, Refused("ends between a member's headers")
