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
    found: OnceCell<Result<Vec<u8>, Missing>>,
}

/// Why there is none.
enum Missing {
    /// Neither here nor there.
    Nowhere,
    /// The image's does not run where the engine does: why.
    NotRunnable(String),
}

impl<'a> SupervisorProgram<'a> {
    pub(super) const fn of(stager_image: &'a str) -> Self {
        Self { stager_image, found: OnceCell::new() }
    }

    /// The program for an engine on this architecture, to start sidecars with or not. Where there is none, says once what is missed
    /// without it.
    ///
    /// # Errors
    /// The stager image's does not run there, and there are sidecars to start; or the engine refuses.
    pub(super) fn get(
        &self,
        session: &Session,
        architecture: &str,
        has_sidecars: bool,
    ) -> Result<Option<&[u8]>, Failure> {
        let is_first = self.found.get().is_none();
        if is_first {
            let found = match beside_ourselves(architecture) {
                None => self.out_of_the_image(session, architecture)?,
                Some(program) => Ok(program),
            };
            let _ = self.found.set(found); // one thread launches
        }
        match self.found.get() {
            Some(Ok(program)) => return Ok(Some(program)),
            Some(Err(Missing::NotRunnable(why))) if has_sidecars => return Err(self.refused(why)),
            Some(Err(missing)) if is_first => session.emit(Event::Warning { text: self.missed(missing) }),
            _ => {}
        }
        Ok(None)
    }

    /// [`Missing::Nowhere`]: there is no such image, or it is an older one.
    fn out_of_the_image(&self, session: &Session, architecture: &str) -> Result<Result<Vec<u8>, Missing>, Failure> {
        let Some(image) = session.engine.image(self.stager_image)? else { return Ok(Err(Missing::Nowhere)) };
        // It never starts. Should this process be killed now, it goes as any other guard does.
        let container = session.create(None, &guard::guard(&image.id.0, BTreeMap::new()))?;
        let program = match session.engine.copy_out(&container, IN_STAGER_IMAGE) {
            Err(EngineError::NotFound { .. }) => None,
            stream => Some(single_file(stream?, PROGRAM, LARGEST).map_err(|error| self.refused(&error.to_string()))?),
        };
        session.dismiss(Some(&container));
        let Some(mut file) = program else { return Ok(Err(Missing::Nowhere)) };
        let mut program = Vec::new();
        file.read_to_end(&mut program).map_err(|error| self.refused(&error.to_string()))?;
        let why = match runs_on(&program, architecture) {
            Ok(()) => return Ok(Ok(program)),
            Err(NotRunnable::NotStatic) => "it is no static program of 64 bits".to_owned(),
            Err(NotRunnable::Other(machine)) => {
                format!("it is for {machine}, and the Docker Engine runs on {}", escape_control(architecture))
            }
        };
        Ok(Err(Missing::NotRunnable(why)))
    }

    fn unusable(&self, why: &str) -> String {
        format!("cannot use {PROGRAM} of the stager image {:?}: {why}", escape_control(self.stager_image))
    }

    fn refused(&self, why: &str) -> Failure {
        let text = self.unusable(why);
        let advice = format!(
            "build the image with docker/build on a machine like the engine's and name it with --stager-image, or put a static \
             {PROGRAM} for it beside host-cli"
        );
        Failure::new(ExitCode::Launch, text, advice)
    }

    /// Sidecars that do not start are in the list of what is not done.
    fn missed(&self, missing: &Missing) -> String {
        let why = match missing {
            Missing::Nowhere => {
                format!("no {PROGRAM} beside host-cli or in the stager image {:?}", escape_control(self.stager_image))
            }
            Missing::NotRunnable(why) => self.unusable(why),
        };
        format!(
            "{why}: CF_INSTANCE_INTERNAL_IP is not the container's address; docker/build makes such an image, --stager-image \
             names it"
        )
    }
}

/// What is no program for that engine is passed over: the image's is tried.
fn beside_ourselves(architecture: &str) -> Option<Vec<u8>> {
    let file = File::open(std::env::current_exe().ok()?.with_file_name(PROGRAM)).ok()?;
    let program = whole(file)?;
    runs_on(&program, architecture).ok().map(|()| program)
}

/// All of it; `None`: it cannot be read, or is larger than [`LARGEST`].
fn whole(file: impl Read) -> Option<Vec<u8>> {
    let mut program = Vec::new();
    let bytes = file.take(LARGEST + 1).read_to_end(&mut program).ok()?;
    (bytes as u64 <= LARGEST).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_program_that_is_too_large_is_none_and_not_its_beginning() {
        assert_eq!(whole(io::repeat(0).take(LARGEST)).map(|program| program.len() as u64), Some(LARGEST));
        assert_eq!(whole(io::repeat(0)), None);
    }
}
