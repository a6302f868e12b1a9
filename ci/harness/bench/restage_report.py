"""The table, the chart and the last line of ci/bench/restage."""

import os
import statistics

from harness import tables
from harness.engine import HERE as engine

WAYS = {
    'shell': 'shell: curl, unzip, builder, docker build',
    'cold': 'restage, empty cache',
    'cold_fast': 'restage, empty cache, --compression fast',
    'warm': 'restage, buildpacks cached',
    'warm_fast': 'restage, buildpacks cached, --compression fast',
}
STEPS = ('fetch', 'build', 'upload', 'image')
OURS = [way for way in WAYS if way != 'shell']


def median(rounds, way, number):
    return statistics.median(number(measured[way]) for measured in rounds)


def seconds(rounds, way):
    return median(rounds, way, lambda took: took.seconds)


def ratio(rounds, way):
    return statistics.median(measured[way].seconds / measured['shell'].seconds for measured in rounds)


def table(rounds):
    rows = [['', 'seconds', '÷ shell', *STEPS, 'rest', 'host-cli CPU s']]
    for way, title in WAYS.items():
        row = [title, f'{seconds(rounds, way):.2f}', f'{ratio(rounds, way):.3f}']
        row += [f'{median(rounds, way, lambda took, step=step: took.steps[step]):.2f}' for step in STEPS]
        row += [f'{median(rounds, way, lambda took: took.rest):.2f}']
        rows.append([*row, '–' if way == 'shell' else f'{median(rounds, way, lambda took: took.processor):.2f}'])
    return rows


def last_line(rounds):
    ratios = {f'restage_{way}_vs_shell': f'{ratio(rounds, way):.3f}' for way in ('cold', 'warm', 'warm_fast')}
    return tables.last_line(
        **ratios,
        overhead_s=f'{max(median(rounds, way, lambda took: took.rest) for way in OURS):.2f}',
        host_cpu_percent=f'{max(median(rounds, way, lambda took: took.waiting_percent) for way in OURS):.2f}',
        host_mib=f'{max(took.waiting_mib for measured in rounds for way, took in measured.items() if way in OURS):.0f}',
    )


def write(rounds, inputs, given):
    described = f'engine {engine.described()}, {os.cpu_count()} cores'
    told = f'{described}; {inputs}; medians of {len(rounds)}; upload and image are made at the same time'
    rows = table(rounds)
    print(told)
    print('\n'.join(tables.plain(rows)))
    if given.markdown:
        given.markdown.write_text('\n'.join(['# What ci/bench/restage measured', '', f'{told[0].upper()}{told[1:]}.', '', *tables.markdown(rows)]) + '\n')
    if given.chart:
        of_steps = {step: [median(rounds, way, lambda took, step=step: took.steps[step]) for way in WAYS] for step in ('fetch', 'build')}
        series = {'until the image has its names': [seconds(rounds, way) for way in WAYS], **of_steps}
        given.chart.write_text(tables.bars(f'A whole restage: {described}', WAYS.values(), series, left=300, legend=220))
    print(last_line(rounds))
