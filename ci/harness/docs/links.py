"""What documents point at: links, anchors, files of code, and errors that they quote."""
import re
import subprocess
import unicodedata

from harness.command import TOP


def documents():
    """All Markdown files, the front door first."""
    listed = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.md']
    files = subprocess.run(listed, cwd=TOP, check=True, capture_output=True, text=True).stdout.split()
    return sorted((TOP / file for file in files), key=lambda file: (file != TOP / 'README.md', file))


def anchor(heading):
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).replace('`', '').strip().lower()
    kept = (c for c in plain if c in ' -_' or unicodedata.category(c)[0] in 'LNM')
    return ''.join(kept).replace(' ', '-')


def prose(text):
    """A document without its code."""
    return re.sub(r'`[^`\n]*`', '', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S))


def anchors(text):
    found, seen = set(), {}
    for heading in re.findall(r'^#{1,6} (.+)$', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S), re.M):
        name = anchor(heading)
        found.add(f'{name}-{seen[name]}' if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return found


def links():
    """Every local link leads to a tracked file, and its anchor to a heading there."""
    count = wrong = 0
    for file in documents():
        targets = re.findall(r'\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"', prose(file.read_text()))
        for target in (one or other for one, other in targets):
            if re.match(r'[a-z]+:', target):
                continue
            count += 1
            path, _, name = target.partition('#')
            there = (file.parent / path).resolve() if path else file
            why = None
            if not there.exists():
                why = 'there is no such file'
            elif name and name not in anchors(there.read_text()):
                why = 'that document has no such heading'
            if why:
                wrong += 1
                print(f'{file.relative_to(TOP)}: {target}: {why}')
    print(f'links={count} wrong={wrong}')
    return wrong == 0


def paths():
    """A file of code that a document names is there: from the root, or within a crate's sources."""
    crates = [TOP, *(TOP / crate / 'src' for crate in ('host-cli', 'stager-agent', 'app-supervisor', 'shared-model'))]
    count = wrong = 0
    for file in documents():
        if file.parent not in (TOP, TOP / 'docs') or file.name == 'CHANGELOG.md':  # that tells of what has gone, too
            continue
        for path in re.findall(r'`([a-z][\w./-]*\.rs|[a-z][\w-]*(?:/[\w-]+)*/)`', file.read_text()):
            count += 1
            if not any((folder / path).exists() for folder in (*crates, file.parent)):
                wrong += 1
                print(f'{file.relative_to(TOP)}: `{path}`: there is no such file')
    print(f'paths={count} wrong={wrong}')
    return wrong == 0


def floors():
    """The picture of who may import whom: a crate's name, then lines of files and folders, each above those that it uses."""
    page = (TOP / 'docs/architecture.md').read_text()
    crates, crate = {}, None
    for line in page.split('## Who may import whom')[1].split('```')[1].splitlines():
        names = re.split(r' {2,}', line)
        crate = names[0] or crate
        if len(names) > 1:
            crates.setdefault(crate, []).append(names[1].split(' · '))
    return {crate: {name: floor for floor, names in enumerate(lines) for name in names} for crate, lines in crates.items()}


def imports():
    """No import that the picture of the architecture does not allow."""
    count = wrong = 0
    for crate in ('host-cli', 'stager-agent', 'app-supervisor'):
        floor = {**floors()[crate], 'lib': -1, 'main': -2}
        told = subprocess.run([TOP / 'ci/imports', crate, '--arrows'], check=True, capture_output=True, text=True).stdout
        arrows = re.findall(r'^([\w-]+)\S* -> ([\w-]+)\S*: (.*)$', told, re.M)
        for one, other, names in arrows:
            count += one != other
            if one != other and (one not in floor or other not in floor or floor[one] >= floor[other]):
                wrong += 1
                print(f'docs/architecture.md: {crate}: {one} uses {names} of {other}')
    print(f'imports={count} wrong={wrong}')
    return wrong == 0


def quotes():
    """What the page on trouble says that one sees is something that the programs say; `…` stands for what differs."""
    listed = subprocess.run(['git', 'ls-files', '*.rs'], cwd=TOP, check=True, capture_output=True, text=True)
    code = ''.join((TOP / file).read_text() for file in listed.stdout.split())
    texts = re.findall(r'"((?:\\.|[^"\\])*)"', re.sub(r'^\s*//.*', '', code, flags=re.M), re.S)
    said = '\n'.join(re.sub(r'\\\n\s*', '', text) for text in texts)
    page = (TOP / 'docs/troubleshooting.md').read_text()
    cells = re.findall(r'^\| ([^|]*) \|', page, re.M)
    shown = [quote for cell in cells for quote in re.findall(r'`([^`]+)`', cell)]
    lost = [quote for quote in shown if not re.search('.{1,40}'.join(map(re.escape, quote.split('…'))), said)]
    for quote in lost:
        print(f'docs/troubleshooting.md: no program says `{quote}`')
    print(f'quotes={len(shown)} wrong={len(lost)}')
    return not lost
