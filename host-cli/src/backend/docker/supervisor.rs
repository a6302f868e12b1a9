//! Where the program comes from that is process 1 of apps' containers: from beside `host-cli` where it runs on the engine's machine,
//! else out of the stager image, which an engine that stages has for its own machine. It is looked for once.

#![expect(clippy::disallowed_methods, reason = "looks for a program beside its own")]

use crate::engine::EngineError;
use crate::failure::Failure;
use crate::image::copied_file::single_file;
use crate::plan::architecture::{NotRunnable, runs_on};
use crate::plan::guard;
use crate::plan::supervisor::{IN_STAGER_IMAGE, PROGRAM};
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// Bytes of the largest one; ours has less than two million.
const LARGEST: u64 = 16 << 20;

/// The program, once it has been looked for.
pub(super) struct SupervisorProgram<'a> {
    /// The image that has it.
    stager_image: &'a str,
    found: OnceCell<Option<Vec<u8>>>,
}

impl<'a> SupervisorProgram<'a> {
    pub(super) const fn of(stager_image: &'a str) -> Self {
        Self { stager_image, found: OnceCell::new() }
    }

    /// The program for an engine on this architecture. Where there is none, says what is missed without it.
    ///
    /// # Errors
    /// The stager image's is for another machine, or the engine refuses.
    pub(super) fn get(&self, session: &Session, architecture: &str) -> Result<Option<&[u8]>, Failure> {
        if self.found.get().is_none() {
            let found = match beside_ourselves(architecture) {
                None => self.out_of_the_image(session, architecture)?,
                found => found,
            };
            if found.is_none() {
                session.emit(Event::Warning { text: self.missed() });
            }
            let _ = self.found.set(found); // one thread launches
        }
        Ok(self.found.get().and_then(Option::as_deref))
    }

    /// `None`: there is no such image, or it is an older one.
    fn out_of_the_image(&self, session: &Session, architecture: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Some(image) = session.engine.image(self.stager_image)? else { return Ok(None) };
        // It never starts. Should this process be killed now, it goes as any other guard does.
        let container = session.create(None, &guard::guard(&image.id.0, BTreeMap::new()))?;
        let program = match session.engine.copy_out(&container, IN_STAGER_IMAGE) {
            Err(EngineError::NotFound { .. }) => None,
            stream => Some(single_file(stream?, PROGRAM, LARGEST).map_err(|error| self.refused(&error.to_string()))?),
        };
        session.dismiss(Some(&container));
        let Some(mut file) = program else { return Ok(None) };
        let mut program = Vec::new();
        file.read_to_end(&mut program).map_err(|error| self.refused(&error.to_string()))?;
        match runs_on(&program, architecture) {
            Ok(()) => Ok(Some(program)),
            Err(NotRunnable::NotStatic) => Err(self.refused("it is no static program of 64 bits")),
            Err(NotRunnable::Other(machine)) => {
                let architecture = escape_control(architecture);
                Err(self.refused(&format!("it is for {machine}, and the Docker Engine runs on {architecture}")))
            }
        }
    }

    fn refused(&self, why: &str) -> Failure {
        let text = format!("cannot use {PROGRAM} of the stager image {:?}: {why}", escape_control(self.stager_image));
        let advice = format!(
            "build the image with docker/build on a machine like the engine's and name it with --stager-image, or put a static \
             {PROGRAM} for it beside host-cli"
        );
        Failure::new(ExitCode::Launch, text, advice)
    }

    fn missed(&self) -> String {
        format!(
            "no {PROGRAM} beside host-cli or in the stager image {:?}: sidecars do not start, and CF_INSTANCE_INTERNAL_IP is not \
             the container's address; docker/build makes such an image, --stager-image names it",
            escape_control(self.stager_image)
        )
    }
}

/// What is no program for that engine is passed over: the image's is tried.
fn beside_ourselves(architecture: &str) -> Option<Vec<u8>> {
    let file = File::open(std::env::current_exe().ok()?.with_file_name(PROGRAM)).ok()?;
    let mut program = Vec::new();
    file.take(LARGEST).read_to_end(&mut program).ok()?;
    runs_on(&program, architecture).ok().map(|()| program)
}
