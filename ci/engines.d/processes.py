"""Processes and their cgroups, as the kernel shows them."""
import os
import time
from pathlib import Path


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


def ended(pid, patience):
    """Whether a process ends within so many seconds."""
    deadline = time.monotonic() + patience
    while born(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def remove_cgroups(name):
    """The engine's own, in each hierarchy: what was killed could not remove them."""
    for top in (Path('/sys/fs/cgroup'), *Path('/sys/fs/cgroup').glob('*/')):
        for folder, _, _ in os.walk(top / name.lstrip('/'), topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
