//! Where apps are staged and run. What is to be done is decided by the plans of [`crate::plan`]; a backend checks a plan
//! against the place and carries it out.

pub(crate) mod docker;
#[cfg(feature = "kubernetes")]
pub(crate) mod kubernetes;
pub(crate) mod registry;
pub(crate) mod staging;

use crate::failure::Failure;
use crate::image::MadeImage;
use crate::plan::launch::LaunchPlan;
use crate::plan::restage::RestagePlan;
use registry::Publishing;

/// A place where apps are staged and run.
pub(crate) trait Backend {
    /// Stages as planned. The image, unless none was wanted or the staging stopped short of one; nor is there one here where it
    /// was published.
    fn stage(&self, plan: &RestagePlan, publishing: Option<&Publishing>) -> Result<Option<MadeImage>, Failure>;

    /// Starts an app as planned, and waits until it is healthy.
    fn launch(&self, plan: &LaunchPlan) -> Result<(), Failure>;
}
