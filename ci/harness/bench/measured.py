"""Runs a command and writes what it took.

    measured FILE COMMAND...     appends to FILE: wall, user and system microseconds, the largest resident set in KiB

User and system time are the command's and its children's; the resident set is that of the largest of them. Ends as the
command does.
"""

import os
import sys
import time

file, *command = sys.argv[1:]
started = time.monotonic_ns()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, used = os.wait4(child, 0)
wall = time.monotonic_ns() - started
with open(file, 'a') as out:
    print(wall // 1000, int(used.ru_utime * 1e6), int(used.ru_stime * 1e6), used.ru_maxrss, file=out)
sys.exit(os.waitstatus_to_exitcode(status))
