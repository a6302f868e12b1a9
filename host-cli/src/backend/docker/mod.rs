//! One Docker Engine.
//!
//! - Staging: `restage` carries a plan out; `preflight`, `mounts`, `stage`,
//!   `image_build` and `extract`.
//! - Images: `ours`, `resolve_image`, `old_images`, `push`, `rebase`; `refusal`, what an engine says of a registry.
//! - What runs: `apps`.
//! - Launching: `launch` carries a plan out; `launch_rootfs`, `lifecycle`, `pull`, `volume_folders`, `free_ports`, `supervisor`, `start`.

pub(crate) mod apps;
mod extract;
mod free_ports;
mod hearing;
mod image_build;
mod launch;
mod launch_rootfs;
mod layer_totals;
mod lifecycle;
pub(crate) mod mounts;
pub(crate) mod old_images;
mod ours;
pub(crate) mod preflight;
mod pull;
pub(crate) mod push;
pub(crate) mod rebase;
mod refusal;
pub(crate) mod resolve_image;
mod restage;
pub(crate) mod stage;
mod start;
mod supervisor;
pub(crate) mod volume_folders;

use crate::backend::registry::Publishing;
use crate::backend::{Backend, StagedImage};
use crate::failure::Failure;
use crate::plan::launch::LaunchPlan;
use crate::plan::restage::RestagePlan;
use crate::session::Session;
use supervisor::SupervisorProgram;

/// The engine of a session.
pub(crate) struct OneEngine<'a> {
    session: &'a Session,
    supervisor: SupervisorProgram<'a>,
}

impl<'a> OneEngine<'a> {
    /// With this stager image, out of which what apps need beside their own image is taken.
    pub(crate) const fn new(session: &'a Session, stager_image: &'a str) -> Self {
        Self { session, supervisor: SupervisorProgram::of(stager_image) }
    }
}

impl Backend for OneEngine<'_> {
    fn stage(&self, plan: &RestagePlan, publishing: Option<&Publishing>) -> Result<StagedImage, Failure> {
        let made = restage::restage(self.session, plan, publishing)?;
        Ok(made.map_or(StagedImage::None, StagedImage::OnEngine))
    }

    fn launch(&self, plan: &LaunchPlan) -> Result<(), Failure> {
        launch::launch(self.session, &self.supervisor, plan)
    }
}
