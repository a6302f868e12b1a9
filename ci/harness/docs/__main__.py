"""Runs the commands that the documents show, against a mini-HCF, and checks their links.

    ci/docs                   runs each block marked `console run`, in the order in which they stand, and says which failed
    ci/docs --write           the same on a terminal of its own; writes what was shown into the blocks and the pictures
    ci/docs --links           no engine: links, anchors and paths lead somewhere, the picture of the architecture allows all
                              imports, and programs say what the page on trouble quotes
    ci/docs FILE …            only the blocks of these documents

A block is a session: lines that begin with `$ ` are typed, what follows each is what it showed.

    ```console run            every command must end with 0
    ```console run exit=3     the last one must end with 3

A picture is a comment, `<!-- session docs/session.svg`, with such commands, closed by `-->`.

The commands run in an empty home folder beside a mini-HCF that has an app, my-app, and a registry, $REGISTRY.

Needs a Docker Engine, the images of docker/build, the programs of ci/build-static in STAGER_STATIC_BIN (else target/static),
Debian's docker-registry, and with --write python3-pyte. Everything it makes on the engine bears a name of its own, and is removed.
"""
from pathlib import Path

from harness import command
from harness.docs import links, sessions


def main():
    options = command.Options(__doc__)
    options.add_argument('files', nargs='*', type=lambda file: Path(file).resolve())
    options.add_flags('--write', '--links')
    given = options.parse_args()
    if given.links:
        good = all([links.links(), links.paths(), links.imports(), links.quotes()])
    else:
        act = sessions.write if given.write else sessions.check
        good = act(given.files or links.documents())
    return 0 if good else 1


command.run(main, 'docs')
