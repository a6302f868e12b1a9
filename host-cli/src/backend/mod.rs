//! Where apps are staged and run. What is to be done is decided by the plans of [`crate::plan`]; a backend checks a plan
//! against the place and carries it out.

pub(crate) mod apps;
pub(crate) mod docker;
#[cfg(feature = "kubernetes")]
pub(crate) mod kubernetes;
mod log_mark;
mod log_merge;
pub(crate) mod mounts;
pub(crate) mod push_target;
pub(crate) mod registry;
pub(crate) mod show_logs;
pub(crate) mod staging;
mod unhealthy;

use crate::failure::Failure;
use crate::image::MadeImage;
use crate::plan::restage::RestagePlan;
use registry::Publishing;

/// The image that came of a staging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StagedImage {
    /// None: it was not wanted, or the staging stopped short of it.
    None,
    /// It is on the engine.
    OnEngine(MadeImage),
    /// It is in the registry that it was published to.
    Published {
        /// Its name there, with its digest.
        reference: String,
    },
}

/// A place where apps are staged.
pub(crate) trait Backend {
    /// Stages as planned, and says what came of it.
    fn stage(&self, plan: &RestagePlan, publishing: Option<&Publishing>) -> Result<StagedImage, Failure>;
}
