//! `host-cli image`: what was typed → an order.

#![expect(clippy::disallowed_methods, reason = "opens the files that were named")]

use super::error::checked_names;
use super::{ImageError, ImageOrder, Lifecycle, Names, make};
use crate::arguments;
use crate::engine::Engine;
use crate::engine::docker::Docker;
use crate::failure::Failure;
use crate::plan::app_image::is_label;
use crate::screen::screen;
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// The most bytes of a result file that are read; Diego reads 50 KiB.
const LONGEST_RESULT: u64 = 1 << 20;

/// Makes the image and says so.
pub(crate) fn run(command: &arguments::Image) -> Result<ExitCode, Failure> {
    let screen = screen(command.output);
    let order = order(command)?; // What was typed is judged before anybody is asked.
    let outcome = Docker::connect().map_err(Failure::from).and_then(|engine| act(&engine, order, screen.as_ref()));
    Ok(outcome.map_or_else(
        |failure| {
            screen.emit(failure.event());
            failure.code
        },
        |()| ExitCode::Success,
    ))
}

fn act(engine: &dyn Engine, order: ImageOrder<'_>, events: &dyn EventSink) -> Result<(), Failure> {
    let begun = Instant::now();
    events.emit(Event::StepStarted { step: Step::Image });
    let made = make(engine, order, events)?;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    events.emit(Event::StepEnded { step: Step::Image, ms });
    events.emit(Event::Image { name: made.name, id: made.id.0, bytes: made.bytes });
    Ok(())
}

fn order(command: &arguments::Image) -> Result<ImageOrder<'_>, Failure> {
    if command.name.is_empty() {
        return Err(Failure::new(
            ExitCode::CommandLine,
            "an image needs a name",
            "give it with --name REPOSITORY[:TAG]",
        ));
    }
    checked_names(&command.name)?;
    Ok(ImageOrder {
        labels: labels(&command.label)?,
        droplet: open(&command.droplet)?,
        lifecycle: Lifecycle::at(&command.lifecycle)?,
        base: &command.base,
        names: Names::Given(&command.name),
        result: text(command.result.as_deref())?,
    })
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |label: &String| match label.split_once('=') {
        Some((name, value)) if is_label(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::new(
            ExitCode::CommandLine,
            "a label is NAME=VALUE, and its name of letters, digits and ._/-",
            "",
        )),
    };
    given.iter().map(pair).collect()
}

fn open(path: &Path) -> Result<File, ImageError> {
    let unreadable = |reason: String| ImageError::Unreadable { what: path.display().to_string(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(unreadable("it is not a file".to_owned())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

fn text(path: Option<&Path>) -> Result<String, ImageError> {
    let Some(path) = path else { return Ok(String::new()) };
    let mut text = String::new();
    let read = open(path)?.take(LONGEST_RESULT).read_to_string(&mut text);
    read.map_err(|error| ImageError::Unreadable { what: path.display().to_string(), reason: error.to_string() })?;
    Ok(text)
}
