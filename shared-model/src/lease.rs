//! The lease that a host gives to the agent in a container: standard input stays open behind the request, and the host
//! writes a byte to it now and then. When the input ends, or when nothing has come for too long, the host is gone.
//!
//! The end alone would not do: it is lost with the network between host and engine, and with an engine that is restarted
//! under running containers.

use std::time::Duration;

/// Ends the request. JSON has no such byte.
pub const END_OF_REQUEST: u8 = 0;

/// A sign of life. White space between two requests, should it come too early.
pub const BEAT: u8 = b'\n';

/// Between two signs of life.
pub const BETWEEN_BEATS: Duration = Duration::from_secs(5);

/// How long a host may be silent until it counts as gone: five beats, and short of the half minute that is promised.
pub const PATIENCE: Duration = Duration::from_secs(25);
