"""What a tenant's text can do to an image: forge its labels, leave its folder, tell a password."""
import json
import subprocess

from harness.archives.droplets import member
from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt, enlist

BREAKING_OUT = '"\nLABEL stager.app-guid=FORGED\nUSER root\nENV EVIL=1\n#'


def image_with(scene, app, result, way):
    file = scene.folder / 'result.json'
    file.write_text(json.dumps(result))
    return engine.inspected('image', scene.tiny_image(app, '--result', file, '--image-by', way))['Config']


def forged(scene, way):
    app = scene.app(f'x{BREAKING_OUT}')
    config = image_with(scene, app, {'lifecycle_metadata': {'detected_buildpack': f'y{BREAKING_OUT}'}, 'process_types': {'web': f'z{BREAKING_OUT}\\'}}, way)
    if config['Labels']['stager.app-guid'] != app.guid:
        return "the image is another app's"
    return 'the image has another user or variable' if config['User'] != 'vcap' or 'EVIL=1' in config['Env'] else None


for way in ('load', 'build'):
    enlist(f'labels-that-break-out-{way}', f'name, buildpack and start command with line ends and quotes forge labels, by --image-by {way}', __name__,
           lambda scene, way=way: forged(scene, way))


@attempt
def password_in_a_label(scene):
    """a buildpack's URL with a password becomes a label of the image"""
    url = 'https://me:label-passw0rd@git.example.com/pack?token=label-t0ken'
    for buildpack in (url, f'Go from {url} and others'):
        config = image_with(scene, scene.app(), {'lifecycle_metadata': {'detected_buildpack': buildpack}, 'process_types': {}}, 'load')
        told = [value for value in config['Labels'].values() if 'label-passw0rd' in value or 'label-t0ken' in value]
        if told:
            return told[0]
    return None


LEAVING = {
    'a-link': [(member('./app/link', b'2', link='/tmp/lifecycle'), b''), (member('./app/link/launcher'), b'evil')],
    'a-dotted-name': [(member('./app/../../../tmp/lifecycle/launcher'), b'evil')],
    'a-whole-name': [(member('/tmp/lifecycle/launcher'), b'evil')],
    'a-hard-link': [(member('./app/hard', b'1', link='/tmp/lifecycle/launcher'), b'')],
    'a-link-for-home': [(member('./', b'2', link='/tmp'), b''), (member('./lifecycle/launcher'), b'evil')],
    'a-deletion': [(member('./app/.wh...'), b''), (member('./.wh..wh..opq'), b'')],
    'a-set-user-id-program': [(member('./app/su', mode=0o6755), b'#!')],
    'a-device': [(member('./app/disk', b'4'), b'')],
}


def leaving(scene, more):
    app = scene.app()
    done = scene.make_image(app, '--base', scene.world.tiny, droplet=scene.droplet('leaves', more))
    if done.code not in (0, 7):
        raise NotSetUp(done.why())
    return seen_in(scene, scene.image_of(done)) if done.code == 0 else None


def seen_in(scene, image):
    """What an engine makes of the image that it should not have."""
    container = scene.created(image, 'true')
    listing = subprocess.run(['sh', '-c', f'docker export {container} | tar -tvf -'], text=True, stdout=subprocess.PIPE, check=True).stdout
    engine.remove('container', container)
    entries = [line.split(None, 5) for line in listing.splitlines()]
    launcher = [entry for entry in entries if entry[5] == 'tmp/lifecycle/launcher']
    if not launcher or int(launcher[0][2]) < 1000 or any('home/vcap/app/hard' in entry[5] for entry in entries):
        return f'the launcher is {launcher}'
    if not any(entry[5].startswith('home/vcap/app/serve') for entry in entries):
        return 'the app has been deleted'
    odd = [entry for entry in entries if ('s' in entry[0][1:] and entry[5].startswith('home/')) or (entry[0][0] in 'bc' and entry[5].startswith('home/'))]
    return f'it has {odd[0]}' if odd else None


for name, more in LEAVING.items():
    enlist(f'droplet-with-{name}', f'a droplet reaches out of its folder by {name.replace("-", " ")}', __name__, lambda scene, more=more: leaving(scene, more))
