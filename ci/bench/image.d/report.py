"""The table, the chart and the last line of ci/bench/image."""

import statistics

WAYS = {
    "build": "docker build, droplet by ADD",
    "commit": "docker create, cp, commit",
    "limit": "limit: docker load, ready layer",
    "host_cli": "host-cli image",
    "again": "host-cli image, same droplet again",
}


def median(rounds, way):
    return statistics.median(measured[way] for measured in rounds)


def ratio(rounds, way, other):
    return statistics.median(measured[way] / measured[other] for measured in rounds)


def write(results, engine, chart, markdown):
    """`results`: by size in MB a list of rounds, and last what the droplet was."""
    described = {size: rows[-1] for size, rows in results.items()}
    rounds = {size: rows[:-1] for size, rows in results.items()}
    head = [f"engine {engine}"]
    for size in rounds:
        head += [f"{size} MB s", "÷ build", "÷ limit"]
    rows = [head]
    for way, title in WAYS.items():
        row = [title]
        for of_size in rounds.values():
            row += [f"{median(of_size, way):.2f}", f"{ratio(of_size, way, 'build'):.3f}", f"{ratio(of_size, way, 'limit'):.3f}"]
        rows.append(row)
    for size in rounds:
        print(f"{size} MB: {described[size]}; medians of {len(rounds[size])}")
    widths = [max(len(row[index]) for row in rows) for index in range(len(head))]
    for row in rows:
        first, *rest = zip(row, widths)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "| --- |" + " ---: |" * (len(head) - 1))
        markdown.write_text("\n".join(lines) + "\n")
    if chart:
        chart.write_text(drawn(rounds, engine))
    print(last_line(rounds))


def last_line(rounds):
    small, large = min(rounds), max(rounds)
    numbers = [("image_vs_build", small, "host_cli", "build"), ("image_vs_build_400", large, "host_cli", "build")]
    numbers += [("image_vs_limit", small, "host_cli", "limit"), ("image_vs_limit_400", large, "host_cli", "limit")]
    numbers += [("same_again_vs_build", small, "again", "build")]
    line = " ".join(f"{name}={ratio(rounds[size], way, other):.3f}" for name, size, way, other in numbers)
    peak = max(measured["peak"] for of_size in rounds.values() for measured in of_size)
    return f"{line} peak_mib={peak:.0f}"


def drawn(rounds, engine):
    """A bar for each way and size; readable on white and on black."""
    left, width, bar, gap, top = 260, 560, 15, 16, 62
    colours = ["#2f6fab", "#e08a2c", "#5a9a4b"]
    longest = max(median(of_size, way) for of_size in rounds.values() for way in WAYS)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if longest / step <= 8)
    ticks = int(longest / step) + 1
    scale = width / (ticks * step)
    height = top + len(WAYS) * (len(rounds) * bar + gap) + 34
    bottom = height - 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{left + width + 60}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="16" fill="#222">From a droplet to a named image: engine {engine}</text>',
    ]
    for index, size in enumerate(rounds):
        x = left + index * 130
        lines.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{colours[index % 3]}"/>')
        lines.append(f'<text x="{x + 18}" y="47" fill="#222">droplet of {size} MB</text>')
    for tick in range(ticks + 1):
        x = left + tick * step * scale
        lines.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#555">{tick * step:g} s</text>')
    for index, (way, title) in enumerate(WAYS.items()):
        y = top + index * (len(rounds) * bar + gap)
        lines.append(f'<text x="{left - 10}" y="{y + bar + 5}" text-anchor="end" fill="#222">{title}</text>')
        for offset, of_size in enumerate(rounds.values()):
            seconds = median(of_size, way)
            long = max(1, seconds * scale)
            at = y + offset * bar
            lines.append(f'<rect x="{left}" y="{at}" width="{long:.1f}" height="{bar - 1}" fill="{colours[offset % 3]}"/>')
            lines.append(f'<text x="{left + long + 5:.1f}" y="{at + 12}" font-size="12" fill="#222">{seconds:.2f}</text>')
    return "\n".join([*lines, "</svg>", ""])
