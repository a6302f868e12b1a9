"""What a check is: a function of the scene, whose name and first line are shown."""

CHECKS = {}


class Wrong(Exception):
    """What does not hold."""


def check(act):
    """The first line of its text is what holds; it returns what was seen, for the table."""
    CHECKS[act.__name__.replace('_', '-')] = act
    return act


def sentence(act):
    return act.__doc__.partition('\n')[0]
