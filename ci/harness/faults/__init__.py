"""`ci/faults`: a module for each kind of fault, lanes that they are tried in, and the verdict on what came of them."""
