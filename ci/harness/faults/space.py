"""No room left, on disk or in memory, at each place that is written."""
from harness.faults.fault import Fault, group
from harness.faults.stages import STAGES

SMALL = '256k'
MEMORY = 64  # MiB


@group('a disk is full')
def disks():
    yield Fault(
        'disk-cache',
        'the cache volume is full: the network serves',
        cache_is_full,
        (0,),
        'no space left|no storage space|not kept',
        page='new',
        droplet='new',
        short=True,
    )
    yield Fault(
        'disk-tmp-fetch',
        "the container's /tmp is full while fetching (drop-in form)",
        lambda lane: tmp_is_full(lane, '2m', {}),
        (4,),
        'no space left',
        short=True,
    )
    yield Fault(
        'disk-tmp-build', "the container's /tmp is full while building (drop-in form)", lambda lane: tmp_is_full(lane, '96m', {'.write': '200'}), (223,), '223'
    )
    yield Fault('disk-mb', 'the app takes more than its disk_mb', over_disk_mb, (4, 5, 222, 223), 'disk quota exceeded', within=90)
    yield Fault('disk-host-tmp', "host-cli's TMPDIR is full while the image is made", host_tmp_is_full, (7,), 'TMPDIR', droplet='new')
    for stage, codes, says, droplet in (('create', (9,), 'no space left', 'old'), ('fetch', (4, 9), 'no space left', 'old'),
                                        ('build', (5, 223), '223|space', 'old'), ('load', (7,), 'make room', 'new')):
        yield Fault(f'disk-engine-{stage}', f"the engine's disk is full: {stage}", lambda lane, stage=stage: engine_is_full(lane, stage),
                    codes, says, droplet=droplet, alone=True)


def cache_is_full(lane):
    lane.engine.docker(
        'volume', 'create', '--label', 'stager.kind=test', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', f'o=size={SMALL},mode=0711', lane.volume
    )
    lane.push()
    run = lane.restage()
    run.end(lane.within)
    return run


def tmp_is_full(lane, size, files):
    lane.push(files=files)
    run = lane.drop_in('--tmpfs', f'/tmp:exec,mode=1777,size={size}')
    run.end(lane.within)
    return run


def over_disk_mb(lane):
    lane.push(files={'.write': '200', '.sleep': '1'})
    run = lane.restage(request=lane.changed(disk_mb=64))
    run.end(lane.within)
    return run


def host_tmp_is_full(lane):
    lane.push()
    full = f'mount -t tmpfs -o size={SMALL} full {lane.tmp} && exec "$@"'
    run = lane.restage(wrap=('unshare', '--mount', 'sh', '-c', full, 'full'))
    run.end(lane.within)
    return run


def engine_is_full(lane, stage):
    try:
        if stage == 'create':
            lane.push()
            lane.engine.fill()
            run = lane.restage()
        elif stage == 'fetch':
            run = STAGES['fetch'](lane)
            lane.engine.fill()
        elif stage == 'build':
            lane.push(files={'.sleep': '3', '.write': '50'})
            run = lane.restage()
            run.wait_for_line('asleep')
            lane.engine.fill()
        else:
            run = STAGES['image'](lane)
            lane.engine.fill()
        lane.calm()
        run.end(lane.within)
    finally:
        lane.engine.make_room()
    return run


@group('memory runs out')
def memory():
    yield Fault(
        'memory-buildpack',
        f'a buildpack takes more than memory_mb={MEMORY}',
        lambda lane: eats(lane, MEMORY, 200),
        (5, 223),
        f'out of memory .memory_mb={MEMORY}',
        short=True,
    )
    yield Fault(
        'memory-at-limit',
        f'a buildpack takes nearly all of memory_mb={2 * MEMORY}',
        lambda lane: eats(lane, 2 * MEMORY, MEMORY),
        (0,),
        'eating',
        page='new',
        droplet='new',
    )
    yield Fault('memory-agent', 'memory_mb=6, too little for the agent', lambda lane: eats(lane, 6, 0), (4, 5, 9), 'memory')
    yield Fault('memory-app', f'an app takes more than memory_mb={MEMORY} when it starts', app_eats, (8,), 'memory', then='launch')


def eats(lane, limit, amount):
    lane.push(files={'.eat': str(amount)})
    run = lane.restage(request=lane.changed(memory_mb=limit))
    run.end(lane.within)
    return run


def app_eats(lane):
    lane.push(env={'EAT': '200'}, memory=f'{MEMORY}M')
    run = lane.launch()
    run.end(lane.within)
    return run
