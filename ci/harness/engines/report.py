"""What the matrix tells: a table for docs/measured/engines.md, the ids, the last line."""
from dataclasses import dataclass, field

from harness.tables import last_line as numbers


@dataclass
class Outcome:
    """How it went with one engine."""
    kind: object
    version: str = ''
    skipped: str = ''
    seconds: float = 0
    results: list = field(default_factory=list)

    def add(self, result):
        self.results.append(result)

    @property
    def state(self):
        if any(result.wrong for result in self.results):
            return 'failed'
        return 'skipped' if self.skipped or not self.results else 'passed'

    def fact(self, name):
        return next((result.facts[name] for result in self.results if name in result.facts), None)


def ids(outcomes):
    """The image of the same droplet, made twice on each engine, and as it is called in a registry."""
    lines = ['', 'The image of one droplet, made twice on each engine:']
    for outcome in outcomes:
        for which, image in zip(('first', 'again'), outcome.fact('ids') or (), strict=False):
            lines.append(f'    {outcome.kind.name:26} {which}  {image}')
    published = {outcome.fact('published') for outcome in outcomes} - {None}
    count = sum(outcome.fact('published') is not None for outcome in outcomes)
    lines += [f'Published, from {count} engines:     {digest}' for digest in sorted(published)]
    return lines if len(lines) > 2 else []


def markdown(outcomes):
    """A row for each engine."""
    names = list(dict.fromkeys(result.name for outcome in outcomes for result in outcome.results if result.name != 'supplies'))
    lines = ['# The engines as they ran', '', f"| engine | version | {' | '.join(names)} | |", f"|---|---|{'---|' * len(names)}---|"]
    for outcome in outcomes:
        by_name = {result.name: result for result in outcome.results}
        cells = [cell(by_name.get(name), outcome) for name in names]
        state = f'skipped: {outcome.skipped}' if outcome.state == 'skipped' else f'**{outcome.state}**'
        lines.append(f"| {outcome.kind.name} | {outcome.version or '–'} | {' | '.join(cells)} | {state.replace('|', '/')} |")
    lines += ['', '```', *ids(outcomes)[1:], last_line(outcomes), '```', '']
    return '\n'.join(lines)


def cell(result, outcome):
    if result is None:
        return '–'
    if result.wrong:
        return f'FAILED ({result.says})' if result.says else 'FAILED'
    if result.name.endswith('tests'):
        return result.says
    more = {'image': f"by {outcome.fact('way')}", "an app's disk": outcome.fact('disk')}.get(result.name)
    return f'ok, {more}' if more else 'ok'


def last_line(outcomes):
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in ('passed', 'skipped', 'failed')}
    return numbers(engines=len(outcomes), **counts)
