"""What the commands share of their command lines: where things are, which options they take, how they end."""
import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ROOTFS = 'stager-rootfs:cflinuxfs4'
STAGER = os.environ.get('STAGER_TEST_IMAGE', 'stager:latest')


class Unavailable(Exception):
    """Something that is needed cannot be had; the text says what, and why."""


class Options(argparse.ArgumentParser):
    """The module's text is the help, and lists the options itself."""

    def __init__(self, text, **more):
        super().__init__(**more, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)

    def add_argument(self, *names, **more):
        return super().add_argument(*names, **{'help': argparse.SUPPRESS, **more})

    def add_flags(self, *flags):
        for flag in flags:
            self.add_argument(flag, action='store_true')

    def add_files(self, *names):
        for name in names:
            self.add_argument(name, type=Path)

    def add_programs(self):
        """The stager image and the static programs."""
        self.add_argument('--image', default=STAGER)
        self.add_argument('--binaries', type=lambda given: Path(given) if given else static_programs(), default='')


def static_programs():
    """Where ci/build-static has left them, or another one's folder of them."""
    return Path(os.environ.get('STAGER_STATIC_BIN') or printed('--folder')).resolve()


def built(*packages):
    """The folder of the static programs, of which these are built from this tree first."""
    words = [word for package in packages for word in ('-p', package)]
    return Path(printed(*words))


def printed(*words):
    """The folder that ci/build-static names; it alone knows where cargo is told to put things."""
    done = subprocess.run([TOP / 'ci/build-static', *words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Unavailable(f'ci/build-static {" ".join(words)} failed; its words are above')
    return done.stdout.strip().splitlines()[-1]


def need_root(name):
    if os.geteuid() != 0:
        raise Unavailable(f'namespaces and mounts need root; try: sudo {name}')


def run(main, name):
    """Runs a command's `main` to its exit code. It ends in order when it is told to, so that nothing is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        sys.exit(main())
    except Unavailable as reason:
        sys.exit(f'{name}: {reason}')
    except KeyboardInterrupt:
        sys.exit(130)
