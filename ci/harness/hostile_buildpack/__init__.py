"""`ci/hostile-buildpack`: stagings with a buildpack that tries to break out."""
