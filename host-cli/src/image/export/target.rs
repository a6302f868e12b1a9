//! Where an export goes, and what was made there.

use super::atomic_output;
use crate::image::ImageError;
use std::path::PathBuf;

/// Where an export goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The droplet, to this file.
    Droplet(PathBuf),
    /// The droplet, to standard output.
    DropletToStandardOutput,
    /// The image, as an OCI layout in this folder.
    Layout(PathBuf),
}

impl Target {
    /// What is exported, for people and programs.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Droplet(_) | Self::DropletToStandardOutput => "droplet",
            Self::Layout(_) => "image",
        }
    }

    /// Where to; `-` for standard output.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Droplet(path) | Self::Layout(path) => path.display().to_string(),
            Self::DropletToStandardOutput => "-".to_owned(),
        }
    }

    /// The export can go there, as far as can be seen before it is made.
    pub(crate) fn check(&self) -> Result<(), ImageError> {
        match self {
            Self::Droplet(path) => atomic_output::file_at(path).map(drop),
            Self::DropletToStandardOutput => Ok(()),
            Self::Layout(path) => atomic_output::folder_at(path).map(drop),
        }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exported {
    /// `sha256:…`: of the droplet file, or of the layout's manifest.
    pub(crate) digest: String,
    /// Of the file, or of all blobs.
    pub(crate) bytes: u64,
}
