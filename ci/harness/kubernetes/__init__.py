"""`ci/kubernetes`: a real cluster in namespaces of its own, and the checks that stage and launch on it."""
