"""What an app can do in its container: set-user-id programs, capabilities, processes, its log."""
import json

from harness.engine import HERE as engine
from harness.processes import until
from harness.tenant.attempt import NotSetUp, attempt

# Runs as the app itself, and prints what it got as one line of JSON.
TENANT = r"""
import json, os, subprocess, threading, time
found = {}
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
found["caps"] = {name: status["Cap" + name].strip() for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
found["uid"] = os.getuid()
for program in ("/bin/su", "/usr/bin/newgrp", "/bin/mount", "/usr/bin/passwd"):
    if os.path.exists(program) and os.stat(program).st_mode & 0o4000:
        one = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        uids = set()
        for _ in range(50):
            try:
                uids |= set(next(line for line in open(f"/proc/{one.pid}/status") if line.startswith("Uid:")).split()[1:])
            except (OSError, StopIteration):
                break
            time.sleep(0.004)
        one.kill()
        found.setdefault("programs", {})[program] = sorted(uids)
threading.stack_size(32768 + 32768)
ended, threads = threading.Event(), 0
try:
    while threads < 1500:
        threading.Thread(target=ended.wait, daemon=True).start()
        threads += 1
except RuntimeError:
    pass
found["threads"] = threads
ended.set()
print(json.dumps(found), flush=True)
time.sleep(600)
"""


def told(scene, process='web'):
    """What the app says that it got, and what the engine knows of its container."""
    app = scene.app().starts('exec python3 -c "$TENANT"', TENANT=TENANT)
    file = scene.folder / 'result.json'
    file.write_text(json.dumps({'process_types': {'worker': 'exec python3 -c "$TENANT"'}}))
    scene.image(app, '--result', file)
    container = scene.launched(app, '--process', process)
    if not until(lambda: '"threads"' in engine.docker('logs', container), 30):
        raise NotSetUp('the app told nothing')
    said = engine.run('logs', container).stdout
    found = json.loads(next(line for line in said.splitlines() if '"threads"' in line))
    if found['uid'] == 0:
        raise NotSetUp('the app runs as root')
    return found, engine.inspected('container', container)


def worker(scene):
    return told(scene, 'worker')


@attempt
def set_user_id_program(scene):
    """an app becomes root by a set-user-id program of the root file system"""
    found, _ = scene.shared(told)
    if not found.get('programs'):
        raise NotSetUp('the root file system has no such program')
    roots = [program for program, uids in found['programs'].items() if '0' in uids]
    return f'{", ".join(roots)} ran as root' if roots else None


@attempt
def capabilities(scene):
    """an app that is not root can come to capabilities"""
    found, _ = scene.shared(told)
    left = {name: value for name, value in found['caps'].items() if int(value, 16)}
    return f'it has {left}' if left else None


@attempt
def processes_without_end(scene):
    """an app starts more than 1024 processes and threads"""
    found, _ = scene.shared(told)
    return f'{found["threads"]} threads' if found['threads'] > 1024 else None


@attempt
def worker_with_more_rights(scene):
    """another process of the app than web has more rights, or more processes"""
    found, _ = scene.shared(worker)
    got = [program for program, uids in found.get('programs', {}).items() if '0' in uids]
    got += [f'{found["threads"]} threads'] if found['threads'] > 1024 else []
    got += ['capabilities'] if any(int(value, 16) for value in found['caps'].values()) else []
    return ', '.join(got) or None


@attempt
def log_without_end(scene):
    """what an app prints fills the disk of the engine"""
    _, container = scene.shared(told)
    kept = container['HostConfig']['LogConfig']
    bounded = kept['Type'] in ('none', 'local') or kept['Config'].get('max-size')
    return None if bounded else f'the log driver {kept["Type"]} has no bound'
