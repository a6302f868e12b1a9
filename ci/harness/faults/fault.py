"""What a fault is, and what is to come of it."""
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong once. `act` brings it about in a lane and gives the run that suffered it, ended."""
    name: str
    what: str  # for people
    act: Callable
    codes: tuple  # one of these is its exit code; -9 is what a killed one ends with
    says: str = ''  # a pattern that its failure has in it, or, where it succeeds, something that it says
    within: int = 60  # seconds; then it counts as hung
    page: str = 'old'  # which version the app's image is afterwards: `old`, `new`, or `either`
    droplet: str = 'old'  # which droplet Cloud Controller has got: none but the `old`, a `new` one, or `either`
    then: str = 'restage'  # what is to go well afterwards: `restage`, or `launch`
    alone: bool = False  # nothing else may run meanwhile
    short: bool = False  # belongs to the short run


_GROUPS = {}


def group(title):
    """What a function yields are the faults of a group."""
    def register(faults):
        _GROUPS[title] = faults
        return faults
    return register


@cache
def groups():
    """All faults, by the titles of their groups."""
    return {title: list(faults()) for title, faults in _GROUPS.items()}
