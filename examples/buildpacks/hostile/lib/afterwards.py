"""Things that are judged from outside: what is left in place of the droplet, and limits that are run into."""
import contextlib
import os
import socket
import sys
import time
from pathlib import Path

from left_running import detached

PLACES = {'droplet': '/tmp/droplet', 'result': '/tmp/result.json', 'output-cache': '/tmp/output-cache'}
# As long as a builder may take after this.
PATIENCE = 60


def symlink(place):
    os.symlink('/etc/passwd', place)


def symlink_environ(place):
    os.symlink('/proc/1/environ', place)


def symlink_socket(place):
    os.symlink('/var/run/docker.sock', place)


def symlink_cache(place):
    os.symlink(str(Path(__file__).resolve()), place)  # a file of the cache's entry


def hard_link(place):
    Path('/tmp/hostile-file').write_bytes(b'another file')
    os.link('/tmp/hostile-file', place)


def fifo(place):
    os.mkfifo(place)


def directory(place):
    os.mkdir(place)


def unix_socket(place):
    socket.socket(socket.AF_UNIX).bind(place)


def sparse(place):
    with open(place, 'wb') as file:
        file.truncate(1 << 40)


HOWS = {
    how.__name__.replace('_', '-'): how for how in (symlink, symlink_environ, symlink_socket, symlink_cache, hard_link, fifo, directory, unix_socket, sparse)
}


def swapped(place):
    """Puts something else in a place as soon as the builder has written it and is gone. The output that is held open makes
    the agent wait a moment for more of it."""
    def start(how):
        builder = os.getppid()

        def swap():
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and alive(builder):
                time.sleep(0.005)
            path = PLACES[place]
            if os.path.lexists(path):
                os.rename(path, path + '.real')
            HOWS[how](path)
            time.sleep(3600)
        detached('h-swaps', swap)
    return start


def alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def memory(_):
    held = []
    while True:
        held.append(bytearray(16 << 20))
        for at in range(0, len(held[-1]), 4096):
            held[-1][at] = 1


def disk(_):
    block = os.urandom(1 << 20)
    with open('/var/tmp/hostile-fill', 'wb', buffering=0) as file:
        for _ in range(8192):  # 8 GiB, should nobody mind
            file.write(block)


def renamed(_):
    """Fills a folder that has another name each time somebody looks, far down among many others."""
    os.makedirs('/var/tmp/hostile/0/below')
    for number in range(3000):
        os.mkdir(f'/var/tmp/hostile/other{number}')
    below = os.open('/var/tmp/hostile/0/below', os.O_RDONLY)
    if os.fork() == 0:
        block = os.urandom(1 << 20)
        fill = os.open('fill', os.O_WRONLY | os.O_CREAT, dir_fd=below)
        for _ in range(1024):  # 1 GiB, should nobody mind
            os.write(fill, block)
            time.sleep(0.005)
        os._exit(0)
    number, until = 0, time.monotonic() + PATIENCE
    while time.monotonic() < until:  # on a slow disk a count takes seconds
        os.rename(f'/var/tmp/hostile/{number}', f'/var/tmp/hostile/{number + 1}')
        number += 1


FORGED = 'FORGED'


def lines(_):
    """What could pass for words of the agent."""
    for head in ('======> ', ' \t======> ', '\033[1m======> ', '=\033[0m=====> ', '\u200b======> ', 'error: ', '\033[8m\033[0merror: ', 'warning: ', '  try: '):
        print(head + FORGED, flush=True)
        print(head + FORGED, flush=True, file=sys.stderr)


def output(_):
    """More than anybody reads."""
    piece = ('x' * 99 + '\n') * 10_000
    for _ in range(250):  # 250 MB
        sys.stdout.write(piece)


def forks(_):
    """No bounds but the container's own."""
    detached('h-multiplies', unbounded)
    time.sleep(1)


def unbounded():
    while True:
        with contextlib.suppress(OSError):
            os.fork()


MODES = {'memory': memory, 'disk': disk, 'renamed': renamed, 'forks': forks, 'lines': lines, 'output': output, **{name: swapped(name) for name in PLACES}}
