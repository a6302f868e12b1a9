"""Lists all attempts that the buildpack reports, one a line."""
import attempts
import left_running

for name in (*attempts.ATTEMPTS, *('outlive-' + kind.removeprefix('h-') for kind in left_running.KINDS)):
    print(name)
