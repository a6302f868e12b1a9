//! Why a staging failed: the lines on stderr and the exit code that Cloud Controller reads.

use std::io;

use crate::go_text::go_text;

/// A failed staging. The code is that of the phase.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CnbFailure {
    /// Nothing of the below.
    #[error("{0}")]
    Generic(String),
    /// A buildpack cannot be had, or is none.
    #[error("failed to get buildpack {buildpack}: {why}")]
    Download {
        /// As shown: without password.
        buildpack: String,
        /// What is wrong.
        why: String,
    },
    /// No buildpack, or not all of those named, take the app.
    #[error("detecting failed")]
    Detect(String),
    /// A buildpack's build failed.
    #[error("building failed")]
    Build(String),
    /// Layers, cache, droplet or result cannot be written.
    #[error("exporting failed")]
    Export(String),
    /// Credentials are references to `CredHub`, which cannot be followed.
    #[error("{0}")]
    CredHub(String),
    /// The cache of an earlier staging is broken.
    #[error("restoring failed")]
    Restore(String),
}

impl CnbFailure {
    /// Something that is no phase's.
    pub(super) fn generic(what: &str, why: &io::Error) -> Self {
        Self::Generic(format!("{what}: {}", go_text(why)))
    }

    /// The code that the builder ends with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Generic(_) => 231,
            Self::Download { .. } => 232,
            Self::Detect(_) => 233,
            Self::Build(_) => 234,
            Self::Export(_) => 235,
            Self::CredHub(_) => 236,
            Self::Restore(_) => 237,
        }
    }

    /// What the phase says before the program gives up.
    #[must_use]
    pub fn of_the_phase(&self) -> Option<String> {
        let (phase, why) = match self {
            Self::Detect(why) => ("detect", why),
            Self::Build(why) => ("build", why),
            Self::Export(why) => ("export", why),
            Self::Restore(why) => ("restore", why),
            Self::Generic(_) | Self::Download { .. } | Self::CredHub(_) => return None,
        };
        Some(format!("failed '{phase}' phase, error: {why}"))
    }
}
