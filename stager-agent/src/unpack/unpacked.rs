//! What comes of unpacking, whole or stopped.

use super::error::UnpackError;
use crate::session::scope::Scope;
use crate::tree_digest::Digest;
use std::io;

/// What an archive held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// How many entries.
    pub(crate) entries: u64,
    /// Whether a zip had `\` where `/` belongs.
    pub(crate) backslashes: bool,
    /// Named pipes that were left out: how many, and the first.
    pub(crate) pipes: Option<(u64, String)>,
    /// A digest of all files; `None` where it takes reading them to tell.
    pub(crate) contents: Option<Digest>,
}

/// The error that ends unpacking when the scope is stopped.
pub(super) fn unless_stopped(scope: &Scope) -> Result<(), UnpackError> {
    scope.go_on().map_err(|_| stopped())
}

/// Any error: whoever stopped the scope knows better.
pub(super) fn stopped() -> UnpackError {
    UnpackError::Corrupt { entry: None, cause: io::Error::other("stopped") }
}
