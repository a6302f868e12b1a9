//! The app image is made while the agent uploads: from the moment on when the builder and all that it left have ended.
//! It gets its names when the staging has gone well, and is removed otherwise. One that is published is in its registry by then,
//! where nobody sees it without its name.

use super::extract;
use super::stage::Milestone;
use crate::backend::registry::{Publisher, Unnamed};
use crate::engine::ContainerId;
use crate::failure::Failure;
use crate::image::{ImageParts, ImagePlan, MadeImage, UntaggedImage, tag};
use crate::plan::restage::StagedImagePlan;
use crate::session::{Session, millis};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

/// An image that is to be made, is being made, or waits for its names.
pub(super) struct ImageBuild<'a> {
    session: &'a Session,
    container: &'a ContainerId,
    planned: &'a StagedImagePlan,
    goal: Goal,
    /// What comes of it once it was begun.
    coming: Option<Coming>,
    /// The sha256 of the droplet that the agent judged and uploaded; empty until it is known.
    expected: String,
}

/// What becomes of a staging container that has ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It is removed as soon as nothing is wanted of it.
    Goes,
    /// It may wait for a visitor.
    MayStay,
}

fn another_droplet() -> Failure {
    let text = "the droplet in the container is not the one that was uploaded: their sha256 differ";
    Failure::new(ExitCode::Image, text, "a buildpack may have replaced it; do not trust the droplet, uploaded or not")
}

/// Where an image goes.
#[derive(Clone)]
pub(super) enum Goal {
    /// To the engine on which it was staged.
    Engine,
    /// Straight to a registry.
    Registry(Arc<Publisher>),
}

/// An image without its names.
enum Made {
    OnEngine(UntaggedImage),
    InRegistry(Arc<Publisher>, Unnamed),
}

impl Made {
    /// The sha256 of the droplet that it was made of.
    fn droplet(&self) -> &str {
        match self {
            Self::OnEngine(image) => &image.droplet,
            Self::InRegistry(_, image) => &image.droplet,
        }
    }
}

impl Goal {
    fn step(&self) -> Step {
        match self {
            Self::Engine => Step::Image,
            Self::Registry(_) => Step::Push,
        }
    }

    /// Makes an image without its names.
    fn make(
        self,
        session: &Session,
        plan: &ImagePlan,
        parts: impl FnOnce() -> Result<ImageParts, Failure>,
    ) -> Result<Made, Failure> {
        Ok(match self {
            Self::Engine => Made::OnEngine(session.make_planned(plan, parts)?),
            Self::Registry(publisher) => {
                let image = publisher.send(session.unconnected(), plan, parts)?;
                Made::InRegistry(publisher, image)
            }
        })
    }
}

/// An image that is being made.
struct Coming {
    /// Told when all is out of the container that the image is made of.
    taken: Receiver<()>,
    finished: Receiver<Finished>,
}

struct Finished {
    outcome: Result<Made, Failure>,
    ms: u64,
}

impl<'a> ImageBuild<'a> {
    /// Nothing is done yet.
    pub(super) fn new(
        session: &'a Session,
        container: &'a ContainerId,
        planned: &'a StagedImagePlan,
        goal: Goal,
    ) -> Self {
        Self { session, container, planned, goal, coming: None, expected: String::new() }
    }

    /// The staging has come so far. When the builder has ended its droplet can be taken: in a thread, and only once, however
    /// often a container says so; but not for a request that goes on building after its first upload.
    pub(super) fn reach(&mut self, milestone: Milestone<'_>) {
        match milestone {
            Milestone::Built if self.planned.files.early && self.coming.is_none() => self.coming = Some(self.begin()),
            Milestone::Built => {}
            // Of no other droplet there shall be an image.
            Milestone::Droplet { sha256 } => sha256.clone_into(&mut self.expected),
        }
    }

    /// The staging has gone well, and `container` is what becomes of its container: the image gets its names. It, where it is on the
    /// engine.
    pub(super) fn finish(mut self, container: Afterwards) -> Result<Option<MadeImage>, Failure> {
        let step = self.goal.step();
        self.session.emit(Event::StepStarted { step });
        let Coming { taken, finished } = self.coming.take().unwrap_or_else(|| self.begin());
        if container == Afterwards::Goes && taken.recv().is_ok() {
            // Its files are many; the engine takes the image in meanwhile.
            self.session.dismiss(Some(self.container));
        }
        let lost = || Failure::new(ExitCode::Bug, "the making of the image was lost", "please report this");
        let Finished { outcome, ms } = finished.recv().map_err(|_| lost())?;
        let made = outcome?;
        if !self.expected.is_empty() && self.expected != made.droplet() {
            return Err(another_droplet());
        }
        let began = Instant::now();
        let image = match made {
            Made::OnEngine(untagged) => Some(tag(&*self.session.engine, untagged)?),
            Made::InRegistry(publisher, image) => {
                publisher.tag(self.session.unconnected(), &image)?;
                None
            }
        };
        self.session.emit(Event::StepEnded { step, ms: ms.saturating_add(millis(began)) });
        Ok(image)
    }

    fn begin(&self) -> Coming {
        let (tells, taken) = mpsc::sync_channel(1);
        let (sends, finished) = mpsc::sync_channel(1);
        let (session, container, planned) = (self.session.clone(), self.container.clone(), self.planned.clone());
        let goal = self.goal.clone();
        thread::spawn(move || {
            let began = Instant::now();
            let parts = || {
                let parts = extract::parts(&session, &container, &planned.files, planned.plan.bound.bytes)?;
                let _ = tells.send(()); // Where the staging fails nobody waits for it.
                Ok(parts)
            };
            let outcome = goal.make(&session, &planned.plan, parts);
            let _ = sends.send(Finished { outcome, ms: millis(began) });
        });
        Coming { taken, finished }
    }
}
