"""Starts a real Kubernetes in namespaces of its own, and tries there what stager does on a cluster.

    ci/kubernetes [--only NAME]... [--keep] [--markdown FILE] [--image IMAGE] [--binaries DIR] [--list]     the checks
    ci/kubernetes up [NODES]           a cluster of one node, or of so many, with a registry and this machine's images
    ci/kubernetes many [COUNT]         so many stagings by one `restage --all`, 1000 if nothing is said, with a node cut off in the middle
    ci/kubernetes k WORD...            kubectl, as one who may do everything
    ci/kubernetes on NAME WORD...      a command in all namespaces of NAME: site, node1, node2 ...
    ci/kubernetes down                 ends it and removes all that it made
    ci/kubernetes build                only what is made once

    --only NAME      this check only; several may be named. --list tells them
    --keep           leaves the cluster, to look around in it; the next run uses it, with the images that it has
    --markdown FILE  writes what happened as a table, which docs/measured/kubernetes.md is
    --image IMAGE    the stager image; default: STAGER_TEST_IMAGE, else stager:latest
    --binaries DIR   where host-cli and mini-hcf are; default: STAGER_STATIC_BIN, else target/static
    --work DIR       before the verb: where all lies; default: /var/tmp/stager-kubernetes. What is made once stays there, 700 MB:
                     Kubernetes' programs, built from Debian's source package (five to eight minutes; Debian's newest is
                     1.20), and the nodes' root file system. After `down`, removing DIR removes everything

The checks start a cluster of two nodes, bring the mini-HCF into it as pods, and end it; about twenty minutes. One that cannot be
tried is skipped, with the reason. Nothing of it touches this machine's network or processes, and nothing is left after `down`,
also when something was killed. Needs root, and what ci/setup, ci/build-static and docker/build make. The last line is
`checks=… passed=… failed=… skipped=…`; the exit code is 0 when none failed and at least one passed.
"""
import os
import subprocess
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path

from harness import command
from harness.engine import EngineError
from harness.kubernetes import report
from harness.kubernetes.addresses import MOST_NODES
from harness.kubernetes.check import CHECKS, Wrong, sentence
from harness.kubernetes.cluster import Cluster, ClusterError
from harness.kubernetes.hcf import ClusterHcf
from harness.kubernetes.images import BASE, Images
from harness.kubernetes.scene import NAMESPACE, Scene

WORK = Path('/var/tmp/stager-kubernetes')
NODES = 2
MANY = 1000
MODULES = ('staging', 'examples', 'hostile', 'launching', 'roles', 'client', 'client_many', 'faults', 'many')  # of the checks, in their order


def main():
    options = arguments()
    if options.list:
        for name, act in CHECKS.items():
            print(f'{name:20} {sentence(act)}')
        return 0
    command.need_root('ci/kubernetes …')
    cluster = Cluster(options.work.resolve())
    if options.verb is None:
        return run(cluster, options)
    if options.verb == 'many':
        return run(cluster, options, {'many': import_module('harness.kubernetes.client_many').of(options.count)})
    if options.verb == 'build':
        cluster.supplies.provide()
    elif options.verb == 'up':
        start(cluster, options.nodes, options.image)
        print(cluster.k('get', 'nodes', '--output', 'wide'), end='')
    elif options.verb == 'down':
        hcf = ClusterHcf(options.binaries, cluster)
        if hcf.state.exists():
            hcf.leave_engine()  # where its start was broken off
        cluster.down()
    else:
        words = cluster.kubectl(*options.words) if options.verb == 'k' else [*cluster.into(options.name), *options.words]
        os.execvp(words[0], words)
    return 0


def start(cluster, nodes, stager):
    """A cluster with the images; whose namespace for apps may pull."""
    cluster.up(nodes)
    images = Images(cluster)
    images.give_login()
    images.give_namespace(NAMESPACE)
    images.to_nodes(stager)
    images.to_registry(command.ROOTFS, BASE)


def run(cluster, options, checks=CHECKS):
    """Makes these checks, of those that were named."""
    hcf = ClusterHcf(options.binaries, cluster)
    scene = Scene(cluster, Images(cluster), hcf, options.binaries / 'host-cli', options.image)
    try:
        if not cluster.running('site'):  # else --keep has left one
            began = time.monotonic()
            start(cluster, NODES, options.image)
            hcf.up()
            print(f'--- {NODES} nodes, a registry, the mini-HCF: {time.monotonic() - began:.0f} s', flush=True)
        results = [tried(name, act, scene) for name, act in checks.items() if name in (options.only or checks)]
        versions, namespaces = cluster.versions(), cluster.namespaces()
    finally:
        scene.end_clients()
        if not options.keep:
            cluster.down()
    if not options.keep:
        results.append(tried('nothing-left', nothing_left, cluster, namespaces))
    if options.markdown:
        options.markdown.write_text(report.markdown(versions, results))
    print(report.last_line(results))
    return 0 if all(one.state != 'failed' for one in results) and any(one.state == 'passed' for one in results) else 1


def nothing_left(cluster, namespaces):
    """after its end there is no process, mount, namespace, cgroup or file of the cluster"""
    left = cluster.left(namespaces)
    if left:
        raise Wrong('\n'.join(left))
    return f'{len(namespaces)} namespaces looked for'


def tried(name, act, *world):
    result, began = report.Result(name, sentence(act)), time.monotonic()
    try:
        result.says = act(*world)
    except (Wrong, EngineError, ClusterError, subprocess.TimeoutExpired) as wrong:
        result.wrong = str(wrong) or 'it says nothing'
    except command.Unavailable as reason:
        result.skipped = str(reason)
    result.seconds = time.monotonic() - began
    print(f'    {name:20} {result.state:7} {result.seconds:4.0f} s  {result.says or result.skipped}', flush=True)
    if result.wrong:
        print('\n'.join(f'        | {line}' for line in result.wrong.splitlines()), flush=True)
    return result


def arguments():
    for name in MODULES:
        import_module(f'harness.kubernetes.{name}')
    parser = command.Options(__doc__)
    parser.add_argument('--only', action='append', choices=CHECKS, metavar='NAME')
    parser.add_flags('--list', '--keep')
    parser.add_files('--markdown')
    parser.add_programs()
    parser.add_argument('--work', type=Path, default=WORK)
    verbs = parser.add_subparsers(dest='verb', parser_class=partial(command.Options, __doc__))
    adding = {name: verbs.add_parser(name) for name in ('build', 'up', 'down', 'many', 'k', 'on')}
    adding['up'].add_argument('nodes', type=int, nargs='?', default=1, choices=range(1, MOST_NODES + 1))
    adding['many'].add_argument('count', type=int, nargs='?', default=MANY)
    adding['on'].add_argument('name')
    for name in ('k', 'on'):
        adding[name].add_argument('words', nargs='*')
    return parser.parse_args(apart(sys.argv[1:]))


def apart(words):
    """What follows `k`, and `on NAME`, is another's, also where it begins with a dash."""
    for verb, own in (('k', 0), ('on', 1)):
        if verb in words:
            end = words.index(verb) + 1 + own
            return [*words[:end], '--', *words[end:]]
    return words


command.run(main, 'kubernetes')
