"""Lets a hostile tenant try to get what is another's, and lists what it got.

    ci/hostile-tenant [--only TEXT] [--image IMAGE] [--binaries DIR] [--lanes N] [--list]

    --only TEXT     only the attempts with TEXT in their names or their groups'
    --image IMAGE   the stager image; default: STAGER_TEST_IMAGE, else stager:latest
    --binaries DIR  where host-cli, mini-hcf and the demo's lifecycle are; default: STAGER_STATIC_BIN, else target/static
    --lanes N       so many groups at once; default: 4
    --list          lists the attempts

An app, an image, a droplet, a log and a package of a tenant carry names of another app, another image, a platform's host;
bytes without end; labels that only we give: in `restage`, `launch`, `image`, `push`, `export`, `cache-up`, `requests` and the
drop-in form. What counts is the effect: what ran, which image got the name, what the registry holds, what is still there. An
attempt that could not be made ready proves nothing and fails the whole. Needs what ci/setup, ci/build-static and docker/build
make. The last line is

    attempts=N succeeded=0

and the exit code is 0 when it says so and each attempt could be made.
"""
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from harness import command
from harness.command import Unavailable
from harness.tables import last_line
from harness.tenant.attempt import groups
from harness.tenant.scene import Scene
from harness.tenant.world import World

# In the order in which they begin: the long ones first.
MODULES = ('children', 'children_that_run', 'guards', 'sizes', 'platform_names', 'words', 'terminal', 'inside', 'endless', 'kills',
           'kept', 'keys', 'labels', 'shown', 'origin')


class Tally:
    def __init__(self):
        self.attempts, self.succeeded, self.not_set_up, self.lock = 0, 0, 0, threading.Lock()

    def take(self, name, verdict):
        with self.lock:
            self.attempts += 1
            self.succeeded += verdict.startswith('SUCCEEDED')
            self.not_set_up += verdict.startswith('NOT SET UP')
            print(f'{name + ":":40} {verdict}', flush=True)


def one_line(text):
    """Without what a terminal would obey: some of it is a tenant's."""
    return ' '.join(''.join(letter if letter.isprintable() or letter == ' ' else ascii(letter)[1:-1] for letter in line) for line in str(text).splitlines())[
        :400
    ]


def tried(scene, attempt):
    began = time.monotonic()
    try:
        scene.begin()
        got = attempt(scene)
        verdict = f'SUCCEEDED {one_line(got)}' if got else 'denied'
    except Unavailable as reason:
        verdict = f'NOT SET UP {one_line(reason)}'
    except Exception as error:  # one attempt that is broken must not hide the others
        verdict = f'NOT SET UP {type(error).__name__}: {one_line(error)}'
    scene.end()
    if os.environ.get('TENANT_TIMES'):
        verdict = f'{verdict} ({time.monotonic() - began:.1f} s)'
    return verdict


def act(world, tally, name, attempts):
    scene = Scene(world, name.replace('_', '-'))
    if name == 'platform_names':
        scene.network = world.side  # whoever stands for the platform disturbs the others
    for attempt in attempts:
        if world.stopping:
            return
        verdict = tried(scene, attempt)
        if verdict.startswith('NOT SET UP'):
            # On a machine that is busy otherwise something may take too long; twice is a fault.
            print(f'{attempt.attempt + ":":40} {verdict}; once more', flush=True)
            verdict = tried(scene, attempt)
        tally.take(attempt.attempt, verdict)


def main():
    options = arguments()
    for module in MODULES:
        import_module(f'harness.tenant.{module}')
    chosen = {name: [one for one in attempts if options.only in one.attempt or options.only in name] for name, attempts in groups().items()}
    chosen = {name: attempts for name, attempts in chosen.items() if attempts}
    if options.list:
        for attempts in chosen.values():
            for one in attempts:
                print(f'{one.attempt:40} {one.what}')
        return 0
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix='hostile-tenant-') as folder:
        world = World(options, folder)
        try:
            world.up()
            with ThreadPoolExecutor(options.lanes) as lanes:
                try:
                    for done in [lanes.submit(act, world, tally, name, attempts) for name, attempts in chosen.items()]:
                        done.result()
                except BaseException:
                    world.stopping = True  # it is not to try all the others first
                    raise
        finally:
            world.down()
    if tally.not_set_up:
        print(f'{tally.not_set_up} could not be set up')
    print(last_line(attempts=tally.attempts, succeeded=tally.succeeded))
    return 0 if tally.attempts and not (tally.succeeded or tally.not_set_up) else 1


def arguments():
    options = command.Options(__doc__)
    options.add_programs()
    options.add_argument('--only', default='')
    options.add_argument('--lanes', type=int, default=4)
    options.add_flags('--list')
    return options.parse_args()


command.run(main, 'hostile-tenant')
