"""Makes a table, a chart and the last line of what ci/bench/fetch measured.

    report.py RESULTS LIST [--disk TYPE] [--chart FILE] [--markdown FILE]

RESULTS holds a file for each file system and way, `ext4.recipe`, with a line for each round as `measured` writes it.
Ratios are taken in each round, of two ways that ran within a minute of each other, and then the median of them.
"""

import argparse
import json
import pathlib
import statistics

from harness import tables

WAYS = {
    'recipe': 'curl, then unzip, in order',
    'bsdtar': 'curl | bsdtar, two at a time',
    'limit': 'limit: libdeflate from memory',
    'cold': 'stager-agent',
    'cold_cache': 'stager-agent, fills a cache',
    'warm': 'stager-agent, all cached',
    'warm_new_set': 'stager-agent, cached, a set not seen before',
    'warm_new_package': 'stager-agent, cached but the package',
}
DISKS = {'ext4': 'disk', 'tmpfs': 'tmpfs'}
NONE = '–'


class Results:
    def __init__(self, folder):
        self.runs = {}
        for file in folder.iterdir():
            rows = [line.split() for line in file.read_text().splitlines()]
            self.runs[file.name] = [[None if cell == '-' else int(cell) for cell in row] for row in rows]
        for name in [name for name in self.runs if name.endswith('.own')]:
            for row, own in zip(self.runs[name[: -len('.own')]], self.runs.pop(name), strict=True):
                row[0] = own[0]

    def column(self, disk, way, index):
        return [row[index] for row in self.runs.get(f'{disk}.{way}', [])]

    def median(self, disk, way, index):
        values = self.column(disk, way, index)
        return statistics.median(values) if values else None

    def ratio(self, disk, way, other, index=0):
        pairs = list(zip(self.column(disk, way, index), self.column(disk, other, index), strict=True))
        return statistics.median(ours / theirs for ours, theirs in pairs) if pairs else None

    def overhead(self, disk):
        pairs = zip(self.column(disk, 'warm', 0), self.column(disk, 'builder', 0), strict=True)
        differences = [(warm - builder) / 1000 for warm, builder in pairs]
        return statistics.median(differences) if differences else None

    def peak(self):
        ours = [way for way in WAYS if way.startswith(('cold', 'warm'))]
        return max(peak for disk in DISKS for way in ours for peak in self.column(disk, way, 3)) / 1024


def shown(value, form):
    return NONE if value is None else format(value, form)


def table(results, disk_type):
    head = ['', f'{disk_type} s', '÷ recipe', 'tmpfs s', '÷ recipe', 'user s', 'system s', 'peak MiB']
    rows = []
    for way, title in WAYS.items():
        if results.median('ext4', way, 0) is None:
            continue
        row = [title]
        for disk in DISKS:
            row += [shown(results.median(disk, way, 0) / 1e6, '.2f'), shown(results.ratio(disk, way, 'recipe'), '.3f')]
        row += [shown(results.median('ext4', way, index) / 1e6, '.2f') for index in (1, 2)]
        rows.append([*row, shown(results.median('ext4', way, 3) / 1024, '.0f')])
    return [head, *rows]


def last_line(results):
    numbers = [
        ('cold_vs_recipe', results.ratio('ext4', 'cold', 'recipe'), '.3f'),
        ('cold_vs_recipe_tmpfs', results.ratio('tmpfs', 'cold', 'recipe'), '.3f'),
        ('cold_vs_bsdtar', results.ratio('ext4', 'cold', 'bsdtar'), '.3f'),
        ('cold_vs_limit', results.ratio('tmpfs', 'cold', 'limit'), '.3f'),
        ('cpu_vs_recipe', results.ratio('ext4', 'cold', 'recipe', 1), '.3f'),
        ('warm_vs_recipe', results.ratio('ext4', 'warm', 'recipe'), '.4f'),
        ('warm_new_set_vs_recipe', results.ratio('ext4', 'warm_new_set', 'recipe'), '.4f'),
        ('warm_new_package_vs_recipe', results.ratio('ext4', 'warm_new_package', 'recipe'), '.4f'),
        ('overhead_ms', results.overhead('ext4'), '.0f'),
        ('peak_mib', results.peak(), '.0f'),
    ]
    return ' '.join(f'{name}={shown(value, form)}' for name, value, form in numbers)


def chart(results, disk_type, inputs):
    ways = [way for way in WAYS if results.median('ext4', way, 0) is not None]
    names = {'ext4': disk_type, 'tmpfs': 'tmpfs'}
    series = {names[disk]: [results.median(disk, way, 0) / 1e6 for way in ways] for disk in DISKS}
    titles = [WAYS[way] for way in ways]
    return tables.bars(f'Until everything is in place: {inputs}', titles, series, left=300, legend=90)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('results', type=pathlib.Path)
    arguments.add_argument('list', type=pathlib.Path)
    arguments.add_argument('--disk', default='ext2/ext3', help='what stat calls the file system')
    arguments.add_argument('--chart', type=pathlib.Path)
    arguments.add_argument('--markdown', type=pathlib.Path)
    given = arguments.parse_args()
    results = Results(given.results)
    disk_type = 'ext4' if given.disk == 'ext2/ext3' else given.disk
    made = [entry for entry in json.loads(given.list.read_text()) if entry['role'] != 'new-package']
    inputs = f"{len(made)} archives, {sum(entry['bytes'] for entry in made) / 1e6:.0f} MB, {sum(entry['files'] for entry in made):,} files"
    rows = table(results, disk_type)
    told = f"{inputs}; medians of {len(results.column('ext4', 'recipe', 0))}; user, system and peak: on {disk_type}"
    print(told)
    print('\n'.join(tables.plain(rows)))
    if given.chart:
        given.chart.write_text(chart(results, disk_type, inputs))
    if given.markdown:
        given.markdown.write_text('\n'.join(['# What ci/bench/fetch measured', '', told, '', *tables.markdown(rows)]) + '\n')
    print(last_line(results))


if __name__ == '__main__':
    main()
