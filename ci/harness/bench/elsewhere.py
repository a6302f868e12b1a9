"""Measuring on another engine than docker's own."""
import os
import subprocess

from harness.command import Unavailable
from harness.engine import HERE as engine
from harness.engine import LOAD_PATIENCE


def have_image(name, elsewhere):
    """Copies an image from the engine that is there anyway to the one that is measured, where that lacks it."""
    if engine.image_id(name):
        return
    if not elsewhere:
        raise Unavailable(f'there is no {name}; docker/build makes it')
    here = {variable: value for variable, value in os.environ.items() if variable != 'DOCKER_HOST'}
    save = subprocess.Popen(['docker', 'save', name], stdout=subprocess.PIPE, env=here)
    engine.docker('load', stdin=save.stdout, patience=LOAD_PATIENCE)
    if save.wait():
        raise Unavailable(f'{name} cannot be copied to {elsewhere}')
