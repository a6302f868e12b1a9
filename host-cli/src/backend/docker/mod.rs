//! One Docker Engine.
//!
//! - Staging: `restage` carries a plan out; `preflight`, `mounts`, `stage` (with the `stream` of what the agent says),
//!   `image_build` and `extract`.
//! - Images: `ours`, `resolve_image`, `old_images`, `push`.
//! - Launching: `launch` carries a plan out; `volume_folders`, `free_ports`, `start`.

mod extract;
mod free_ports;
mod image_build;
mod launch;
pub(crate) mod mounts;
pub(crate) mod old_images;
mod ours;
pub(crate) mod preflight;
pub(crate) mod push;
pub(crate) mod resolve_image;
mod restage;
pub(crate) mod stage;
mod start;
pub(crate) mod stream;
pub(crate) mod volume_folders;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::image::MadeImage;
use crate::plan::launch::LaunchPlan;
use crate::plan::restage::RestagePlan;
use crate::session::Session;

/// The engine of a session.
pub(crate) struct OneEngine<'a>(pub(crate) &'a Session);

impl Backend for OneEngine<'_> {
    fn stage(&self, plan: &RestagePlan) -> Result<Option<MadeImage>, Failure> {
        restage::restage(self.0, plan)
    }

    fn launch(&self, plan: &LaunchPlan) -> Result<(), Failure> {
        launch::launch(self.0, plan)
    }
}
