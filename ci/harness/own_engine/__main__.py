"""Starts and stops throw-away container engines, each with a root file system, a network and processes of its own.

    ci/engine start KIND --root DIR [--name NAME]    prints DOCKER_HOST=unix://… when the engine answers
    ci/engine exec NAME --root DIR -- COMMAND…       runs a command in the engine's network, with its DOCKER_HOST
    ci/engine stop NAME --root DIR [--keep]          ends it and removes all that it made
    ci/engine kinds                                  lists the kinds

    --root DIR    where all lies: DIR/roots/SUITE holds the Debian packages, DIR/NAME the engine's images, socket and log
    --name NAME   several of one kind; default: the kind
    --keep        leaves DIR/roots for the next start, which saves half a minute

Needs root and mmdebstrap. The engine shares /tmp and this repository with the machine, so that containers can be given
files of both; its own socket is /var/run/docker.sock to it and to containers that mount that. An interrupted start leaves
nothing; after a kill -9, `stop` clears up. Exit codes: 0 done, 1 no engine (the reason is the last line), 2 command line.

    export $(ci/engine start docker-current --root /var/tmp/engines) && docker version
    ci/engine exec docker-current --root /var/tmp/engines -- cargo test --locked -p host-cli --test with_the_engine image::
    ci/engine stop docker-current --root /var/tmp/engines
"""
import os
from functools import partial
from pathlib import Path

from harness import command
from harness.own_engine.kinds import KINDS
from harness.own_engine.machine import Machine


def main():
    options = arguments()
    if options.verb == 'kinds':
        for kind in KINDS.values():
            print(f'{kind.name:26} {kind.what}')
        return 0
    command.need_root('ci/engine …')
    if options.verb == 'start':
        return start(options)
    machine = Machine(options.root, options.name)
    if options.verb == 'stop':
        machine.stop(keep=options.keep)
        return 0
    os.execvpe('nsenter', machine.entering(options.command), machine.environment())


def start(options):
    machine = Machine(options.root, options.name or options.kind)
    machine.start(KINDS[options.kind])
    print(f'DOCKER_HOST={machine.docker_host}')
    return 0


def arguments():
    parser = command.Options(__doc__)
    verbs = parser.add_subparsers(dest='verb', required=True, parser_class=partial(command.Options, __doc__))
    verbs.add_parser('kinds')
    starting = verbs.add_parser('start')
    starting.add_argument('kind', choices=KINDS)
    starting.add_argument('--name')
    executing = verbs.add_parser('exec')
    stopping = verbs.add_parser('stop')
    stopping.add_flags('--keep')
    for verb in (executing, stopping):
        verb.add_argument('name')
    for verb in (starting, executing, stopping):
        verb.add_argument('--root', type=Path, required=True)
    executing.add_argument('command', nargs='+')
    return parser.parse_args()


command.run(main, 'engine')
