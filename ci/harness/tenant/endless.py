"""A builder that prints without end: neither the engine's disk nor host-cli's output may take it all."""
import os
import subprocess
import threading

from harness.engine import HERE as engine
from harness.tenant.attempt import NotSetUp, attempt
from harness.tenant.scene import LIMIT

PRINTED = 160  # MiB
MOST = 80 << 20
IN_A_LOG = 1 << 20


def staged(scene):
    """Stages an app whose builder prints 160 MiB: the largest log that its container had, how much came out, the exit code."""
    app = scene.app().builds(f'yes {"y" * 255} | head -c {PRINTED}M')
    words = scene.restaging('--request', app.file('staging'), '--no-image', volume='endless', output=())
    process = scene.start(*words, stderr=subprocess.DEVNULL)
    out = [0, b'']

    def read():
        while chunk := process.stdout.read1(1 << 20):
            out[0] += len(chunk)
            out[1] = (out[1] + chunk)[-2000:]
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    most = 0
    log = None
    while process.poll() is None and reader.is_alive():
        if log is None:
            log = next(iter(logs_of(app)), None)
        most = max(most, size(log))
        reader.join(0.1)
    try:
        process.wait(LIMIT)
    finally:
        process.kill()
    reader.join(5)
    return most, out[0], process.returncode, out[1].decode(errors='replace'), log


def logs_of(app):
    """The files, or the drivers' names, of the staging's logs."""
    for one in engine.listed('container', f'stager.app-guid={app.guid}'):
        found = engine.inspected('container', one)
        if found:
            yield found['LogPath'] or found['HostConfig']['LogConfig']['Type']


def size(log):
    folder, name = os.path.split(log or '')
    if not folder or not os.path.isdir(folder):
        return 0
    return sum(one.stat().st_size for one in os.scandir(folder) if one.name.startswith(name))


@attempt
def builder_that_fills_the_log(scene):
    """what a builder prints fills the engine's disk with a log that nobody reads"""
    most, _, code, said, log = scene.shared(staged)
    if log is None:
        raise NotSetUp(f'the staging was not seen; exit code {code}: {said[-200:]}')
    return f'its log took {most >> 20} MiB' if most > IN_A_LOG else None


@attempt
def builder_that_fills_the_output(scene):
    """what a builder prints comes out of host-cli without a bound"""
    _, out, code, said, _ = scene.shared(staged)
    if out < 1 << 20:
        raise NotSetUp(f'it printed {out} bytes; exit code {code}: {said[-200:]}')
    return f'{out >> 20} MiB came out' if out > MOST else None


@attempt
def builder_that_is_ended_for_its_words(scene):
    """a builder that prints too much cannot be staged any more"""
    _, _, code, said, _ = scene.shared(staged)
    return None if code == 0 else f'exit code {code}: {said[-200:]}'
