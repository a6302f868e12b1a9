//! One Docker Engine.
//!
//! - Staging: `restage` carries a plan out; `preflight`, `stage`, `image_build` and `extract`.
//! - Images: `ours`, `resolve_image`, `old_images`, `push`, `rebase`; `refusal`, what an engine says of a registry.
//! - What runs: `apps`; `ssh`, a command beside it; `run_task`, a container of its own for one.
//! - Launching: `launch` carries a plan out; `launch_rootfs`, `lifecycle`, `pull`, `volume_folders`, `free_ports`, `supervisor`,
//!   `bounds`, `start`.

pub(crate) mod apps;
mod bounds;
pub(crate) mod cell;
mod extract;
mod free_ports;
mod hearing;
mod image_build;
mod launch;
mod launch_rootfs;
mod layer_totals;
mod lifecycle;
pub(crate) mod local_wishes;
pub(crate) mod old_images;
pub(crate) mod ours;
pub(crate) mod preflight;
mod pull;
pub(crate) mod push;
pub(crate) mod rebase;
mod refusal;
pub(crate) mod resolve_image;
mod restage;
mod run_task;
pub(crate) mod ssh;
pub(crate) mod stage;
mod start;
mod supervisor;
pub(crate) mod volume_folders;
pub(crate) mod wishes;

use crate::backend::registry::Publishing;
use crate::backend::{Backend, StagedImage};
use crate::engine::{ContainerId, ImageId};
use crate::failure::Failure;
use crate::plan::launch::LaunchPlan;
use crate::plan::restage::RestagePlan;
use crate::plan::task::TaskOrder;
use crate::session::Session;
pub(crate) use launch::{Order, WhichImage};
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

impl OneEngine<'_> {
    /// Starts instances of a process, one after the other; see [`Order`]. The id of the image that they were made of.
    pub(crate) fn launch(&self, order: &Order<'_>) -> Result<ImageId, Failure> {
        launch::launch(self.session, &self.supervisor, order)
    }

    /// Starts a one-off task of the image of this id and leaves it running; `plan` is of its process. Its container.
    pub(crate) fn run_task(
        &self,
        plan: &LaunchPlan,
        image: &str,
        order: &TaskOrder<'_>,
    ) -> Result<ContainerId, Failure> {
        run_task::start(self.session, &self.supervisor, plan, (image, order))
    }
}

impl Backend for OneEngine<'_> {
    fn stage(&self, plan: &RestagePlan, publishing: Option<&Publishing>) -> Result<StagedImage, Failure> {
        let made = restage::restage(self.session, plan, publishing)?;
        Ok(made.map_or(StagedImage::None, StagedImage::OnEngine))
    }
}
