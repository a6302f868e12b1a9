"""The engine goes away in the middle, and comes back."""
from fault import Fault, group
from stages import DROPLETS, STAGES

HOWS = {'kill': 'dockerd is killed', 'stop': 'dockerd is stopped', 'power': 'all of the engine is gone at once'}


@group('the engine is restarted')
def restarts():
    for stage in STAGES:
        for how, what in HOWS.items():
            yield Fault(
                f'engine-{how}-{stage}', f'{what} in the {stage}, and started again',
                lambda lane, stage=stage, how=how: restarted(lane, stage, how), (8, 9) if stage == 'launch' else (7, 9) if stage == 'image' else (9,),
                'engine|Engine', within=75, droplet=DROPLETS[stage], then='launch' if stage == 'launch' else 'restage', alone=True, own=True)


def restarted(lane, stage, how):
    run = STAGES[stage](lane)
    lane.engine.restart(how)
    lane.gate.open()
    run.end(lane.within)
    lane.hcf.start_again()
    lane.start_proxy()
    return run


@group('the engine does not take the image')
def refusals():
    yield Fault('engine-refuses-load', 'the engine answers 500 to the load', lambda lane: not_taken(lane, 'refuse'), (0,), 'refused by the gate; trying it by', page='new', droplet='new')
    yield Fault('engine-cuts-load', 'the engine hangs up in the load', lambda lane: not_taken(lane, 'cut'), (0,), 'the connection broke.*; trying it by', page='new', droplet='new', short=True)


def not_taken(lane, then):
    run = STAGES['image'](lane, then)
    run.end(lane.within)
    return run
