"""`ci/hostile-tenant`: a module for each kind of attempt, and the scene that an attempt has at hand."""
