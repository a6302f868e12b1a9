"""What is shown of what happened: a table for people, the same in Markdown, a chart, and the last line."""

COLOURS = ['#2f6fab', '#e08a2c', '#5a9a4b']
STEPS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200)


def plain(rows):
    """Lines of columns; the first column to the left, the others to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.rjust(width) if index else cell.ljust(width) for index, (cell, width) in enumerate(zip(row, widths, strict=True)))
        yield '  '.join([first, *rest])


def markdown(rows):
    """The lines of a table; the first row is its head."""
    head, *rest = rows
    for row in [head, ['---', *['---:'] * (len(head) - 1)], *rest]:
        yield '| ' + ' | '.join(cell.replace('|', '\\|') for cell in row) + ' |'


def escaped(text):
    """A text in a cell of Markdown, as it is."""
    for letter, as_it_is in (('\\', '\\\\'), ('|', '\\|'), ('<', '&lt;'), ('*', '\\*'), ('_', '\\_')):
        text = text.replace(letter, as_it_is)
    return text


def last_line(**numbers):
    """What scripts read."""
    return ' '.join(f'{name}={number}' for name, number in numbers.items())


def bars(title, ways, series, left, legend):
    """An SVG with a bar for each way and each of `series`, which maps a name to its seconds in the order of `ways`;
    readable on white and on black. `left` is the room for the names of the ways, `legend` the distance of two names of series."""
    width, bar, gap, top = 560, 15, 16, 62
    longest = max(max(seconds) for seconds in series.values())
    step = next(step for step in STEPS if longest / step <= 8)
    ticks = int(longest / step) + 1
    scale = width / (ticks * step)
    height = top + len(ways) * (len(series) * bar + gap) + 34
    bottom = height - 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{left + width + 60}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="16" fill="#222">{title}</text>',
    ]
    for index, name in enumerate(series):
        x = left + index * legend
        lines.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{COLOURS[index % len(COLOURS)]}"/>')
        lines.append(f'<text x="{x + 18}" y="47" fill="#222">{name}</text>')
    for tick in range(ticks + 1):
        x = left + tick * step * scale
        lines.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#555">{tick * step:g} s</text>')
    for index, way in enumerate(ways):
        y = top + index * (len(series) * bar + gap)
        lines.append(f'<text x="{left - 10}" y="{y + bar + 5}" text-anchor="end" fill="#222">{way}</text>')
        for offset, seconds in enumerate(series.values()):
            long = max(1, seconds[index] * scale)
            at = y + offset * bar
            colour = COLOURS[offset % len(COLOURS)]
            lines.append(f'<rect x="{left}" y="{at}" width="{long:.1f}" height="{bar - 1}" fill="{colour}"/>')
            lines.append(f'<text x="{left + long + 5:.1f}" y="{at + 12}" font-size="12" fill="#222">{seconds[index]:.2f}</text>')
    return '\n'.join([*lines, '</svg>', ''])
