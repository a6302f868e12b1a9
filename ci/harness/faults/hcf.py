"""The mini-HCF that the stagings talk to, with one buildpack that sleeps, eats and writes as the app's files say."""
import gzip
import hashlib
import os
import shutil

from harness.mini_hcf import MiniHcf

BUILDPACK = {
    'detect': 'echo faults',
    'compile': """echo "-----> compiling"
set -eu
if [ -f "$1/.sleep" ]; then echo asleep; sleep "$(cat "$1/.sleep")" & wait $!; fi
if [ -f "$1/.eat" ]; then echo eating; python3 -c "x = b'x' * ($(cat "$1/.eat") << 20)"; fi
if [ -f "$1/.write" ]; then echo writing; head -c "$(cat "$1/.write")M" /dev/zero >"$1/written"; fi""",
    'release': "echo '--- {}'",
}
APP = {
    'Procfile': 'web: ./serve\n',
    'serve': """#!/bin/sh
cat page
[ -z "${ONCE:-}" ] || exit 0
[ -z "${EAT:-}" ] || exec python3 -c "x = b'x' * ($EAT << 20)"
sleep "${SLOW:-0}"
exec python3 -m http.server "$PORT"
""",
}
BULK = 3 << 20  # bytes that cannot be compressed, so that a droplet is more than one packet


class Hcf(MiniHcf):
    """With its own image, so that it takes nothing away from others' when it goes."""

    def set_up(self):
        self.up('--image', f'{self.name}:latest')
        self.give_lifecycle()
        scripts = self.folder / 'buildpack/bin'
        scripts.mkdir(parents=True)
        for name, text in BUILDPACK.items():
            (scripts / name).write_text(f'#!/bin/sh\n{text}\n')
            (scripts / name).chmod(0o755)
        self.add_buildpack('faults', scripts.parent)

    def start_again(self):
        """After a restart of the engine."""
        self.engine.docker('start', *map(self.container, ('diego-access', 'blobstore', 'api', 'cc-uploader')))

    def push_page(self, app, page, style='2016', files=None, env=None, memory='256M', bulk=BULK):
        """Pushes an app that prints `page`; its guid."""
        source = self.folder / 'apps' / app
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        for name, text in {**APP, 'page': f'{page}\n', **(files or {})}.items():
            (source / name).write_text(text)
        (source / 'serve').chmod(0o755)
        (source / 'bulk').write_bytes(os.urandom(bulk))
        variables = [word for name, value in (env or {}).items() for word in ('--env', f'{name}={value}')]
        return self.push(source, app, '--style', style, '--memory', memory, *variables)

    def droplets(self):
        """What Cloud Controller has: the path of each droplet, and its digest."""
        found = {}
        for path in (self.state / 'blobstore').rglob('*'):
            parts = path.relative_to(self.state / 'blobstore').parts
            if path.is_file() and 'cc-droplets' in parts and 'buildpack_cache' not in parts:
                found[path] = hashlib.sha1(path.read_bytes()).hexdigest()
        return found


def is_whole(path, digest):
    """Whether a droplet is what its name says, and can be unpacked."""
    try:
        gzip.decompress(path.read_bytes())
    except (OSError, EOFError):
        return False
    return path.name == digest
