//! Why a staging failed: the text on stderr and the exit code that Diego's stager reads.

/// A failed staging. Its text is the real builder's last line on stderr.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BuildFailure {
    /// No `bin/detect` ended with 0.
    #[error("None of the buildpacks detected a compatible application")]
    NothingDetected,
    /// `bin/compile` failed. 2016 gives no reason.
    #[error("Failed to compile droplet{}", reason(.0))]
    Compile(String),
    /// `bin/release` failed or what it printed is no YAML of process types.
    #[error("Failed to build droplet release{}", reason(.0))]
    Release(String),
    /// `bin/supply` failed or one of several buildpacks is not usable.
    #[error("Failed to run all supply scripts{}", reason(.0))]
    Supply(String),
    /// One of several buildpacks has no `bin/supply`.
    #[error("Error: one of the buildpacks chosen to supply dependencies does not support multi-buildpack apps")]
    NoSupplyScript,
    /// `bin/finalize` failed.
    #[error("Failed to run finalize script{}", reason(.0))]
    Finalize(String),
    /// Anything else: what was done, and why it failed.
    #[error("{0}")]
    Other(String),
}

impl BuildFailure {
    /// What could not be done, and why.
    pub(crate) fn other(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Other(format!("{what}: {why}"))
    }

    /// The code that the builder ends with: 222 to 226, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NothingDetected => 222,
            Self::Compile(_) => 223,
            Self::Release(_) => 224,
            Self::Supply(_) | Self::NoSupplyScript => 225,
            Self::Finalize(_) => 226,
            Self::Other(_) => 1,
        }
    }
}

fn reason(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
