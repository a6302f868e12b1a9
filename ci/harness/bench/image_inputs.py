"""Droplets for ci/bench/image: alike but for one file, so that an engine has none of their layers."""

import gzip
import hashlib
import io
import json
import os
import random
import tarfile

from harness.archives import tar

FILES = 20_000
FOLDERS = 400
# Of a file's bytes a third cannot be compressed, as in images, fonts and archives; the rest is text.
RANDOM_SHARE = 0.33
TEXT = b'function require(name) { return module.exports[name] || loadFromDisk(name); }\n' * 64


class Made:
    """The files of one round."""

    def __init__(self, droplet, small, archive):
        self.droplet, self.small, self.archive = droplet, small, archive


class Source:
    """What all droplets of a size share, as compressed and as uncompressed tar."""

    def __init__(self, packed_bytes, work):
        self.work = work
        self.head, self.layer = work / 'head.tgz', work / 'head.tar'
        numbers = random.Random(packed_bytes)
        each = int(packed_bytes / RANDOM_SHARE / FILES)
        unpacked = 0
        with gzip.open(self.head, 'wb', compresslevel=6) as packed, open(self.layer, 'wb') as layer:
            for name, kind in entries():
                content = b''
                if kind == tar.FILE:
                    size = max(64, int(numbers.gauss(each, each / 3)))
                    noise = os.urandom(int(size * RANDOM_SHARE))
                    content = (noise + TEXT * (size // len(TEXT) + 1))[:size]
                    unpacked += size
                packed.write(entry(name, kind, content))
                if name != './':
                    layer.write(entry('home/vcap/' + name[2:], kind, content))
        self.described = f'{FILES:,} files, {unpacked / 1e6:.0f} MB, packed {self.head.stat().st_size / 1e6:.0f} MB'

    def make(self, number, below, tag, labels):
        """The droplet of a round, and an archive of a finished image of it."""
        names = ('droplet.tgz', 'small.tgz', 'archive.tar', 'layer.tar')
        droplet, small, archive, layer = (self.work / name for name in names)
        own = os.urandom(4096)
        # A second member of the gzip file: what is common is compressed once for all rounds.
        join(droplet, self.head, gzip.compress(entry('./app/own', tar.FILE, own) + tar.END))
        small.write_bytes(gzip.compress(entry('./app/', tar.FOLDER, b'') + entry('./app/own', tar.FILE, own) + tar.END))
        join(layer, self.layer, entry('home/vcap/app/own', tar.FILE, own) + tar.END)
        with open(layer, 'rb') as file:
            digest = hashlib.file_digest(file, 'sha256').hexdigest()
        diff_ids = [*below['RootFS']['Layers'], f'sha256:{digest}']
        config = json.dumps({
            'architecture': below['Architecture'], 'os': below['Os'], 'config': {'Labels': labels},
            'rootfs': {'type': 'layers', 'diff_ids': diff_ids},
        }).encode()
        if 'blobs' in below:
            documents, name = as_layout(config, tag, [*below['blobs'], described('layer.v1.tar', digest, layer.stat().st_size)])
        else:
            manifest = [{'Config': 'config.json', 'RepoTags': [tag], 'Layers': [f'{diff_id[7:]}.tar' for diff_id in diff_ids]}]
            documents, name = {'config.json': config, 'manifest.json': json.dumps(manifest).encode()}, f'{digest}.tar'
        with tarfile.open(archive, 'w') as whole:
            for document, content in documents.items():
                info = tarfile.TarInfo(document)
                info.size = len(content)
                whole.addfile(info, io.BytesIO(content))
            whole.add(layer, name)
        layer.unlink()
        return Made(droplet, small, archive)


def described(kind, digest, size):
    return {'mediaType': f'application/vnd.oci.image.{kind}', 'digest': f'sha256:{digest}', 'size': size}


def as_layout(config, tag, layers):
    """The documents of an OCI layout by path, and the path of the last of the layers."""
    documents = {'oci-layout': b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(kind, content):
        digest = hashlib.sha256(content).hexdigest()
        documents[f'blobs/sha256/{digest}'] = content
        return described(kind, digest, len(content))

    manifest = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json'}
    manifest |= {'config': blob('config.v1+json', config), 'layers': layers}
    named = blob('manifest.v1+json', json.dumps(manifest).encode())
    named['annotations'] = {'io.containerd.image.name': f'docker.io/{tag}', 'org.opencontainers.image.ref.name': tag.split(':')[1]}
    documents['index.json'] = json.dumps({'schemaVersion': 2, 'manifests': [named]}).encode()
    return documents, 'blobs/' + layers[-1]['digest'].replace(':', '/')


def entries():
    yield './', tar.FOLDER
    yield './app/', tar.FOLDER
    for folder in range(FOLDERS):
        yield f'./app/modules/{folder:03}/', tar.FOLDER
        for file in range(FILES // FOLDERS):
            yield f'./app/modules/{folder:03}/file-{file:02}.js', tar.FILE


def entry(name, kind, content):
    return tar.file(name.encode(), content, kind=kind, mode=0o755 if kind == tar.FOLDER else 0o644, owner=2000, mtime=1_700_000_000)


def join(to, head, tail):
    with open(to, 'wb') as out, open(head, 'rb') as common:
        while chunk := common.read(1 << 20):
            out.write(chunk)
        out.write(tail)
