"""Droplets, small and hostile, by the byte where Python's tarfile has no word for it."""
import gzip
import io
import tarfile
import zlib

SERVE = b'#!/bin/sh\ncat app/marker\nexec sleep 600\n'


def droplet(marker, more=()):
    """A droplet that prints its marker when it is started. `more` are further members: (TarInfo, bytes)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for name in ('./', './app/', './tmp/', './logs/'):
            tar.addfile(member(name, tarfile.DIRTYPE, 0o755))
        for name, content in (('./app/serve', SERVE), ('./app/marker', marker.encode() + b'\n'), ('./staging_info.yml', b'{"start_command":"app/serve"}')):
            info = member(name, mode=0o755)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info, content in more:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def member(name, kind=tarfile.REGTYPE, mode=0o644, link=''):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.mtime = kind, mode, link, 1466017043
    return info


def read(tgz):
    """The files of a droplet, by name."""
    with tarfile.open(fileobj=io.BytesIO(tgz), mode='r:gz') as tar:
        return {one.name.removeprefix('./'): tar.extractfile(one).read() for one in tar if one.isfile()}


def swollen(path, chunks, name='./app/'):
    """A droplet in which the chunks of a tar stand behind a folder, `./app/`: written as they come."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    with open(path, 'wb') as file:
        file.write(packer.compress(header(name, '5')))
        for chunk in chunks:
            file.write(packer.compress(chunk))
        file.write(packer.compress(bytes(1024)) + packer.flush())
    return path


def header(name, kind='0', size=0, link='', extra=b''):
    """A ustar header; `extra` stands from byte 345 on, where GNU has what it adds."""
    name = name if isinstance(name, bytes) else name.encode()
    magic = b'ustar  \0' if extra else b'ustar\x0000'
    size = b'%011o\0' % size if size < 8 << 30 else b'\x80' + size.to_bytes(11, 'big')
    head = name[:100].ljust(100, b'\0') + b'0000644\0' + b'0003720\0' * 2 + size + b'12730220523\0' + b' ' * 8
    head += kind.encode() + link.encode()[:100].ljust(100, b'\0') + magic
    head = head.ljust(345, b'\0') + extra
    head = head.ljust(512, b'\0')
    return head[:148] + b'%06o\0 ' % sum(head) + head[156:]


def numbered(name, kind, count):
    """Headers that differ in the six digits of their names, quickly."""
    first = header(name % 0, kind)
    behind = len(name % 0)
    at = behind - 6 - name.endswith(b'/')
    bare = sum(first) - sum(first[148:156]) + 8 * 32
    for number in range(count):
        digits = b'%06d' % number
        yield b''.join((first[:at], digits, first[at + 6:148], b'%06o\0 ' % (bare + sum(digits) - 6 * 48), first[156:]))


def padded(content):
    return content + bytes(-len(content) % 512)


def pax(**records):
    """A pax header with the records; dots in their names are written as two underscores."""
    body = b''.join(record(name.replace('__', '.').encode(), value) for name, value in records.items())
    return header('./pax', 'x', len(body)) + padded(body)


def record(name, value):
    bare = len(name) + len(value) + 3
    length = bare + len(str(bare + len(str(bare))))  # it counts its own digits
    return b'%d %s=%s\n' % (length, name, value)
