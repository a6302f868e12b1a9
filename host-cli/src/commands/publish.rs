//! `image --publish`: an app image of files that were named goes straight to a registry.

use super::image::{order, target};
use super::publish_options::{check_image, publishing};
use crate::arguments::Image;
use crate::engine::{Engine, Platform};
use crate::failure::Failure;
use crate::image::base::BaseSource;
use crate::plan::architecture;
use crate::screen::screen;
use crate::session::{Unconnected, run_without_engine};
use shared_model::event::Step;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// Publishes the image, and says so. No engine is asked unless the base is there.
pub(super) fn image(command: Image) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        check_image(&command)?;
        let (target, order) = (target(&command)?, order(&command)?);
        let Some(target) = target else { return Ok(()) };
        let publishing = publishing(&target, command.ca.as_deref());
        let (base, engine) = base(session, &order.plan.base)?;
        session.step(Step::Push, || {
            let publisher = publishing.open(session, (&base, &platform()), engine)?;
            let image = publisher.send(session, &order.plan, || Ok(order.parts))?;
            publisher.tag(session, &image)
        })
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
