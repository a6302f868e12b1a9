"""An archive and what has to become of it."""
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refused:
    """The agent ends with 4, and says this, among other things, as the reason."""
    words: str


@dataclass(frozen=True)
class Link:
    """A symbolic link."""
    target: str


@dataclass(frozen=True)
class Directory:
    """A directory that is named; those above something that is named need not be."""
    mode: int = 0o755


@dataclass(frozen=True)
class File:
    """A file. Contents of a megabyte and more are given as their size."""
    contents: bytes | int
    mode: int = 0o644


@dataclass(frozen=True)
class Archive:
    """One archive. `body` is its bytes, or makes an endless row of pieces of them."""
    group: str
    name: str
    holds: str
    body: bytes | Callable
    expected: Refused | dict
    options: tuple = ()
    warning: str = ''
    described: str = field(default='')
