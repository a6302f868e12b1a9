"""The two ways to stage, as command lines; and what a request says is run."""


def restage(*words, network, volume, image, output=('--output', 'json'), agent=()):
    """What follows `host-cli`: `words` say which request, and what else; `agent` are the agent's options."""
    return ['restage', *words, '--network', network, '--cache-volume', volume, '--stager-image', image, *output, *(('--', *agent) if agent else ())]


def drop_in(*options, network, image, agent=()):
    """The form without a host. The request comes on standard input, unless `options` and `agent` say otherwise."""
    return ['docker', 'run', '--rm', '--network', network, *options, image, *agent]


def run_actions(node):
    """All nodes with a `run` in a request or an action."""
    yield from having(node, 'run')


def leaves(node, kind):
    """All actions of a kind, `download`, `run` or `upload`, in their order."""
    return (found[kind] for found in having(node, kind))


def having(node, kind):
    if isinstance(node, list):
        for one in node:
            yield from having(one, kind)
    elif isinstance(node, dict):
        if isinstance(node.get(kind), dict):
            yield node
        for one in node.values():
            yield from having(one, kind)


def program(request, name):
    """The node that runs this program of the lifecycle."""
    return next(node for node in run_actions(request) if node['run']['path'].endswith(f'/{name}'))
