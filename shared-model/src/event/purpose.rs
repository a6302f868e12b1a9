//! What a command that is proposed is for.

use serde::{Deserialize, Serialize};

/// A purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Starts the app that was staged.
    Launch,
    /// Shows what the app prints.
    Log,
    /// Opens a shell in the container that was kept.
    LookInside,
}

impl Purpose {
    /// What stands in front of the command, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Launch | Self::Log => "Next",
            Self::LookInside => "Look inside",
        }
    }
}
