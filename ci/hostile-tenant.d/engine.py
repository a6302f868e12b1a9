"""The Docker Engine, as anybody with the command asks it."""
import json
import subprocess

from attempt import NotSetUp


def docker(*words, stdin=None):
    """What it printed; an attack that it refuses is not set up."""
    done = run(*words, stdin=stdin)
    if done.returncode:
        raise NotSetUp(f'docker {" ".join(map(str, words))[:120]}: {done.stderr.strip()[-300:]}')
    return done.stdout.strip()


def run(*words, stdin=None):
    return subprocess.run(['docker', *map(str, words)], text=True, input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def inspected(kind, name):
    """What the engine knows of it; nothing where there is none."""
    done = run(kind, 'inspect', name)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def image_id(name):
    found = inspected('image', name)
    return found and found['Id']


def is_there(container):
    return inspected('container', container) is not None


def is_running(container):
    found = inspected('container', container)
    return bool(found and found['State']['Running'])


def listed(kind, *filters):
    """The ids of what bears the labels, `NAME=VALUE`."""
    words = [word for one in filters for word in ('--filter', f'label={one}')]
    return sorted(set(docker(kind, 'ls', '--all', '--quiet', '--no-trunc', *words).split()))


def remove(kind, *ids):
    if ids:
        run(kind, 'rm', '--force', *ids)


def remove_all(label):
    """Containers and images with the label; an image goes only after its children."""
    remove('container', *listed('container', label))
    for _ in range(4):
        left = listed('image', label)
        if not left:
            return
        remove('image', *left)
