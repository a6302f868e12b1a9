//! Which certificates are believed: those in a user's PEM files, each as an authority and as itself. Pure: whoever reads the
//! files, and who else is trusted, is elsewhere.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

mod each_in_a_file;
mod pem;
mod verifier;

pub use each_in_a_file::each_in_a_file;
pub use pem::{BadBlock, certificates, listed};
pub use verifier::verifier;
