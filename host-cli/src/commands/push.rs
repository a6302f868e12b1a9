//! `push`: an app's image goes to a registry.

use super::publish_options::publishing;
use crate::app_ref::AppRef;
use crate::arguments::Push;
use crate::backend::docker::push::{Target, push_image};
use crate::backend::docker::resolve_image;
use crate::backend::registry::Publishing;
use crate::engine::Image;
use crate::failure::Failure;
use crate::labels;
use crate::requests::LogOptions;
use crate::screen::screen;
use crate::session::{Session, run_command};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// Pushes an app's image.
pub(super) fn run(command: Push) -> ExitCode {
    let screen = screen(command.screen_options());
    let prepare = move || {
        let (app, reference) = command.what_and_where()?;
        let target = Target::from_push(&command, &reference)?;
        if command.ca.is_some() && !command.direct {
            let advice = "leave it out, or send the image with --direct; the engine has certificates of its own";
            return Err(Failure::new(ExitCode::CommandLine, "--ca is for --direct", advice));
        }
        Ok((app, command.log_options(), target, command))
    };
    run_command(screen, prepare, |session, (app, logs, target, command)| {
        if command.direct {
            direct(session, &app, &logs, &publishing(&target, command.ca.as_deref()))
        } else {
            push(session, &app, &logs, &target)
        }
    })
}

/// The engine exports the image, and it is sent from here, with the config that it has on the engine.
fn direct(session: &Session, wanted: &AppRef, logs: &LogOptions, publishing: &Publishing) -> Result<(), Failure> {
    let image = resolve_image::image(session, Some(wanted), logs)?;
    session.step(Step::Push, || {
        let (name, reference) = (name_of(&image, &wanted.word), publishing.reference.name().to_owned());
        session.emit(Event::Pushing { image: name, reference });
        let publisher = publishing.open_for(session.unconnected(), &image, Arc::clone(&session.engine))?;
        let sent = publisher.whole(session.unconnected())?;
        publisher.tag(session.unconnected(), &sent).map(drop)
    })
}

pub(super) fn push(session: &Session, wanted: &AppRef, logs: &LogOptions, target: &Target) -> Result<(), Failure> {
    let image = resolve_image::image(session, Some(wanted), logs)?;
    let name = name_of(&image, &wanted.word);
    push_image(session, &image.id, &name, target)
}

/// What the image is called here: as it was asked for, else as `restage` calls it, else as it can be.
fn name_of(image: &Image, wanted: &str) -> String {
    let asked = |tag: &&String| *tag == wanted || tag.strip_suffix(":latest") == Some(wanted);
    let restaged = |tag: &&String| tag.contains(labels::REPOSITORIES);
    let tags = || image.tags.iter();
    tags().find(asked).or_else(|| tags().find(restaged)).or_else(|| tags().next()).unwrap_or(&image.id.0).clone()
}
