//! How droplets are compressed: what the stager image has as `gzip` in front of the stack's own is told by a variable.

use shared_model::environment::EnvironmentVariable;
use std::str::FromStr;

/// What that gzip (`parallel-gzip`) reads.
const VARIABLE: &str = "STAGER_COMPRESSION";

/// How the builder's gzip compresses where it is asked for no level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compression {
    /// As small as the stack's own, on all cores.
    #[default]
    Default,
    /// In a quarter of that time, and a tenth larger.
    Fast,
    /// By the stack's own.
    Stock,
}

impl Compression {
    /// What the programs of a staging are told; `None` where nothing has to be said.
    pub(crate) fn variable(self) -> Option<EnvironmentVariable> {
        let value = match self {
            Self::Default => return None,
            Self::Fast => "fast",
            Self::Stock => "stock",
        };
        Some(EnvironmentVariable::new(VARIABLE, value))
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self::Default),
            "fast" => Ok(Self::Fast),
            "stock" => Ok(Self::Stock),
            _ => Err("it is fast, default or stock".to_owned()),
        }
    }
}
