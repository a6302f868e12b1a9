"""Imports run downwards: no circle of files in a crate, and none of folders.

    ci/imports                 every crate of the workspace; ends with 1 where there is a circle
    ci/imports CRATE           that crate
    ci/imports CRATE --arrows  each arrow between its files too, with the names that it carries

An arrow goes to the file that defines a name, however many `pub use` hand it on. Tests are left out. A folder is its
own module file and all below; among the members of a folder, arrows must run one way as well.
"""

import re
import sys
from collections import defaultdict

from harness import command
from harness.command import TOP

CRATES = [
    'shared-model', 'name-lookup', 'parallel-gzip', 'tarball', 'tls-trust', 'http-client', 'stager-agent', 'app-supervisor', 'host-cli',
    'examples/mini-hcf', 'examples/lifecycle',
]
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|\b[bc]?r(#*)".*?"\1|[bc]?"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', re.S)
DEFINED = re.compile(r'\b(?:fn|struct|enum|union|const|static|trait|type|macro_rules!)\s+(?:mut\s+)?(\w+)')
WITHIN = re.compile(r'\bpub\(in [^)]*\)')
DECLARED = re.compile(r'(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;')
USE = re.compile(r'(?P<shown>pub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);')
PATH = re.compile(r'(?<![\w:.])\w+(?:::\w+)+')


def without_tests(text):
    """The code alone: no comments, no strings, nothing behind `cfg(test)`."""
    text = WITHIN.sub('pub ', NOT_CODE.sub(' ', text))
    kept, at = [], 0
    for mark in re.finditer(r'#\[cfg\((?:test|(?:all|any)\((?!not)[^\]]*\b(?:test|fuzzing))[^\]]*\]', text):
        if mark.start() < at:
            continue
        kept.append(text[at : mark.start()])
        at = item_end(text, mark.end())
    return ''.join(kept) + text[at:]


def item_end(text, at):
    depth = 0
    for place in range(at, len(text)):
        if text[place] == '{':
            depth += 1
        elif text[place] == '}':
            depth -= 1
            if depth == 0:
                return place + 1
        elif text[place] == ';' and depth == 0:
            return place + 1
    return len(text)


def leaves(tree, before=()):
    """`a::{b, c::d as e}` as `(("a", "b"), "b"), (("a", "c", "d"), "e")`."""
    tree = tree.strip()
    start, brace, rest = tree.partition('{')
    if brace:
        path = before + tuple(part for part in start.strip().split('::') if part)
        depth, piece, pieces = 0, '', []
        for char in rest.rsplit('}', 1)[0]:
            depth += (char == '{') - (char == '}')
            if char == ',' and depth == 0:
                pieces.append(piece)
                piece = ''
            else:
                piece += char
        for inner in filter(str.strip, [*pieces, piece]):
            yield from leaves(inner, path)
        return
    path, _, alias = tree.partition(' as ')
    path = before + tuple(part.strip() for part in path.split('::') if part.strip())
    if path and path[-1] == 'self':
        path = path[:-1]
    if path:
        yield path, alias.strip() or path[-1]


class Module:
    def __init__(self, path, file, code):
        self.path, self.file = path, file
        self.children = set(DECLARED.findall(code))
        self.body = DECLARED.sub('', USE.sub('', code))
        self.defined = set(DEFINED.findall(self.body))
        self.uses, self.globs, self.shown = {}, [], set()
        for use in USE.finditer(code):
            for route, name in leaves(use['tree']):
                if name == '*':
                    self.globs.append(route[:-1])
                elif name != '_':
                    self.uses[name] = route
                    if use['shown']:
                        self.shown.add(name)


class Crate:
    def __init__(self, folder):
        self.name, self.source, self.modules = folder.name.replace('-', '_'), folder / 'src', {}
        for root in ('lib.rs', 'main.rs'):
            if (self.source / root).exists():
                self.read((root[:-3],), self.source / root, self.source)

    def read(self, path, file, below):
        module = Module(path, file, without_tests(file.read_text()))
        self.modules[path] = module
        for child in sorted(module.children):
            for place in (below / f'{child}.rs', below / child / 'mod.rs'):
                if place.exists():
                    self.read((*path, child), place, below / child)

    def absolute(self, module, route):
        """Where a path starts: a module and what is left of the path; nothing for another crate's."""
        head, rest = route[0], route[1:]
        if head == 'crate':
            return self.modules[module.path[:1]], rest
        if head == self.name and ('lib',) in self.modules:
            return self.modules[('lib',)], rest
        if head == 'self':
            return module, rest
        if head == 'super':
            at = module.path[:-1]
            while rest and rest[0] == 'super':
                at, rest = at[:-1], rest[1:]
            return self.modules[at], rest
        if head in module.children or head in module.uses:
            return module, route
        return None

    def definer(self, module, route, seen=()):
        """The module whose file defines what a path names."""
        start = self.absolute(module, route)
        if not start or (module.path, route) in seen:
            return None
        seen = (*seen, (module.path, route))
        at, rest = start
        while rest:
            name = rest[0]
            if name in at.children and (*at.path, name) in self.modules:
                at, rest = self.modules[(*at.path, name)], rest[1:]
            elif name in at.uses and name not in at.defined:
                return self.definer(at, at.uses[name] + rest[1:], seen)
            elif name in at.defined:
                return at
            else:
                for glob in at.globs:
                    found = self.definer(at, glob + rest, seen)
                    if found and rest[0] in found.defined:
                        return found
                return at
        return at

    def arrows(self):
        """(file, file) → the names taken."""
        found = defaultdict(set)
        for module in self.modules.values():
            words = set(re.findall(r'\w+', module.body))
            taken = [(route, name) for name, route in module.uses.items() if name not in module.shown or name in words]
            taken += [(tuple(path.split('::')), None) for path in PATH.findall(module.body)]
            for route, name in taken:
                target = self.definer(module, route)
                if target and target.file != module.file:
                    found[module.file, target.file].add(name or '::'.join(route[-2:]))
        return found


def circles(arrows):
    """Strongly connected sets of more than one (Tarjan's way, with a stack of our own for deep graphs)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(arrows.get(node, ())):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            ring = []
            while not ring or ring[-1] != node:
                ring.append(stack.pop())
            if len(ring) > 1:
                found.append(sorted(ring))

    sys.setrecursionlimit(10_000)
    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def members(source, file):
    """A file as the rooms that it lies in, from the crate down: `fetch/body.rs` is in `fetch`, and there `body`."""
    parts = list(file.relative_to(source).with_suffix('').parts)
    return parts[:-1] if parts[-1] in ('mod', 'lib', 'main') else parts


def folder_arrows(source, arrows):
    """For each folder, the arrows among its members."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for (one, other), names in arrows.items():
        here, there = members(source, one), members(source, other)
        shared = 0
        while shared < min(len(here), len(there)) and here[shared] == there[shared]:
            shared += 1
        if shared < len(here) and shared < len(there):
            found['/'.join(here[:shared])][here[shared]][there[shared]] |= names
    return found


def check(folder, show):
    crate = Crate(folder)
    arrows = crate.arrows()

    def name(file):
        return str(file.relative_to(crate.source))

    graph = defaultdict(set)
    for one, other in arrows:
        graph[one].add(other)
    if show:
        for (one, other), names in sorted(arrows.items()):
            print(f"{name(one)} -> {name(other)}: {', '.join(sorted(names))}")
    wrong = 0
    for ring in circles(graph):
        wrong += 1
        print(f"{folder.name}: a circle of {len(ring)} files: {', '.join(map(name, ring))}")
        for (one, other), names in sorted(arrows.items()):
            if one in ring and other in ring:
                print(f"    {name(one)} -> {name(other)}: {', '.join(sorted(names))}")
    for place, between in sorted(folder_arrows(crate.source, arrows).items()):
        for ring in circles(between):
            wrong += 1
            print(f"{folder.name}: a circle in {place or 'src'}: {', '.join(ring)}")
            for one in ring:
                for other in ring:
                    if names := between[one].get(other):
                        print(f"    {one} -> {other}: {', '.join(sorted(names))}")
    return len(crate.modules), len(arrows), wrong


def main():
    options = command.Options(__doc__)
    options.add_argument('crate', nargs='?', choices=CRATES)
    options.add_flags('--arrows')
    given = options.parse_args()
    counts = [check(TOP / crate, given.arrows) for crate in ([given.crate] if given.crate else CRATES)]
    files, arrows, wrong = map(sum, zip(*counts, strict=True))
    print(f'files={files} arrows={arrows} circles={wrong}')
    return 1 if wrong else 0


command.run(main, 'imports')
