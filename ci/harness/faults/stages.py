"""Brings a staging into a stage and keeps it there: a server that takes its time, a buildpack that sleeps, an engine that waits
with a load, an app that is slow to start."""
from harness.faults.fault import Fault
from harness.faults.run import NotInjected
from harness.processes import until

LONG = '90'  # seconds; longer than anything waits here
PACKAGE, DROPLET, LOAD = '/cc-packages/', '/v1/droplet/', '/images/load'


def fetch(lane):
    lane.push()
    held = lane.rule('blobstore', do='hold', path=PACKAGE)
    run = lane.restage(agent=())
    lane.hit(held, 'hold', run=run)
    return run


def build(lane):
    lane.push(files={'.sleep': LONG})
    run = lane.restage()
    run.wait_for_line('asleep')
    return run


def upload(lane):
    lane.push()
    held = lane.rule('cc-uploader', do='hold', path=DROPLET)
    run = lane.restage(agent=())
    lane.hit(held, 'hold', run=run)
    return run


def image(lane, then='pass'):
    """The image is on its way into the engine, and Cloud Controller has the droplet."""
    lane.push()
    lane.gate.wait_for(LOAD, then)
    run = lane.restage(gate=True)
    if not lane.gate.reached.wait(60):
        raise NotInjected(f'no image was loaded: {run.last_words()}')
    if then == 'pass':
        run.wait_for_event('droplet')
    return run


def launch(lane):
    """The app was started, and does not answer yet."""
    lane.push(env={'SLOW': LONG})
    run = lane.launch()
    started = until(lambda: lane.containers('app', running=True) or run.process.poll() is not None, 30)
    if not started or run.process.poll() is not None:
        raise NotInjected(f'no app was started: {run.last_words()}')
    return run


STAGES = {'fetch': fetch, 'build': build, 'upload': upload, 'image': image, 'launch': launch}
# What Cloud Controller may have got by then: in the middle of an upload, all of it or nothing.
DROPLETS = {'fetch': 'old', 'build': 'old', 'upload': 'either', 'image': 'new', 'launch': 'old'}


def fault_in(stage, name, what, act, codes, says, **more):
    """The fault `act`, which gets a lane and the stage, and what has to be so after it in this stage."""
    return Fault(name, what, lambda lane: act(lane, stage), codes, says, within=75, droplet=DROPLETS[stage],
                 then='launch' if stage == 'launch' else 'restage', **more)
