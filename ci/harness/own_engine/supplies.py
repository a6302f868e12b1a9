"""What a throw-away engine is given: the images of this machine's engine that a staging and the mini-HCF need."""
import os
import subprocess
import tempfile
from pathlib import Path

from harness.command import ROOTFS, STAGER, TOP, Unavailable, static_programs
from harness.engine import HERE, LOAD_PATIENCE
from harness.mini_hcf import MiniHcf


class Images:
    """The static programs, and in `folder` an archive of all images."""

    def __init__(self, folder):
        self.folder, self.static = folder, static_programs()
        if 'STAGER_STATIC_BIN' not in os.environ:
            # Always: old programs in a new test are a mistake that takes an hour to find.
            must(['ci/build-static'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not all(map(HERE.image_id, (ROOTFS, STAGER))):
            must(['docker/build', '--stack', 'cflinuxfs4'])
        # The mini-HCF adds nginx to the root file system; no engine here reaches the packages.
        self.nginx = nginx_image(HERE)
        if not HERE.image_id(self.nginx):
            self.make_nginx()
        self.archive = folder / 'images.tar'
        HERE.docker('save', '--output', self.archive, ROOTFS, STAGER, self.nginx, patience=LOAD_PATIENCE)

    def make_nginx(self):
        name = f'hcf-engines-{os.getpid()}'
        with tempfile.TemporaryDirectory() as folder:
            hcf = MiniHcf(self.static, Path(folder), name)
            try:
                hcf.up('--image', f'{name}:latest')
            finally:
                hcf.down()

    def load(self, engine):
        engine.docker('load', '--input', self.archive, patience=LOAD_PATIENCE)
        # Another store may have another id for the root file system, and the mini-HCF looks for that.
        engine.docker('tag', self.nginx, nginx_image(engine))


def nginx_image(engine):
    """As the mini-HCF calls it."""
    base = engine.docker('image', 'inspect', '--format', '{{.Id}}', ROOTFS)
    return f'mini-hcf-nginx:{base.removeprefix("sha256:")[:12]}'


def must(command, **more):
    done = subprocess.run(command, cwd=TOP, text=True, check=False, **more)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:4])} failed; nothing can be tried without it")
    return done
