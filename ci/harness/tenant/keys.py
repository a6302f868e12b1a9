"""A key of the machine's, which restage hands to the agent: no builder may read it."""
import os
import shutil

from harness.tenant.attempt import NotSetUp, enlist

READING = 'grep -rls "PRIVATE KEY-----" /etc/stager /run /tmp /dev/shm /var/tmp | sed "s/^/readable: /"'


def handed_over(scene, owner, mode, user='vcap', in_one_file=False):
    """Stages with the key; what the builder could read of it."""
    cert, key = scene.folder / 'cert.pem', scene.folder / 'key.pem'
    shutil.copyfile(scene.world.state / 'certs/server.pem', cert)
    shutil.copyfile(scene.world.state / 'certs/server.key', key)
    if in_one_file:
        cert.write_text(cert.read_text() + key.read_text())
    closed = cert if in_one_file else key
    os.chown(closed, *owner)
    os.chmod(closed, mode)
    app = scene.app().builds(READING)
    app.builder['user'] = user
    done = scene.restage('--request', app.file('staging'), '--no-image', '--cert', cert, *(() if in_one_file else ('--key', key)), home=app.home)
    if done.code != 2 and '-----> the builder runs' not in done.lines:
        raise NotSetUp(f'the builder did not run; {done.why()}')
    seen = [line for line in done.lines if line.startswith('readable: ')]
    return seen[0] if seen else None


for name, what, options in (
    ('owner', "belongs to the builder's user", {'owner': (2000, 0), 'mode': 0o600}),
    ('group', "belongs to the builder's group", {'owner': (0, 2000), 'mode': 0o640}),
    ('root', 'belongs to root, and the request runs its builder as root', {'owner': (0, 0), 'mode': 0o600, 'user': 'root'}),
    ('another-user', 'belongs to the user of the request, which is not vcap', {'owner': (1, 0), 'mode': 0o600, 'user': 'daemon'}),
    ('a-number', "belongs to root's group, which a user without an entry has", {'owner': (0, 0), 'mode': 0o640, 'user': '77'}),
    ('a-number-with-group', 'belongs to the group that the request names by its number', {'owner': (0, 42), 'mode': 0o640, 'user': '2000:42'}),
    ('one-file', "is in the file of the certificate, which belongs to the builder's user", {'owner': (2000, 2000), 'mode': 0o600, 'in_one_file': True}),
):
    enlist(f'key-of-{name}', f'the builder reads the key of --key: it {what}', __name__, lambda scene, options=options: handed_over(scene, **options))
