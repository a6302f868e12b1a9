//! Sessions against the recording engine.

mod orphans;
