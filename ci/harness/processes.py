"""Processes and their cgroups, as the kernel shows them; and waiting for what they do."""
import contextlib
import os
import time
from pathlib import Path


def until(true, patience=15, pause=0.1):
    """Asks until it is true, for so many seconds; whether it became so."""
    deadline = time.monotonic() + patience
    while not (now := true()) and time.monotonic() < deadline:
        time.sleep(pause)
    return bool(now)


def born(pid):
    """When a process began, in the kernel's ticks: a pid alone may be another's by now. None where it has ended."""
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == 'Z' else fields[19]


def children(pid):
    """Of a process; none where it has ended, or is None."""
    try:
        return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    except OSError:
        return []


def name_of(pid):
    try:
        return Path(f'/proc/{pid}/comm').read_text().strip()
    except OSError:
        return ''


def peak_mib(pid):
    """The most memory that it ever had."""
    try:
        lines = Path(f'/proc/{pid}/status').read_text(errors='replace').splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith('VmHWM')), 0)


def ended(pid, patience):
    """Whether a process ends within so many seconds."""
    return until(lambda: born(pid) is None, patience, 0.02)


def remove_cgroups(name):
    """An engine's own, in each hierarchy: what was killed could not remove them."""
    for top in (Path('/sys/fs/cgroup'), *Path('/sys/fs/cgroup').glob('*/')):
        for folder, _, _ in os.walk(top / name.lstrip('/'), topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
