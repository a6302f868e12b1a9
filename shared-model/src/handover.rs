//! What the agent leaves for whoever makes the image where that is another container, and reads no events: a folder that the
//! agent alone writes, beside the folder that the builder worked in.

use serde::{Deserialize, Serialize};

/// The file with the [`Verdict`]. It is written last: without it there is no image to be made.
pub const VERDICT: &str = "verdict.json";
/// The folder with the lifecycle's programs.
pub const LIFECYCLE: &str = "lifecycle";
/// The file with the builder's result; absent where the request asks for none.
pub const RESULT: &str = "result.json";

/// The lifecycle's program that no app runs without.
pub const LAUNCHER: &str = "launcher";
/// The lifecycle's programs that an app needs where it runs. Without a health check it runs all the same.
pub const PROGRAMS: [&str; 2] = [LAUNCHER, "healthcheck"];

/// Which droplet is the staging's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Where it lies: an absolute path, the same for both containers.
    pub droplet: String,
    /// Its size.
    pub bytes: u64,
    /// Its sha256, in 64 hexadecimal digits.
    pub sha256: String,
}
