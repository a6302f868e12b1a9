//! `image --publish`: an app image of files that were named goes straight to a registry.

#![expect(clippy::disallowed_methods, reason = "writes the file of --report")]

use super::image::{order, target};
use super::publish_options::check_image;
use crate::arguments::Image;
use crate::engine::{Engine, Platform};
use crate::failure::Failure;
use crate::image::base::BaseSource;
use crate::plan::architecture;
use crate::screen::screen;
use crate::session::{Unconnected, run_without_engine};
use shared_model::event::{Event, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Publishes the image, and says so. No engine is asked unless the base is there.
pub(super) fn image(command: Image) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        check_image(&command)?;
        let (target, order) = (target(&command)?, order(&command)?);
        let Some(target) = target else { return Ok(()) };
        let publishing = target.publishing();
        let (base, engine) = base(session, &order.plan.base)?;
        let pushed = session.step(Step::Push, || {
            let publisher = publishing.open(session, (&base, &platform()), engine)?;
            let image = publisher.send(session, &order.plan, || Ok(order.parts))?;
            order.expected.check(&image.droplet)?;
            publisher.tag(session, &image)
        })?;
        command.report.as_deref().map_or(Ok(()), |file| report(file, &pushed))
    })
}

/// Leaves for others what became of it. A cluster's own file is there already, and stays the same file.
fn report(path: &Path, pushed: &Event) -> Result<(), Failure> {
    fs::write(path, pushed.to_json_line()).map_err(|error| {
        let text = format!("--report {}: {error}", escape_control(&path.to_string_lossy()));
        Failure::new(ExitCode::Image, text, "the image is published; name a file that can be written")
    })
}

/// The base that was typed, and the engine that has it; it is connected to only then.
pub(super) fn base(session: &Unconnected, typed: &str) -> Result<(BaseSource, Option<Arc<dyn Engine>>), Failure> {
    let base = BaseSource::parse(typed);
    let engine = match base {
        BaseSource::Engine(_) => Some(session.connect()?.engine),
        BaseSource::Layout(_) | BaseSource::Registry(_) => None,
    };
    Ok((base, engine))
}

/// The platform that apps run on, where no engine says.
pub(super) fn platform() -> Platform {
    let (architecture, os) = (architecture::of_this_program().to_owned(), "linux".to_owned());
    Platform { architecture, os, variant: String::new() }
}
