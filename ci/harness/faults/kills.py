"""Processes that are ended in the middle: host-cli, the agent in its container, the builder, the buildpack."""
import time

from harness.faults.fault import Fault, group
from harness.faults.run import NotInjected
from harness.faults.stages import STAGES, fault_in
from harness.processes import until

LEASE = 30  # seconds within which a staging container notices that its host is gone
SLACK = 5
SIGNALS = {'KILL': (-9,), 'TERM': (143,), 'INT': (130,)}
SAYS = {'KILL': '', 'TERM': 'ended by a signal', 'INT': 'interrupted'}


@group('host-cli is ended')
def of_host_cli():
    for stage in STAGES:
        for name, codes in SIGNALS.items():
            yield fault_in(
                stage, f'host-cli-{name.lower()}-{stage}', f'SIG{name} for host-cli in its {stage}',
                lambda lane, stage, name=name: host_cli_ends(lane, stage, name), codes, SAYS[name],
                short=(stage, name) in (('fetch', 'KILL'), ('build', 'TERM'), ('image', 'INT')))


def host_cli_ends(lane, stage, name):
    run = STAGES[stage](lane)
    run.signal(name)
    if stage == 'image':
        # What is being made is waited for; here it is the engine that takes its time.
        time.sleep(0.3)
        lane.gate.open()
    run.end(lane.within)
    if name == 'KILL' and stage != 'launch':
        notices(lane)
    return run


def notices(lane):
    """The container that has lost its host ends by itself."""
    if not until(lambda: not lane.containers('staging', running=True), LEASE + SLACK):
        lane.complaints.append(f'its staging container still runs {LEASE + SLACK} s later')


@group('the agent is ended')
def of_the_agent():
    codes = {'KILL': ((9,), r'killed \(status 137\)'), 'TERM': ((143,), 'SIGTERM'), 'INT': ((130,), 'SIGINT')}
    for stage in ('fetch', 'build', 'upload', 'image'):
        for name, (code, says) in codes.items():
            yield Fault(
                f'agent-{name.lower()}-{stage}', f'SIG{name} for the agent in its {stage}' if stage != 'image' else
                f'SIG{name} for the agent while the image is made beside its upload',
                lambda lane, stage=stage, name=name: agent_ends(lane, stage, name), code, says,
                droplet='either' if stage in ('upload', 'image') else 'old', short=(stage, name) == ('upload', 'KILL'))


def agent_ends(lane, stage, name):
    if stage == 'image':
        lane.push()
        held = lane.rule('cc-uploader', do='hold', path='/v1/droplet/')
        lane.gate.wait_for('/images/load')
        run = lane.restage(gate=True)
        lane.hit(held, 'hold', run=run)
        if not lane.gate.reached.wait(30):
            raise NotInjected('no image was made beside the upload')
    else:
        run = STAGES[stage](lane)
    lane.engine.docker('kill', '--signal', name, lane.staging())
    if stage == 'image':
        time.sleep(0.3)
        lane.gate.open()
    run.end(lane.within)
    return run


@group('the builder is ended')
def of_the_builder():
    victims = {'builder': ('/tmp/lifecycle/builder*', (5,), r'killed it|ended with status 1\d\d'), 'buildpack': ('*/bin/compile*', (223,), '223')}
    for victim, (pattern, codes, says) in victims.items():
        for name in SIGNALS:
            yield Fault(f'{victim}-{name.lower()}', f'SIG{name} for the {victim}',
                        lambda lane, pattern=pattern, name=name: builder_ends(lane, pattern, name), codes, says,
                        short=(victim, name) == ('builder', 'KILL'))


def builder_ends(lane, pattern, name):
    run = STAGES['build'](lane)
    script = f"""for p in /proc/[0-9]*; do
        case $(tr '\\0' ' ' <"$p/cmdline") in
        sh\\ -c*) ;;
        {pattern.replace(' ', '?')}) kill -{name} "${{p#/proc/}}" && echo killed ;;
        esac
    done 2>/dev/null"""
    said = lane.engine.docker('exec', '--user', 'vcap', lane.staging(), 'sh', '-c', script, check=False)
    if 'killed' not in said:
        raise NotInjected('there was no such process')
    run.end(lane.within)
    return run
