//! `export`: from an image in the engine back to a file or folder.

use crate::arguments::Export;
use crate::backend::docker::resolve_image;
use crate::engine::Image;
use crate::failure::Failure;
use crate::image::export::{self as image_export, Exporting, Target};
use crate::screen;
use crate::session::{Session, run_command};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::io::{self, IsTerminal};
use std::path::Path;

/// Gives an app's droplet as a file, or its image as an OCI layout.
pub(super) fn run(command: Export) -> ExitCode {
    let target = target(&command);
    let screen = match target {
        Ok(Target::DropletToStandardOutput) => screen::beside_the_answer(command.screen_options()),
        _ => screen::screen(command.screen_options()),
    };
    let prepare = move || {
        let target = target?;
        target.check()?;
        Ok((target, command.app_ref()?, command))
    };
    run_command(screen, prepare, |session, (target, app, command)| {
        let image = resolve_image::image(session, app.as_ref(), &command.log_options())?;
        export(session, &image, command.app.as_deref(), &target)
    })
}

/// `word` is what the user called the image.
pub(super) fn export(session: &Session, image: &Image, word: Option<&str>, target: &Target) -> Result<(), Failure> {
    let (kind, path) = (target.what().to_owned(), target.path());
    let exported = session.step(Step::Export, || {
        let name = name_of(image, word).to_owned();
        session.emit(Event::Exporting { kind: kind.clone(), image: name, path: path.clone() });
        // An engine may think for long before it sends anything; nothing is on disk until then.
        let export = session.engine.save(&image.id)?;
        session
            .cleanup()
            .write(|stop| Ok(image_export::export(Exporting { image, export, stop, events: session }, target)?))
    })?;
    session.emit(Event::Exported { kind, path, digest: exported.digest, bytes: exported.bytes });
    Ok(())
}

/// Of an image's names the one that the user gave it, else the first; else its id.
fn name_of<'a>(image: &'a Image, word: Option<&str>) -> &'a str {
    let is_it = |name: &&String| word.is_some_and(|word| name.strip_suffix(":latest") == Some(word) || *name == word);
    image.tags.iter().find(is_it).or(image.tags.first()).unwrap_or(&image.id.0)
}

fn target(command: &Export) -> Result<Target, Failure> {
    let wrong = |text: &str, advice: &str| Err(Failure::new(ExitCode::CommandLine, text, advice));
    match (&command.droplet, &command.oci) {
        (Some(file), None) if file == Path::new("-") => {
            if io::stdout().is_terminal() {
                return wrong("cannot write a droplet to a terminal", "pipe it on, or give a file to --droplet");
            }
            Ok(Target::DropletToStandardOutput)
        }
        (Some(file), None) => Ok(Target::Droplet(file.clone())),
        (None, Some(folder)) => Ok(Target::Layout(folder.clone())),
        (None, None) => {
            wrong("choose where to write: --droplet FILE or --oci DIR", "give it with --droplet FILE or --oci DIR")
        }
        (Some(_), Some(_)) => wrong("--droplet and --oci cannot go together", "run the command once for each"),
    }
}
