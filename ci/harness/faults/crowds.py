"""Many at once: of the same app, which share all, and of different ones, which share the cache and the servers."""
from harness.faults.fault import Fault, group

COUNTS = (2, 8, 32)


class Crowd:
    """Runs that are looked at as one: the worst of them."""

    def __init__(self, runs):
        self.runs, self.hung = runs, any(run.hung for run in runs)
        worst = max(runs, key=lambda run: (run.code != 0, run.seconds))
        self.code, self.failure, self.last_words = worst.code, worst.failure, worst.last_words
        self.seconds, self.heard = max(run.seconds for run in runs), worst.heard

    @property
    def all_words(self):
        return '\n'.join(run.all_words for run in self.runs)


@group('many at once')
def crowds():
    for count in COUNTS:
        yield Fault(f'crowd-{count}-same', f'{count} restages of one app at once', lambda lane, count=count: same(lane, count), (0,), 'done',
                    within=60 + 12 * count, page='new', droplet='new', alone=count > 2, short=count == 2)
        yield Fault(f'crowd-{count}-different', f'{count} restages of {count} apps at once', lambda lane, count=count: different(lane, count), (0,), 'done',
                    within=60 + 12 * count, page='new', droplet='new', alone=count > 2)


def same(lane, count):
    lane.push()
    return together(lane, [lane.restage(agent=()) for _ in range(count)])


def different(lane, count):
    """The lane's own app is one of them."""
    others = [f'{lane.app}-of-{count}-{number}' for number in range(1, count)]
    guids = [lane.hcf.push_page(app, app) for app in others]
    lane.push()
    mine, runs = lane.app, []
    for app in (*others, mine):
        lane.app = app
        runs.append(lane.restage(agent=()))
    crowd = together(lane, runs)
    for app, guid in zip(others, guids, strict=True):
        label = f'label=stager.app-guid={guid}'
        images = lane.engine.docker('images', '--quiet', '--filter', label).split()
        left = lane.engine.docker('ps', '--all', '--quiet', '--filter', label).split()
        if not images or left:
            lane.complaints.append(f'{app} has {len(images)} names of images and {len(left)} containers')
        for image in set(images):
            lane.engine.docker('rmi', '--force', image, check=False)
    return crowd


def together(lane, runs):
    for run in runs:
        run.end(lane.within)
    return Crowd(runs)
