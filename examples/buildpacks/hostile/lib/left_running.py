"""Processes that want to outlive the run that started them, and the later run that looks for them."""
import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import kernel
from report import tried

LONG = 3600
MANY, CHILDREN = 40, 5


def detached(name, live):
    """Starts `live` in a process that has left its parents, its session and its group."""
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    kernel.call_myself(name)
    live()
    os._exit(0)


def sleeps():
    time.sleep(LONG)


def ignores_signals():
    for number in range(1, 65):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    time.sleep(LONG)


def is_stopped():
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(LONG)


def hops():
    """Never the same process for long: whoever kills by number comes too late."""
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()


def multiplies():
    """A fork bomb that refills itself, but stays below the limit of processes: the builder still has programs to start."""
    for _ in range(MANY):
        if os.fork() == 0:
            break
    children = 0
    while True:
        try:
            if children < CHILDREN:
                if os.fork() == 0:
                    time.sleep(0.05)
                    os._exit(0)
                children += 1
            while children and os.waitpid(-1, os.WNOHANG)[0]:
                children -= 1
        except OSError:
            pass
        time.sleep(0.001)


def in_a_namespace():
    kernel.unshare(kernel.CLONE_NEWUSER)
    time.sleep(LONG)


def closes_all():
    os.closerange(0, 1024)
    time.sleep(LONG)


def loses_its_leader():
    """To a quick look it has ended: only its second thread runs on."""
    threading.Thread(target=time.sleep, args=(LONG,), daemon=True).start()
    kernel.syscall(kernel.EXIT, 0)


def traces_the_builder():
    """That the builder has ended is its tracer's to see, until that has ended."""
    for pid in (int(entry) for entry in os.listdir('/proc') if entry.isdigit()):
        with contextlib.suppress(OSError):
            if Path(f'/proc/{pid}/comm').read_text().strip() == 'builder':
                kernel.ptrace_along(pid)
    time.sleep(LONG)


KINDS = {
    'h-daemon': sleeps,
    'h-ignores': ignores_signals,
    'h-stopped': is_stopped,
    'h-hops': hops,
    'h-multiplies': multiplies,
    'h-namespace': in_a_namespace,
    'h-closed': closes_all,
    'h-leader': loses_its_leader,
    'h-traces': traces_the_builder,
}


def start_all():
    for name, live in KINDS.items():
        detached(name, live)
    time.sleep(0.3)


def running():
    names = []
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                names.append(Path(f'/proc/{entry}/comm').read_text().strip())
    return names


def report_all():
    time.sleep(0.3)
    names = running()
    for kind in KINDS:
        tried('outlive-' + kind.removeprefix('h-'), lambda kind=kind: kind in names and f'{names.count(kind)} of them run')
