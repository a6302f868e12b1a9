"""What a stranger's file server once gave must not stay in the cache on the word of a date."""
import os
import re

from harness.tenant.attempt import NotSetUp, attempt
from harness.tenant.world import BUILDER

WHEN = 1466017043
GOOD = BUILDER.replace(b'the builder runs', b'the builder runs"; echo "the good lifecycle')
EVIL = BUILDER.replace(b'the builder runs', b'the builder runs"; echo "the evil lifecycle')
URL = 'http://diego-access:8080/v1/static/{}/lifecycle.tgz'


def served(scene, name, content):
    """Puts a lifecycle on the file server, always with the same date."""
    place = scene.world.state / 'static' / name
    place.mkdir(exist_ok=True)
    (place / 'lifecycle.tgz').write_bytes(content)
    os.utime(place / 'lifecycle.tgz', (WHEN, WHEN))


def victim_of(scene, name):
    victim = scene.app('victim')
    victim.staging['cached_dependencies'][0] |= {'from': URL.format(name), 'cache_key': name}
    return victim


def poisoned(scene, name, longer):
    """A victim in whose cache an evil lifecycle is, which was served for a while in the place of the good one."""
    good, evil = scene.world.packed_lifecycle(GOOD), scene.world.packed_lifecycle(EVIL)
    length = max(len(good), len(evil))
    # gzip takes zeros behind its end, so that lengths can be made the same, or not.
    good, evil = good.ljust(length + 8, b'\0'), evil.ljust(length + (16 if longer else 8), b'\0')
    victim = victim_of(scene, name)
    served(scene, name, evil)
    done = scene.restaged(victim, '--no-image')
    if 'the evil lifecycle' not in done.lines:
        raise NotSetUp(f'the evil lifecycle did not run; {done.why()}')
    served(scene, name, good)
    return victim


@attempt
def lifecycle_of_the_same_date(scene):
    """an evil lifecycle of another length stays in the cache, because its date is that of the good one"""
    done = scene.restaged(poisoned(scene, f'longer-{os.getpid()}', True), '--no-image')
    if 'the evil lifecycle' in done.lines:
        return 'the evil lifecycle runs still'
    return None if 'the good lifecycle' in done.lines else f'neither runs; {done.why()}'


@attempt
def cache_verify_that_calls_it_whole(scene):
    """`cache verify --origin` calls an evil lifecycle whole whose date and length are those of the good one"""
    victim = poisoned(scene, f'same-{os.getpid()}', False)
    volume = ('--cache-volume', f'{scene.world.instance}-{scene.group}', '--stager-image', scene.world.image)
    done = scene.host('cache', 'verify', '--origin', '--network', scene.network, *volume)
    if done.code == 0:
        return f'it says: {done.out[-200:]}'
    again = scene.restaged(victim, '--no-image')
    return 'the evil lifecycle runs still' if 'the evil lifecycle' in again.lines else None


@attempt
def unverified_and_not_told(scene):
    """`cache list` does not tell that an entry came without a checksum, or where from"""
    name = f'told-{os.getpid()}'
    served(scene, name, scene.world.packed_lifecycle(GOOD))
    scene.restaged(victim_of(scene, name), '--no-image')
    done = scene.host('cache', 'list', '--cache-volume', f'{scene.world.instance}-{scene.group}', '--stager-image', scene.world.image)
    if name not in done.out:
        raise NotSetUp(f'the entry is not listed; {done.why()}')
    line = next(line for line in done.out.splitlines() if name in line)
    return None if re.search(r' no.* \d+\.\d+\.\d+\.\d+:8080 ', line) else f'it says: {line}'
