"""Writes what the fuzzer starts from: the repository's samples, a folder for each target.

    ci/fuzz/seeds DIR
"""
import gzip
import itertools
import json
import re
import sys
from hashlib import sha1
from pathlib import Path

from harness.archives import gzips, tars, zips
from harness.command import TOP

LARGEST = 32 << 10  # what the fuzzer takes


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    for target, seeds in (
        ('zip', archives(zips)), ('tar', archives(tars)), ('gzip', archives(gzips)), ('layer', archives(tars)),
        ('log_lines', logs()), ('requests', itertools.chain(requests(), events())), ('urls', urls()),
        ('entries', spelled()), ('events', streams()), ('builder_lines', printed()), ('result_file', results()),
        ('base_documents', bases()), ('registry_answers', refusals()),
        ('engine_answers', answers()), ('engine_told', told()), ('engine_frames', framed()),
    ):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            (folder / sha1(seed).hexdigest()).write_bytes(seed[:LARGEST])


def archives(module):
    for archive in module.archives():
        if callable(archive.body):
            yield b''.join(itertools.islice(archive.body(), 4))
        else:
            yield archive.body


def spelled():
    """Choices for tarball::fuzzed::spelled: a file in a directory, links that lead out of it, each other's names."""
    yield bytes([1, 0, 0, 0, 0x1e, 15, 0, 0, 1, 0, 1, 0x1a, 4, 9])
    yield bytes([2, 0, 0, 0, 0x80, 10, 0, 0, 0, 0, 1, 0, 10, 0x1a, 4, 9])
    yield bytes([2, 3, 0, 0, 1, 4, 10, 0, 0, 3, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x1a, 4, 255])
    yield bytes(range(256))


def bases():
    """Layers of a manifest, a zero byte, and a config."""
    layer = {'mediaType': 'application/vnd.oci.image.layer.v1.tar', 'digest': 'sha256:' + 'a' * 64, 'size': 1}
    config = {'architecture': 'amd64', 'os': 'linux', 'rootfs': {'diff_ids': ['sha256:' + 'a' * 64]},
              'config': {'Env': ['PATH=/bin'], 'Labels': {'a': 'b'}}, 'history': [{'created_by': 'x'}]}
    yield json.dumps([layer]).encode() + b'\0' + json.dumps(config).encode()
    yield json.dumps([{**layer, 'mediaType': layer['mediaType'] + '+zstd'}] * 2).encode() + b'\0' + json.dumps(config).encode()
    yield json.dumps({'manifests': [{**layer, 'platform': {'architecture': 'amd64', 'os': 'linux'}}]}).encode()


def refusals():
    """Two bytes of a status, and a body or a header."""
    yield b'\x01\x2d' + json.dumps({'errors': [{'code': 'UNAUTHORIZED', 'message': 'no s3cret'}]}).encode()
    yield b'\x01\x2dBearer realm="https://a/token",service="b",scope="repository:c:pull,push"'
    yield b'\0\0<html>'


def log_files():
    return sorted((TOP / 'examples/requests').glob('*/*.log'))


def logs():
    yield from (b'\x10\xff' + b'\n'.join(file.read_bytes().splitlines()[:12]) for file in log_files())
    for line in lines_with_requests():
        yield b'\x01\x10' + line
        yield gzip.compress(line)
    for line in printed_requests():
        spread = json.dumps(json.loads(line), indent=2).encode()
        yield b'\x40\xff' + line
        yield b'\x40\xff[' + line + b']'
        yield b'\x40\xff' + re.sub(rb'(?m)^', b'd/0: stdout | ', spread)
        yield b'\x40\xff' + re.sub(rb'(?m)^', b'2026-11-28T20:00:00Z stdout F ', spread)
        yield b'\x40\xff' + json.dumps({'log': line.decode() + '\n', 'stream': 'stdout'}).encode()
        yield b'\xff\xfe' + line.decode().encode('utf-16-le')
    yield b'\0\0' + bytes(300) + b'{"timestamp":"1.5","data":{"taskDefinition":{}}}\n\n{"data":{"desiredLRP":{}}}'


def printed_requests():
    """What cfdot printed: the shortest of each kind, for a fuzzer takes no long ones."""
    for name in ('tasks', 'desired-lrps', 'task-events', 'lrp-events'):
        lines = (TOP / f'examples/requests/cfdot/cfdot-{name}.jsonl').read_bytes().splitlines()
        yield min(lines, key=len)


def lines_with_requests():
    for file in log_files():
        yield from (line for line in file.read_bytes().splitlines() if re.search(rb'"(taskDefinition|desiredLRP)":\{', line))


def requests():
    for line in lines_with_requests():
        data = json.loads(line)['data']
        request = data.get('taskDefinition') or data.get('desiredLRP')
        if request:
            yield json.dumps(request, separators=(',', ':')).encode()
    yield b'{"action":{"timeout":{"action":{"serial":{"actions":[{"run":{"path":"/p","user":"vcap"}}]}},"timeout_ms":1}}}'


def urls():
    found = {url for line in lines_with_requests() for url in re.findall(rb'https?://[^"\\ ]+', line)}
    yield from sorted(found)
    yield b'https://user:password@[::1]:80/a?b=c#d'


def events():
    text = (TOP / 'docs/events.md').read_text()
    return (line.encode() for line in re.findall(r'\{"event".*?\}(?=`|$)', text, re.MULTILINE))


HELLO = b'{"event":"hello","protocol":2,"version":"0.1.0"}\n'


def streams():
    all_events = list(events())
    yield b'\x05' + HELLO + b'\n'.join(all_events)
    for event in all_events:
        yield b'\x00' + HELLO + event + b'\n'
    yield b'\x07' + HELLO + b'\x1b]0;title\x07\x1b[2J{"event":"done","ms":1}\r\n\xff\xfe{"event":\n'
    yield b'\xff' + b'x' * 10000
    yield b'\x01{"event":"hello","protocol":3}\nrest'


def printed():
    yield b'\x03-----> Compiling\r\n\x1b[31mred\x1b[0m\r50%\r100%\n'
    yield b'\x01' + '€äß'.encode() * 100
    yield b'\x40\xe2\x82\xe2\xff' + b'x' * 9000
    yield b'\x02' + HELLO + b'{"event":"failed","code":5,"text":"","advice":""}'


def results():
    yield b'\x01{"lifecycle_type":"buildpack","process_types":{"web":"npm start"}}'
    yield b'\xff' + b'x' * 300
    yield b'\x02\xff'


def answers():
    yield b'{"Id":"sha256:1","RepoTags":["a:b","<none>:<none>"],"Config":{"Labels":{"a":"b"},"Env":["A=b"]},' \
        b'"RootFS":{"Layers":["sha256:2"]},"Size":5,"Created":"1980-01-01T00:00:00Z","Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"},"Architecture":"amd64","Os":"linux"}'
    yield b'{"Id":"sha256:1","RepoTags":null,"Labels":null,"Created":1,"Size":2}'
    yield b'{"Id":"1","Name":"/n","State":{"Running":true,"OOMKilled":true,"ExitCode":137,"Health":{"Status":"unhealthy","Log":[{"Output":"last"}]}},' \
        b'"Config":{"Labels":null},"NetworkSettings":{"Networks":{"hcf":{"IPAddress":"172.18.0.2"}}}}'


def told():
    yield b'\x04{"stream":"Step 1"}\n{"aux":{"ID":"sha256:1"}}\n{"errorDetail":{"code":1,"message":"no\\nspace"},"error":"no space"}\r\n'
    yield b'\x00{"status":"Loading","progressDetail":{"current":1}}'


def framed():
    yield b'\x05' + b'\x01\0\0\0\0\0\0\x05hello\x02\0\0\0\0\0\0\x02no\x03\0\0\0\0\0\0\x01x'
    yield b'\x01\x02\0\0\0\xff\xff\xff\xffrest'


main()
