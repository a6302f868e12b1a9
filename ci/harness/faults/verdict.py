"""What must hold when a fault is over: how it ended and what it said, that nothing was lost, that nothing is left."""
import json
import re
import time
from dataclasses import dataclass, field

from harness.command import ROOTFS, STAGER, Unavailable
from harness.faults.hcf import is_whole
from harness.faults.run import NotInjected

LABELS = ('--label', 'stager.kind=test')
NEXT = 150  # seconds for the run afterwards; it takes four on a quiet machine
# In a cache: names that no record leads to, and records that are not finished. One line for each.
RUBBISH = """cd /cache 2>/dev/null || exit 0
for name in $(ls entries packages views locks | grep -E '^[0-9a-f]{32}'); do
    [ -e "index/$name.view" ] || cat index/*.json 2>/dev/null | grep -q "$name" || echo "$name"
done
for view in index/*.view; do
    [ ! -e "$view" ] || [ -d "views/$(basename "$view" .view)" ] || echo "$view"
done
ls index | grep -v -E '^([0-9a-f]{64}[.]json|[0-9a-f]{32}[.]view)$' || :"""


@dataclass
class Outcome:
    """How one fault went; `wrong` holds complaints."""
    fault: object
    code: int = None
    seconds: float = 0
    text: str = ''
    wrong: list = field(default_factory=list)


def tried(fault, lane, volume):
    """Brings the fault about, and looks at all that must hold."""
    outcome = Outcome(fault)
    lane.volume, lane.within, lane.complaints = volume, fault.within, []
    try:
        before = Before(lane)
        try:
            run = fault.act(lane)
        finally:
            lane.calm()
        outcome.code, outcome.seconds, outcome.text = run.code, run.seconds, told(fault, run)
        outcome.wrong += lane.complaints + list(ended(fault, lane, run)) + list(nothing_lost(fault, lane, before))
        outcome.wrong += list(next_run(fault, lane))
    except NotInjected as reason:
        outcome.wrong.append(f'not injected: {reason}')
        recover(lane)
    except Exception as error:  # whatever it is, the other faults are to be tried
        outcome.wrong.append(f'{type(error).__name__}: {error}')
        recover(lane)
    finally:
        clean(lane)
    return outcome


class Before:
    """What was whole before."""

    def __init__(self, lane):
        self.page, self.droplets = lane.page, lane.hcf.droplets()


def told(fault, run):
    """In a few words, what it said of the fault."""
    if run.code != 0:
        return ' – '.join(filter(None, run.failure))
    again = [f"tried again: {event['reason']}" for event in run.heard('retrying')]
    notes = [event['text'] for name in ('warning', 'note') for event in run.heard(name) if fault.says and matches(fault, json.dumps(event))]
    return (again + notes + [''])[0]


def matches(fault, words):
    return re.search(fault.says, words, re.S | re.I)


def ended(fault, lane, run):
    if run.hung:
        yield f'not ended after {fault.within} s: {run.last_words()}'
    elif run.code not in fault.codes:
        yield f"ended with {run.code}, not {' or '.join(map(str, fault.codes))}: {run.last_words()}"
    words = run.all_words if run.code == 0 else ' '.join(run.failure)
    if run.code in fault.codes and fault.says and not matches(fault, words):
        yield f'it does not say {fault.says!r}: {run.last_words()}'
    if run.code not in (0, -9, 130, 143) and not run.failure[1]:
        yield f'it does not say what to try: {run.last_words()}'
    shown = [secret for secret in lane.secrets() if secret in run.all_words]
    if shown:
        yield f'it shows {len(shown)} secrets'


def shows(lane):
    """What the app's image prints."""
    name = lane.image_name()
    said = lane.engine.docker('run', '--rm', *LABELS, '--env', 'ONCE=1', '--network', 'none', name, check=False)
    return (said.splitlines() or ['nothing'])[-1]


def nothing_lost(fault, lane, before):
    page, pages = shows(lane), {'old': (before.page,), 'new': (lane.page,), 'either': (before.page, lane.page)}[fault.page]
    if page not in pages:
        yield f"the app's image shows {page!r}, not {' or '.join(pages)!r}"
    now = lane.hcf.droplets()
    for path, digest in before.droplets.items():
        if now.get(path) != digest:
            yield f'Cloud Controller has lost the droplet {path.name}'
    # Other lanes have other apps; a guid is a folder's name.
    new = [path for path in now if path not in before.droplets and lane.guid in path.parts]
    if any(not is_whole(path, now[path]) for path in new):
        yield 'Cloud Controller has a droplet that is not whole'
    if (fault.droplet, bool(new)) in (('old', True), ('new', False)):
        yield f"Cloud Controller has {'a new' if new else 'no new'} droplet"
    yield from cache_is_whole(lane)


def cache_is_whole(lane):
    if not lane.engine.docker('volume', 'ls', '--quiet', '--filter', f'name=^{lane.volume}$'):
        return
    run = lane.host_cli('cache', 'verify', '--cache-volume', lane.volume, '--stager-image', STAGER)
    if run.end(60) != 0:
        yield f"the cache is damaged: {' '.join(run.noise)}{run.last_words()}"


def next_run(fault, lane):
    """The same without the fault, and what is left then."""
    if fault.then == 'launch':
        lane.push()
        run = lane.launch()
        if run.end(NEXT) != 0:
            yield f'the next launch failed: {run.last_words()}'
        running, count = len(lane.containers('app', running=True)), len(lane.containers('app'))
        if running != 1 or count > 4:  # of each remembered revision the last one stays, for what it printed
            yield f'{running} of {count} app containers run after the next launch, not one of four at most'
        lane.engine.docker('rm', '--force', *lane.containers('app'), check=False)
    else:
        # A cache that was full stays so; it is not what a next run is to use.
        lane.push()
    run = lane.restage(agent=())
    if run.end(NEXT) != 0:
        yield f'the next restage failed: {run.last_words()}'
    elif (page := shows(lane)) != lane.page:
        yield f'after the next restage the image shows {page!r}, not {lane.page!r}'
    yield from left(lane)


def left(lane):
    for kind in ('staging', 'app', 'cache'):
        for container in lane.containers(kind):
            yield f"left: {kind} container {lane.engine.docker('inspect', '--format', '{{.Name}} {{.State.Status}}', container, check=False)}"
    for image in lane.images('--filter', 'dangling=true'):
        yield f'left: image {image} without a name'
    for name in lane.left_in_tmp():
        yield f'left: {name} in TMPDIR'
    rubbish = lane.engine.docker(
        'run', '--rm', *LABELS, '--network', 'none', '--user', '0', '--volume', f'{lane.volume}:/cache', ROOTFS, 'sh', '-c', RUBBISH, check=False
    )
    for name in rubbish.splitlines():
        yield f'left: {name} in the cache'


def baseline(lane, volume):
    """A first image of the lane's app, which faults may not hurt."""
    lane.volume = volume
    lane.push()
    run = lane.restage(agent=())
    if run.end(NEXT) != 0:
        raise Unavailable(f'without any fault: {run.last_words()}')
    clean(lane)


def recover(lane):
    """After something unforeseen: to a whole state for the next fault."""
    lane.calm()
    for _ in range(3):
        lane.engine.docker('start', lane.proxy, check=False)
        lane.push()
        run = lane.restage(agent=())
        if run.end(NEXT) == 0:
            return
        time.sleep(2)


def clean(lane):
    """What was left for one fault goes, and has been told: its containers, its volume, images that have been replaced."""
    for container in lane.containers('staging') + lane.containers('app'):
        lane.engine.docker('rm', '--force', container, check=False)
    newest = lane.engine.docker('images', '--quiet', '--no-trunc', lane.image_name(), check=False)
    for image in lane.images():
        if image != newest:
            lane.engine.docker('rmi', '--force', image, check=False)
    lane.engine.docker('volume', 'rm', '--force', lane.volume, check=False)
