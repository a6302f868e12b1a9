//! The app image is made while the agent uploads: from the moment on when the builder and all that it left have ended.
//! It gets its names when the staging has gone well, and is removed otherwise.

use crate::backend::docker::extract::Order;
use crate::engine::ContainerId;
use crate::failure::Failure;
use crate::image::{MadeImage, Unnamed, give_names};
use crate::session::{Session, millis};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

/// An image that is to be made, is being made, or waits for its names.
pub(crate) struct Making<'a> {
    session: &'a Session,
    container: &'a ContainerId,
    order: Arc<Order>,
    /// What comes of it once it was begun.
    coming: RefCell<Option<Receiver<Finished>>>,
    /// The sha256 of the droplet that was uploaded; empty until it is known.
    expected: RefCell<String>,
}

fn another_droplet() -> Failure {
    let text =
        "the droplet that came out of the container is not the one that the agent uploaded: its sha256 is another";
    Failure::new(ExitCode::Image, text, "a buildpack may have swapped it: do not trust its droplet, uploaded or not")
}

struct Finished {
    outcome: Result<Unnamed, Failure>,
    ms: u64,
}

impl<'a> Making<'a> {
    /// Nothing is done yet.
    pub(crate) fn new(session: &'a Session, container: &'a ContainerId, order: Order) -> Self {
        Self { session, container, order: Arc::new(order), coming: RefCell::default(), expected: RefCell::default() }
    }

    /// The builder has ended, so its droplet can be taken: in a thread, and only once, however often a container says so.
    /// Not for a request that goes on building after its first upload.
    pub(crate) fn begin_early(&self) {
        if self.order.early && self.coming.borrow().is_none() {
            *self.coming.borrow_mut() = Some(self.begin());
        }
    }

    /// The agent has judged a droplet with this sha256; of no other one there shall be an image.
    pub(crate) fn expect(&self, sha256: &str) {
        sha256.clone_into(&mut self.expected.borrow_mut());
    }

    /// The staging has gone well: the image gets its names.
    pub(crate) fn finish(self) -> Result<MadeImage, Failure> {
        self.session.emit(Event::StepStarted { step: Step::Image });
        let coming = self.coming.take().unwrap_or_else(|| self.begin());
        let lost = || Failure::new(ExitCode::Bug, "the making of the image was lost", "please report this");
        let Finished { outcome, ms } = coming.recv().map_err(|_| lost())?;
        let unnamed = outcome?;
        let expected = self.expected.take();
        if !expected.is_empty() && expected != unnamed.droplet {
            return Err(another_droplet());
        }
        let began = Instant::now();
        let image = give_names(&*self.session.engine, unnamed)?;
        self.session.emit(Event::StepEnded { step: Step::Image, ms: ms.saturating_add(millis(began)) });
        Ok(image)
    }

    fn begin(&self) -> Receiver<Finished> {
        let (sends, finished) = mpsc::sync_channel(1);
        let (session, container, order) = (self.session.clone(), self.container.clone(), Arc::clone(&self.order));
        thread::spawn(move || {
            let began = Instant::now();
            let outcome = session.make_image(|stop| order.make(&session, &container, stop));
            let _ = sends.send(Finished { outcome, ms: millis(began) });
        });
        finished
    }
}
