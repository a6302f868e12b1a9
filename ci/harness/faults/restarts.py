"""The engine goes away in the middle, and comes back."""
from harness.faults.fault import Fault, group
from harness.faults.stages import STAGES, fault_in

HOWS = {'kill': 'dockerd is killed', 'stop': 'dockerd is stopped', 'power': 'all of the engine is gone at once'}
# An engine that stops ends its containers first, and their agent says so.
SAYS = r'engine|SIGTERM|killed \(status 137\)'


def codes(stage, how):
    return {'launch': (8, 9), 'image': (7, 9)}.get(stage, (9, 143) if how == 'stop' else (9,))


@group('the engine is restarted')
def restarts():
    for stage in STAGES:
        for how, what in HOWS.items():
            yield fault_in(
                stage, f'engine-{how}-{stage}', f'{what} in the {stage}, and started again',
                lambda lane, stage, how=how: restarted(lane, stage, how), codes(stage, how), SAYS, alone=True)


def restarted(lane, stage, how):
    run = STAGES[stage](lane)
    lane.engine.restart(lane.engine.kind, how)
    lane.gate.open()
    run.end(lane.within)
    lane.hcf.start_again()
    lane.start_proxy()
    return run


@group('the engine does not take the image')
def refusals():
    yield Fault(
        'engine-refuses-load',
        'the engine answers 500 to each load: the image is built',
        lambda lane: not_taken(lane, 'refuse'),
        (0,),
        'refused by the gate; trying it by build',
        page='new',
        droplet='new',
    )
    yield Fault(
        'engine-cuts-load',
        'the engine hangs up in each load: the image is built',
        lambda lane: not_taken(lane, 'cut'),
        (0,),
        'the connection broke.*; trying it by build',
        page='new',
        droplet='new',
    )


def not_taken(lane, then):
    run = STAGES['image'](lane, then)
    run.end(lane.within)
    return run
