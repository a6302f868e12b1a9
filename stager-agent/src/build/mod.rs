//! Runs the builder: as whom, with which environment, watched to its end and beyond.

pub(crate) mod address;
pub(crate) mod disk;
pub(crate) mod environment;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod lines;
mod memory;
mod output;
pub(crate) mod process;
pub(crate) mod reaper;
pub(crate) mod rights;
pub(crate) mod session;
pub(crate) mod user;
