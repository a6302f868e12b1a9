"""Throw-away engines in namespaces of their own: which there are, how one is started and stopped, what it is given."""
