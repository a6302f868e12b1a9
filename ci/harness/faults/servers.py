"""What a server can do wrong on the wire."""
from harness.faults.fault import Fault, group
from harness.faults.run import NotInjected

WHERE = {'file-server': '/v1/static/', 'blobstore': '/cc-packages/', 'cc-uploader': '/v1/droplet/'}
ONCE_MORE = ('--retries', '1', '--connect-timeout', '3s', '--idle-timeout', '3s')
LARGE = 12 << 20  # bytes; more than the kernel keeps for somebody who does not read
PAUSE = 2  # seconds that a server asks to wait
# name: (what, rule, does it pass, what is said, options of the agent)
BOTH = {
    'refuses': ('refuses connections', {'do': 'refuse'}, False, 'connection refused', ONCE_MORE),
    'resets': ('resets connections', {'do': 'reset'}, False, 'cut off', ONCE_MORE),
    'resets-once': ('resets a connection', {'do': 'reset', 'times': 1}, True, 'retrying', ()),
    'stalls': ('says nothing more', {'do': 'stall'}, False, 'nothing moved for 3', ONCE_MORE),
    'trickles': ('moves a byte a second', {'do': 'trickle'}, False, 'took longer than 6', ('--transfer-timeout', '6s')),
    '503-twice': ('answers 503 twice', {'do': 'status', 'status': 503, 'times': 2}, True, '503 Service Unavailable', ()),
    '503': ('answers 503', {'do': 'status', 'status': 503}, False, '503 Service Unavailable', ONCE_MORE),
    '429': (f'answers 429 with Retry-After: {PAUSE}', {'do': 'status', 'status': 429, 'retry_after': PAUSE, 'times': 1}, True, '429 Too Many Requests', ()),
    'cuts-off-once': ('cuts off in the middle', {'do': 'cut', 'times': 1}, True, 'retrying', ()),
    'cuts-off': ('cuts off in the middle, always', {'do': 'cut'}, False, 'cut off', ONCE_MORE),
    'talks-garbage': ('answers with something that is no HTTP', {'do': 'garbage'}, False, 'cannot be understood', ONCE_MORE),
}
DOWNLOADS = {
    'stalls-inside': ('stops in the middle of a body', {'do': 'stall', 'at': 'body'}, False, 'nothing moved for 3', ONCE_MORE),
    'announces-more': ('announces more bytes than it has', {'do': 'too-long'}, False, 'cut off', ONCE_MORE),
    'announces-less': ('sends more bytes than it announced', {'do': 'too-short'}, False, 'sent more than the', ONCE_MORE),
    'sends-a-page': ('sends a web page', {'do': 'page'}, False, 'HTML page', ONCE_MORE),
}
UPLOADS = {
    'announces-more': ('announces a longer answer than it gives', {'do': 'too-long'}, True, '', ()),
    'sends-a-page': ('answers with a web page', {'do': 'page'}, False, 'web page', ONCE_MORE),
}
SHORT = ('blobstore-503-twice', 'blobstore-cuts-off-once', 'blobstore-announces-less', 'file-server-refuses', 'cc-uploader-resets',
         'cc-uploader-429', 'blobstore-expired')


@group('a server goes wrong')
def on_the_wire():
    for service, path in WHERE.items():
        for name, (what, rule, passes, says, agent) in {**BOTH, **(UPLOADS if service == 'cc-uploader' else DOWNLOADS)}.items():
            yield fault(service, f'{service}-{name}', f'{service} {what}', {'path': path, **rule}, passes, says, agent)
    yield fault('blobstore', 'blobstore-sends-another-archive', 'blobstore sends another archive than the one asked for',
                {'path': WHERE['blobstore'], 'do': 'other'}, False, 'is not what the request asks for', ONCE_MORE, style='2026')


@group('a certificate is wrong')
def on_tls():
    kinds = {'expired': ('has expired', 'has expired'), 'unknown': ('is signed by somebody unknown', 'not trusted here'),
             'other-host': ('is for another host', 'not for')}
    for service in WHERE:
        for name, (what, says) in kinds.items():
            yield fault(service, f'{service}-{name}', f"{service}'s certificate {what}", {'certificate': name}, False, says, ONCE_MORE, style='2026')


def fault(service, name, what, rule, passes, says, agent, style='2016'):
    code = 6 if service == 'cc-uploader' else 4
    ends = {'codes': (0,), 'page': 'new', 'droplet': 'new'} if passes else {'codes': (code,)}
    # A droplet of which Cloud Controller has heard nothing, or half, is not there.
    return Fault(name, what, lambda lane: goes_wrong(lane, service, rule, agent, style), says=says, short=name in SHORT, **ends)


def goes_wrong(lane, service, rule, agent, style):
    does = rule.get('do')
    large = service == 'cc-uploader' and does in ('stall', 'trickle')
    lane.push(style=style, **({'bulk': LARGE} if large else {}))
    told = lane.rule(service, **rule)
    if does == 'refuse':
        lane.hit(told, 'closed', patience=5)
    run = lane.restage(agent=agent)
    run.end(lane.within)
    if does != 'refuse':
        done = lane.hit(told, does or '', patience=0)
        if does == 'status' and len(done) < rule.get('times', 1):
            raise NotInjected(f'it was asked {len(done)} times only')
        if 'retry_after' in rule:
            waited(lane, done)
    elif 'refused' not in run.all_words:
        raise NotInjected(f'nobody was refused: {run.last_words()}')
    return run


def waited(lane, done):
    """Whoever was asked to wait has done so."""
    later = [line['at'] for line in lane.log() if line['service'] == done[0]['service'] and line['what'] == done[0]['what'] and line['at'] > done[0]['at']]
    if not later or min(later) - done[0]['at'] < PAUSE:
        lane.complaints.append(f'it did not wait {PAUSE} s')
