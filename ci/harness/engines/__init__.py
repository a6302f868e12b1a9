"""`ci/engines`: the same checks on every engine that stager supports."""
