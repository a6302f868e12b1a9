"""What the matrix tells: a line for each fault as it ends, a table for docs/measured/faults.md, the last line."""
import re

from harness.faults.fault import groups
from harness.tables import escaped
from harness.tables import last_line as numbers

# What differs from run to run.
GUIDS = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}|[0-9a-f]{12,}(_[0-9a-f]{12,})?|(?<=-)[0-9]{4,}(?=-)')
# Where the engine lies that was tried.
SOCKETS = re.compile(r'unix:///\S*/docker\.sock')

HEAD = """# What happens when something fails

`ci/faults` lets things go wrong, one at a time, while an app is staged or launched: on a Docker Engine of its own, against a
mini-HCF. This page is its output (`ci/faults --markdown docs/measured/faults.md`, which with `--only` replaces the rows of what it tries).
Of each fault it checks

- that it really happened: the log of the server, of the engine or of the process list says so;
- that it ended in bounded time, with the [exit code](../exit-codes.md) that is documented, and with words that name
  what failed and what to try, and no secret;
- that nothing was lost: the app's earlier image still runs, Cloud Controller has all its earlier droplets and of new ones only
  whole ones, and `host-cli cache verify` finds no damage;
- that the next run succeeds, and leaves nothing: no container, no dangling image, no file in TMPDIR, no lock or entry in
  the cache that belongs to nobody.

Servers are made to fail by a proxy in their stead, with `--idle-timeout 3s --connect-timeout 3s`, and `--retries 1` where the fault
lasts; the defaults wait longer and try more often. `the gate` is what stands before the engine and refuses in its stead; `lane-0` is an
app's name. Seconds are those of a busy machine with two cores, with other faults beside it.
"""


def line(outcome):
    words = ['FAILED' if outcome.wrong else 'ok', f'{outcome.fault.name:34}', f'exit {outcome.code}', f'{outcome.seconds:5.1f} s', outcome.text[:160]]
    return '\n'.join(['  '.join(words), *(f'        | {wrong}' for wrong in outcome.wrong)])


def markdown(outcomes, before=''):
    """The table; `before` is an earlier one, whose rows stay where a fault was not tried now."""
    rows = {line.split(' ')[1]: line for line in before.splitlines() if line.startswith('| ')}
    rows |= {outcome.fault.name: row(outcome) for outcome in outcomes}
    lines, shown = [HEAD], []
    for title, faults in groups().items():
        of_group = [rows[fault.name] for fault in faults if fault.name in rows]
        if of_group:
            lines += [
                f'## {heading(title)}',
                '',
                '| name | what goes wrong | exit code | seconds | what is said | |',
                '|---|---|---|---|---|---|',
                *of_group,
                '',
            ]
            shown += of_group
    lines += ['```', numbers(tried=len(shown), failed=sum(not line.endswith('| ok |') for line in shown)), '```', '']
    return '\n'.join(lines)


def heading(title):
    # A command is called as it is called.
    return title.replace('host-cli', '`host-cli`') if title.startswith('host-cli') else f'{title[0].upper()}{title[1:]}'


def row(outcome):
    state = f"FAILED: {'; '.join(outcome.wrong)}" if outcome.wrong else 'ok'
    cells = [outcome.fault.name, outcome.fault.what, 'killed' if outcome.code == -9 else outcome.code, f'{outcome.seconds:.0f}', outcome.text, state]
    return f"| {' | '.join(cell(str(words)) for words in cells)} |"


def cell(text):
    text = ' '.join(GUIDS.sub('…', SOCKETS.sub('unix://…/docker.sock', text)).split())
    return escaped(text)


def last_line(outcomes):
    return numbers(tried=len(outcomes), failed=sum(bool(outcome.wrong) for outcome in outcomes))
