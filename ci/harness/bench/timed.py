"""A command, its time and its memory."""

import os
import subprocess
import time

from harness import command


def run(*words, **more):
    """Runs to the end, and gives seconds and the peak of its own memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise command.Unavailable(f"{' '.join(map(str, words))}: {said.decode(errors='replace')}")
    return time.monotonic() - began, used.ru_maxrss / 1024
