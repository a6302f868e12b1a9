"""Where what is in a cluster's own network: nobody else sees it, so these are the same in every cluster."""

SITE = '10.99.0.1'  # the control plane, the registry and the name server
API = f'https://{SITE}:6443'
REGISTRY = f'{SITE}:5000'
SERVICES = '10.96.0.0/16'
FIRST_SERVICE = '10.96.0.1'  # by which pods reach the control plane
PODS = '10.244.0.0/16'
MOST_NODES = 9


def node(number):
    return f'10.99.0.{10 + number}'
