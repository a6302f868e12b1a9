"""`ci/bench`: what the benchmarks measure, make and show."""
