"""What a run tells: a table for docs/measured/kubernetes.md, and the last line."""
from dataclasses import dataclass

from harness.tables import escaped
from harness.tables import last_line as numbers


@dataclass
class Result:
    """How one check went: `wrong` is what does not hold, `skipped` why it could not be tried."""
    name: str
    sentence: str
    wrong: str = ''
    skipped: str = ''
    says: str = ''
    seconds: float = 0

    @property
    def state(self):
        return 'failed' if self.wrong else 'skipped' if self.skipped else 'passed'


def markdown(versions, results):
    lines = ['# What was tried on a cluster', '', '| | |', '|---|---|']
    lines += [f'| {escaped(name)} | {escaped(version)} |' for name, version in versions.items()]
    lines += ['', '| check | what holds | | time | what was seen |', '|---|---|---|---:|---|']
    for one in results:
        says = one.wrong.partition('\n')[0] or one.skipped or one.says
        lines.append(f'| {escaped(one.name)} | {escaped(one.sentence)} | **{one.state}** | {one.seconds:.1f} s | {escaped(says[:200])} |')
    return '\n'.join([*lines, '', '```', last_line(results), '```', ''])


def last_line(results):
    counts = {state: sum(one.state == state for one in results) for state in ('passed', 'failed', 'skipped')}
    return numbers(checks=len(results), **counts)
