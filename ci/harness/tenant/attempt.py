"""What an attempt is: a function that sets an attack up, carries it out, and tells by the effect what it got."""

from harness.command import Unavailable

ATTEMPTS = []


class NotSetUp(Unavailable):
    """The attack could not be made ready; what was seen then would prove nothing."""


def attempt(function):
    """It takes a scene and returns what it got, in words; nothing where it was denied. Its first line says what is tried."""
    return enlist(function.__name__.strip('_').replace('_', '-'), function.__doc__, function.__module__, function)


def enlist(name, what, group, function):
    """For attempts that differ in a word. `group` is a module; those of a group share what it has made, and run one after the other."""
    function.attempt, function.what, function.group = name, what, group.rpartition('.')[2]
    ATTEMPTS.append(function)
    return function


def groups():
    found = {}
    for one in ATTEMPTS:
        found.setdefault(one.group, []).append(one)
    return found
