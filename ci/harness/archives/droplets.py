"""Droplets and lifecycles, small ones, and ones that swell."""
import gzip
import io
import tarfile
import zlib

from harness.archives import tar

SERVE = b'#!/bin/sh\ncat app/marker\nexec sleep 600\n'
WHEN = 1466017043  # the same in every run, so that bytes are


def member(name, kind=tarfile.REGTYPE, mode=0o644, link=''):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.mtime = kind, mode, link, WHEN
    return info


def tar_of(files, more=()):
    """A tar of these files, by name; one without contents is a folder. `more` are further members: (TarInfo, bytes)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode='w', format=tarfile.PAX_FORMAT) as archive:
        own = [(member(name, tarfile.DIRTYPE if content is None else tarfile.REGTYPE, 0o755), content or b'') for name, content in files.items()]
        for info, content in (*own, *more):
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def tgz_of(files, more=()):
    return gzip.compress(tar_of(files, more), 1, mtime=0)


def droplet(marker, more=()):
    """A droplet that prints its marker when it is started."""
    return tgz_of({'./': None, './app/': None, './tmp/': None, './logs/': None, './app/serve': SERVE, './app/marker': marker.encode() + b'\n',
                   './staging_info.yml': b'{"start_command":"app/serve"}'}, more)


def read(tgz):
    """The files of a droplet, by name."""
    with tarfile.open(fileobj=io.BytesIO(tgz), mode='r:gz') as archive:
        return {one.name.removeprefix('./'): archive.extractfile(one).read() for one in archive if one.isfile()}


def swollen(path, chunks, name=b'./app/'):
    """A droplet in which the chunks of a tar stand behind a folder, `./app/`: written as they come."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    with open(path, 'wb') as file:
        for chunk in (tar.folder(name), *chunks, tar.END):
            file.write(packer.compress(chunk))
        file.write(packer.flush())
