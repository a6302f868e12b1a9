"""What the checks and benchmarks of `ci/` are made of. The modules here are what they share: engines, a mini-HCF, registries,
archives, processes, tables. Each folder is one of the commands, `ci/faults` is `harness/faults`; ci/README.md lists them all.
"""
