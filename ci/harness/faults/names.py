"""Host names that nobody knows, for good or for a while; and servers that are away while the cache has what they would give."""
from harness.faults.fault import Fault, group
from harness.faults.servers import ONCE_MORE

SERVICES = {'file-server': (4, 'downloading'), 'blobstore': (4, 'downloading'), 'cc-uploader': (6, 'uploading')}


@group('a name does not resolve')
def unknown():
    for service, (code, _) in SERVICES.items():
        yield Fault(f'dns-{service}', f"{service}'s name is unknown", lambda lane, service=service: without(lane, service, False),
                    (code,), 'cannot resolve the host name', short=service == 'blobstore')
        yield Fault(f'dns-{service}-comes-back', f"{service}'s name is unknown, then known again",
                    lambda lane, service=service: without(lane, service, True), (0,), 'cannot resolve the host name', page='new', droplet='new')


def without(lane, service, comes_back):
    lane.push()
    lane.rename(without=(service,))
    try:
        run = lane.restage(agent=() if comes_back else ONCE_MORE)
        if comes_back:
            run.wait_for_event('retrying')
            lane.rename()
        run.end(lane.within)
    finally:
        lane.rename()
    return run


@group('a server is away, but the cache has it')
def cached():
    for name, service, rule in (('refuses', 'file-server', {'do': 'refuse'}), ('503', 'file-server', {'do': 'status', 'status': 503}),
                                ('503', 'blobstore', {'do': 'status', 'status': 503})):
        path = '/v1/static/' if service == 'file-server' else '/cc-buildpacks/'
        yield Fault(f'cached-{service}-{name}', f'{service} {"refuses connections" if name == "refuses" else "answers 503"}; what it has is in the cache',
                    lambda lane, service=service, rule=rule, path=path: from_the_cache(lane, service, {**rule, 'path': path}),
                    (0,), 'warning.*(503|refused)', page='new', droplet='new')


def from_the_cache(lane, service, rule):
    lane.push()
    first = lane.restage('--no-image', agent=('--no-upload',))
    if first.end(60) != 0:
        lane.complaints.append(f'the cache could not be filled: {first.last_words()}')
    told = lane.rule(service, **rule)
    if rule['do'] == 'refuse':
        lane.hit(told, 'closed', patience=5)
    run = lane.restage(agent=ONCE_MORE)
    run.end(lane.within)
    if rule['do'] != 'refuse':
        lane.hit(told, rule['do'], patience=0)
    return run
