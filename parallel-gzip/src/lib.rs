//! The gzip that a builder finds in its PATH: it compresses a stream on all cores, and leaves everything else to the stack's own.
//!
//! `tar -czf`, by which builders pack droplets, calls `gzip` with a stream on both sides; on two cores that is half of a
//! staging. What is written depends on the input and the level alone, not on the number of cores.

// The program's and its tests'.
use signal_hook as _;
#[cfg(test)]
use {proptest as _, tempfile as _};

mod command_line;
mod stream;

pub use command_line::{Wish, wish};
pub use stream::compress;
