//! `push`: an app's image goes to a registry.

use crate::app_ref::AppRef;
use crate::arguments::Push;
use crate::backend::docker::push::push_image;
use crate::backend::docker::resolve_image;
use crate::backend::push_target::Target;
use crate::engine::Image;
use crate::failure::Failure;
use crate::labels;
use crate::registry::push_by::PushBy;
use crate::requests::LogOptions;
use crate::screen::screen;
use crate::session::{Session, run_command};
use shared_model::exit_code::ExitCode;

/// Pushes an app's image.
pub(super) fn run(command: Push) -> ExitCode {
    let screen = screen(command.screen_options());
    let prepare = move || {
        let (app, reference) = command.what_and_where()?;
        if command.ca.is_some() && command.by == PushBy::Engine {
            let advice = "leave it out; the engine has certificates of its own";
            return Err(Failure::new(ExitCode::CommandLine, "--ca is for --by direct", advice));
        }
        let target = Target::from_push(&command, &reference)?;
        Ok((app, command.log_options(), target))
    };
    run_command(screen, prepare, |session, (app, logs, target)| push(session, &app, &logs, &target))
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
