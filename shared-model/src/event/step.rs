//! The steps of a staging, of a launch, and of an app's end.

use serde::{Deserialize, Serialize};

/// A step; the earlier one is the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Dependencies and package arrive.
    Fetch,
    /// The builder runs.
    Build,
    /// Droplet and build-artifacts cache leave.
    Upload,
    /// The app image is made.
    Image,
    /// The app image, or the droplet in it, leaves the engine.
    Export,
    /// The app image goes to a registry.
    Push,
    /// The app starts.
    Launch,
    /// The app ends.
    Stop,
    /// What ran of the app is removed.
    Delete,
}

impl Step {
    /// Every step, the earliest first.
    pub const ALL: [Self; 9] = [
        Self::Fetch,
        Self::Build,
        Self::Upload,
        Self::Image,
        Self::Export,
        Self::Push,
        Self::Launch,
        Self::Stop,
        Self::Delete,
    ];

    /// The step's name for people: `fetch`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Build => "build",
            Self::Upload => "upload",
            Self::Image => "image",
            Self::Export => "export",
            Self::Push => "push",
            Self::Launch => "launch",
            Self::Stop => "stop",
            Self::Delete => "delete",
        }
    }
}
