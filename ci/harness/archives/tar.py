"""Tars by the byte, where Python's tarfile has no word for it."""
FILE, HARD, SYMLINK, CHARACTER, BLOCK, FOLDER, PIPE = b'0', b'1', b'2', b'3', b'4', b'5', b'6'
END = bytes(1024)
GNU = b'ustar  \0'


def octal(number, width):
    return b'%0*o\0' % (width - 1, number)


def header(name, kind=FILE, size=0, mode=0o644, link=b'', magic=b'ustar\x0000', rest=b'', owner=0, mtime=0):
    """A header; a size in bytes is taken as it is. `rest` stands from byte 345 on: the prefix of a name, or what GNU has there."""
    size = size if isinstance(size, bytes) else octal(size, 12)
    head = name.ljust(100, b'\0')[:100] + octal(mode, 8) + octal(owner, 8) * 2 + size + octal(mtime, 12)
    tail = kind + link.ljust(100, b'\0')[:100] + magic + bytes(64) + octal(0, 8) * 2 + rest
    tail = tail.ljust(356, b'\0')
    return head + b'%06o\0 ' % (sum(head) + sum(tail) + 8 * 32) + tail


def padded(text):
    return text + bytes(-len(text) % 512)


def file(name, text=b'x', **more):
    return header(name, size=len(text), **more) + padded(text)


def folder(name, mode=0o755):
    return header(name, FOLDER, mode=mode)


def symlink(name, target):
    return header(name, SYMLINK, link=target, mode=0o777)


def hard(name, target):
    return header(name, HARD, link=target)


def described(kind, text):
    """A header that describes what follows: `L`, `K`, `x`, `g`."""
    return header(b'././@LongLink', kind, len(text), magic=GNU) + padded(text)


def record(key, value):
    bare = len(key) + len(value) + 3
    length = bare + len(str(bare + len(str(bare))))  # it counts its own digits
    return b'%d %s=%s\n' % (length, key, value)


def pax(*records, kind=b'x'):
    return described(kind, b''.join(record(key, value) for key, value in records))
