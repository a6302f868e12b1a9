//! `image --publish`: an app image of files that were named goes straight to a registry.

use super::image::{order, target};
use super::publish_options::{check_image, publishing};
use crate::arguments::Image;
use crate::engine::Platform;
use crate::image::base::BaseSource;
use crate::plan::architecture;
use crate::screen::screen;
use crate::session::run_without_engine;
use shared_model::event::Step;
use shared_model::exit_code::ExitCode;

/// Publishes the image, and says so. No engine is asked unless the base is there.
pub(super) fn image(command: Image) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        check_image(&command)?;
        let (target, order) = (target(&command)?, order(&command)?);
        let Some(target) = target else { return Ok(()) };
        let publishing = publishing(&target, command.ca.as_deref());
        let base = BaseSource::parse(&order.plan.base);
        let engine = match base {
            BaseSource::Engine(_) => Some(session.connect()?.engine),
            BaseSource::Layout(_) | BaseSource::Registry(_) => None,
        };
        session.step(Step::Push, || {
            let publisher = publishing.open(session, (&base, &platform()), engine)?;
            let image = publisher.send(session, &order.plan, || Ok(order.parts))?;
            publisher.tag(session, &image)
        })
    })
}

/// The platform that apps run on, where no engine says.
pub(super) fn platform() -> Platform {
    let (architecture, os) = (architecture::of_this_program().to_owned(), "linux".to_owned());
    Platform { architecture, os, variant: String::new() }
}
