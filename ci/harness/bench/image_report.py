"""The table, the chart and the last line of ci/bench/image."""

import os
import statistics

from harness import tables

WAYS = {
    'build': 'docker build, droplet by ADD',
    'commit': 'docker create, cp, commit',
    'limit': 'limit: docker load, ready layer',
    'host_cli': 'host-cli image',
    'again': 'host-cli image, same droplet again',
    'second': 'host-cli image, second app of the lifecycle',
}


def median(rounds, way):
    return statistics.median(measured[way] for measured in rounds)


def ratio(rounds, way, other):
    return statistics.median(measured[way] / measured[other] for measured in rounds)


def write(results, engine, chart, markdown):
    """`results`: by size in MB a list of rounds, and last what the droplet was."""
    described = {size: rows[-1] for size, rows in results.items()}
    rounds = {size: rows[:-1] for size, rows in results.items()}
    head = [f'engine {engine}']
    for size in rounds:
        head += [f'{size} MB s', '÷ build', '÷ limit']
    rows = [head]
    for way, title in WAYS.items():
        row = [title]
        for of_size in rounds.values():
            row += [f'{median(of_size, way):.2f}', f"{ratio(of_size, way, 'build'):.3f}", f"{ratio(of_size, way, 'limit'):.3f}"]
        rows.append(row)
    for size in rounds:
        print(f'{size} MB: {described[size]}; medians of {len(rounds[size])}')
    print('\n'.join(tables.plain(rows)))
    if markdown:
        text = ['# What ci/bench/image measured', '', f'Engine {engine}, {os.cpu_count()} cores; medians of {len(rounds[min(rounds)])} rounds.']
        text += [f'The droplet of {size} MB: {described[size]}.' for size in rounds]
        rows[0][0] = ''
        peak = f'Most memory of `host-cli` at any size: {most_memory(rounds):.0f} MiB.'
        markdown.write_text('\n'.join([*text, '', *tables.markdown(rows), '', peak]) + '\n')
    if chart:
        chart.write_text(drawn(rounds, engine))
    print(last_line(rounds))


def last_line(rounds):
    small, large = min(rounds), max(rounds)
    numbers = [('image_vs_build', small, 'host_cli', 'build'), ('image_vs_build_400', large, 'host_cli', 'build')]
    numbers += [('image_vs_limit', small, 'host_cli', 'limit'), ('image_vs_limit_400', large, 'host_cli', 'limit')]
    numbers += [('same_again_vs_build', small, 'again', 'build')]
    line = ' '.join(f'{name}={ratio(rounds[size], way, other):.3f}' for name, size, way, other in numbers)
    return f'{line} peak_mib={most_memory(rounds):.0f}'


def most_memory(rounds):
    return max(measured['peak'] for of_size in rounds.values() for measured in of_size)


def drawn(rounds, engine):
    series = {f'droplet of {size} MB': [median(of_size, way) for way in WAYS] for size, of_size in rounds.items()}
    return tables.bars(f'From a droplet to a named image: engine {engine}', WAYS.values(), series, left=300, legend=160)
