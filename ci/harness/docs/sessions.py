"""The commands that documents show: run as they stand, or recorded."""
import contextlib
import os
import re
import signal
import subprocess

from harness.command import TOP
from harness.docs.world import Bosh, World

BLOCK = re.compile(r'^```console run(?P<words>[^\n]*)\n(?P<body>.*?)^```$', re.M | re.S)
PICTURE = re.compile(r'^<!-- session (?P<file>\S+)\n(?P<body>.*?)^-->$', re.M | re.S)
REAL = TOP / 'docs/real-systems.md'  # in a world of its own
PATIENCE = 300  # seconds for one command; a staging of the examples takes two


def commands(body):
    """What is typed in a block."""
    return [line.removeprefix('$ ') for line in body.splitlines() if line.startswith('$ ')]


def runs_as_said(world, place, block, session):
    """Runs a block; whether each command ended as it should."""
    wanted = int((re.search(r'exit=(\d+)', block) or [0, 0])[1])
    *before, last = commands(session)
    for command in (*before, last):
        want = wanted if command is last else 0
        code, said = ended(world, command)
        print(f'{place}: $ {command}: ' + (f'did not end in {PATIENCE} s' if code is None else f'ended with {code}'), flush=True)
        if code != want:
            print(f'{place}: it should end with {want}; it said:\n{said}')
            return False
    return True


def ended(world, command):
    """The exit code of a command, None where it took too long, and what it said. Nothing that it started outlives a kill."""
    process = subprocess.Popen(
        ['bash', '-o', 'pipefail', '-c', command], cwd=world.folder, env=world.environment(), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
    )
    try:
        said = process.communicate(timeout=PATIENCE)[0]
        return process.returncode, said
    except BaseException as reason:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
        if not isinstance(reason, subprocess.TimeoutExpired):
            raise
        return None, said


def worlds(files):
    """The worlds in which these documents are true, each with its documents."""
    real = [file for file in files if file == REAL]
    return [(kind, its) for kind, its in ((World, [file for file in files if file != REAL]), (Bosh, real)) if its]


def check(files):
    tried = wrong = 0
    for kind, its in worlds(files):
        counts = checked(kind, its)
        tried, wrong = tried + counts[0], wrong + counts[1]
    print(f'blocks={tried} failed={wrong}')
    return wrong == 0 and tried > 0


def checked(kind, files):
    """How many blocks were tried in a world of this kind, and how many did not end as they should."""
    tried = wrong = 0
    with kind() as world:
        for file in files:
            text = file.read_text()
            blocks = [(found['words'], found) for found in BLOCK.finditer(text)]
            blocks += [('', found) for found in PICTURE.finditer(text)]
            for words, found in sorted(blocks, key=lambda block: block[1].start()):
                place = f'{file.relative_to(TOP)}:{text.count(chr(10), 0, found.start()) + 1}'
                tried += 1
                wrong += not runs_as_said(world, place, words, found['body'])
    return tried, wrong


def write(files):
    from harness.docs import terminal  # needs what only recording needs

    for kind, its in worlds(files):
        with kind() as world:
            for file in its:
                written(world, terminal, file)
    return True


def written(world, terminal, file):
    """Writes what is shown in a document anew."""
    text = BLOCK.sub(lambda found: recorded(world, terminal, found), file.read_text())
    file.write_text(text)
    for found in PICTURE.finditer(text):
        session = terminal.run(world, commands(found['body']), terminal.PICTURE, prompts=True)
        (TOP / found['file']).write_text(terminal.svg(session))


def recorded(world, terminal, block):
    """A block with what its commands show now."""
    lines = []
    for command in commands(block['body']):
        print(f'$ {command}', flush=True)
        shown = terminal.run(world, [command], terminal.PAGE).lines()
        lines += [f'$ {command}', *(shown if any(shown) else [])]
    session = '\n'.join(lines)
    return f"```console run{block['words']}\n{session}\n```"


