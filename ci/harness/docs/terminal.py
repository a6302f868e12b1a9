"""A terminal that remembers: runs commands on it, and draws what it showed as text or as an SVG picture.

The picture appears line by line, each when it had reached its last form, and stays. It has no scripts and no fonts of its
own, and follows the reader's light or dark. A viewer that knows no animation shows the whole of it at once.
"""

import fcntl
import html
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from itertools import groupby

from harness.command import Unavailable

try:
    import pyte
except ImportError:
    raise Unavailable('there is no pyte to draw on; try: apt-get install python3-pyte, or pip install pyte') from None

PICTURE, PAGE = 80, 110  # columns
ROWS = 400  # more than a session has, so that nothing scrolls away
LONGEST_PAUSE = 1.2  # seconds; a reader need not wait as long as the machine did
CELL, LINE, SIZE, MARGIN = 8.0, 19, 13.3, 14  # pixels
DIM = (re.compile(rb'\x1b\[2m'), b'\x1b[90m')  # pyte does not know faint text: grey stands for it
COLOURS = {  # ANSI's name: on light, on dark
    'default': ('#1f2328', '#e6edf3'),
    'grey': ('#656d76', '#8b949e'),
    'red': ('#cf222e', '#ff7b72'),
    'green': ('#1a7f37', '#56d364'),
    'brown': ('#9a6700', '#e3b341'),
    'blue': ('#0969da', '#79c0ff'),
    'magenta': ('#8250df', '#d2a8ff'),
    'cyan': ('#1b7c83', '#76e3ea'),
}


class Session:
    """A screen, and when each of its rows had its last form."""

    def __init__(self, columns):
        self.screen = pyte.Screen(columns, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.now, self.times = 0.0, {}

    def feed(self, shown, pause):
        self.now += min(pause, LONGEST_PAUSE)
        self.stream.feed(DIM[0].sub(DIM[1], shown))
        for row in self.screen.dirty:
            self.times[row] = self.now
        self.screen.dirty.clear()

    def lines(self):
        """What it shows, without what is empty at its end."""
        return '\n'.join(line.rstrip() for line in self.screen.display).rstrip().split('\n')


def run(world, commands, columns, prompts=False):
    """Runs the commands on a terminal of so many columns; with prompts they are shown as one would type them."""
    session = Session(columns)
    for command in commands:
        if prompts:
            first = session.now == 0
            session.feed(f"{'' if first else chr(13) + chr(10)}\x1b[1m$ {command}\x1b[0m\r\n".encode(), LONGEST_PAUSE)
        show(session, world, command, columns)
    return session


def show(session, world, command, columns):
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('HHHH', 50, columns, 0, 0))
    process = subprocess.Popen(
        ['bash', '-c', command], cwd=world.folder, env=world.environment(),
        stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, start_new_session=True,
    )
    os.close(inner)
    last = time.monotonic()
    while True:
        select.select([outer], [], [])
        try:
            shown = os.read(outer, 65536)
        except OSError:  # the last one on the other side has gone
            break
        if not shown:
            break
        shown = shown.replace(bytes(world.folder), b'~').replace(bytes(world.static), b'/usr/local/bin')
        session.feed(shown, time.monotonic() - last)
        last = time.monotonic()
    process.wait()
    os.close(outer)


def look(cell):
    """A cell's colour and weight."""
    colour = cell.fg.replace('bright', '')
    colour = {'black': 'grey', 'white': 'default'}.get(colour, colour)
    return (colour if colour in COLOURS else 'default'), cell.bold


def row_of_picture(session, row, number):
    cells = [session.screen.buffer[row][column] for column in range(session.screen.columns)]
    column, spans = 0, []
    for (colour, bold), group in groupby(cells, look):
        text = ''.join(cell.data for cell in group)
        if text.strip():
            kept = text.strip()
            at = MARGIN + (column + len(text) - len(text.lstrip())) * CELL
            width = len(kept) * CELL
            kind = f'{colour} bold' if bold else colour
            spans.append(
                f'<tspan x="{at:.1f}" textLength="{width:.1f}" class="{kind}">{html.escape(kept)}</tspan>'
            )
        column += len(text)
    y = MARGIN + SIZE + number * LINE
    delay = session.times.get(row, 0)
    return f'<text y="{y:.1f}" style="animation-delay:{delay:.2f}s">{"".join(spans)}</text>' if spans else ''


def colours(side):
    return ''.join(f'.{name}{{fill:{pair[side]}}}' for name, pair in COLOURS.items())


def svg(session):
    """The session as a picture."""
    lines = session.lines()
    width, height = 2 * MARGIN + session.screen.columns * CELL, 2 * MARGIN + len(lines) * LINE
    rows = filter(None, (row_of_picture(session, row, row) for row in range(len(lines))))
    style = f"""
text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;animation:.1s show backwards}}
@keyframes show{{from{{opacity:0}}}}
.bold{{font-weight:600}}
rect{{fill:#f6f8fa;stroke:#d0d7de}}
{colours(0)}
@media(prefers-color-scheme:dark){{rect{{fill:#0d1117;stroke:#30363d}}{colours(1)}}}
@media(prefers-reduced-motion:reduce){{text{{animation:none}}}}
"""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}"'
        f' role="img" aria-label="A terminal session" xml:space="preserve">\n<style>{style}</style>\n'
        f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1}" rx="8"/>\n' + '\n'.join(rows) + '\n</svg>\n'
    )
