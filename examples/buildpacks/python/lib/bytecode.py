"""Compiles every module of an app, and keeps the results for its next staging.

    python3 bytecode.py BUILD_DIR CACHE_DIR

A module is known again by the Python that runs, its path and its text. Ends with 1 for the first that is no Python.
"""

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys


def modules(build):
    for folder, folders, files in os.walk(build):
        folders[:] = sorted(name for name in folders if not name.startswith('.') and name != '__pycache__')
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith('.py') and os.path.isfile(path):
                yield path


def key_of(path, shown):
    with open(path, 'rb') as module:
        text = module.read()
    return hashlib.sha256(f'{sys.version}\0{shown}\0'.encode(errors='surrogateescape') + text).hexdigest()


def compiled(path, shown):
    # The hash of the source decides whether bytecode is fresh: times do not survive the way into a droplet.
    try:
        return py_compile.compile(
            path, dfile=shown, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
    except py_compile.PyCompileError as error:
        for line in str(error).splitlines():
            print(f' !     {line}', file=sys.stderr)
        sys.exit(1)


def main(build, cache):
    fresh = cache + '.new'
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    from_cache = total = 0
    for path in modules(build):
        shown = os.path.relpath(path, build)
        kept = os.path.join(cache, key_of(path, shown))
        target = importlib.util.cache_from_source(path)
        total += 1
        if os.path.isfile(kept):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(kept, target)
            from_cache += 1
        else:
            target = compiled(path, shown)
        shutil.copyfile(target, os.path.join(fresh, os.path.basename(kept)))
    # Only what this app still has goes on, so the cache does not grow from staging to staging.
    shutil.rmtree(cache, ignore_errors=True)
    os.rename(fresh, cache)
    print(f'       {total} modules, {from_cache} from the cache')


main(sys.argv[1], sys.argv[2])
