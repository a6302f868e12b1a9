//! `host-cli image`: what was typed → an order.

#![expect(clippy::disallowed_methods, reason = "opens the files that were named")]

use crate::arguments;
use crate::backend::docker::old_images;
use crate::backend::docker::push::Target;
use crate::failure::Failure;
use crate::image::app_image::{self, is_label};
use crate::image::{
    Bound, GENEROUS, ImageError, ImageOptions, ImageOrder, Lifecycle, MadeImage, Names, Stop, Unnamed, checked_names,
    created, give_names, make_unnamed,
};
use crate::pipeline::push_if_wanted;
use crate::plan::unusable;
use crate::registry::login::LoginOptions;
use crate::requests::{self, Kind};
use crate::screen::screen;
use crate::session::{Session, run_command};
use shared_model::application::Application;
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::task::TaskDefinition;
use shared_model::validate;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most bytes of a result file that are read; Diego reads 50 KiB.
const LONGEST_RESULT: u64 = 1 << 20;

/// Makes the image and says so.
pub(super) fn run(command: arguments::Image) -> ExitCode {
    let (keep, screen) = (command.keep_images, screen(command.output));
    let prepare = move || Ok((target(&command)?, order(&command)?));
    run_command(screen, prepare, move |session, (target, order)| {
        let guid = order.application.guid.clone();
        let image = act(session, order)?;
        old_images::remove(session, &guid, keep);
        push_if_wanted(session, Some(&image), target.as_ref())
    })
}

/// Where the image is to go besides.
fn target(command: &arguments::Image) -> Result<Option<Target>, Failure> {
    let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
    Target::wanted(command.push.as_deref(), login, &[("--request", &command.request)])
}

fn act(session: &Session, order: Order) -> Result<MadeImage, Failure> {
    let made = session.step(Step::Image, || {
        let unnamed = session.make_image(|stop| order.make(session, stop))?;
        Ok(give_names(&*session.engine, unnamed)?)
    })?;
    session.emit(Event::Image { name: made.name.clone(), id: made.id.0.clone(), bytes: made.bytes });
    Ok(made)
}

fn order(command: &arguments::Image) -> Result<Order, Failure> {
    let task = command.request.as_deref().map(task).transpose()?;
    checked_names(&command.name)?;
    let base = match (&command.base, &task) {
        (None, None) => return Err(unsaid("a root file system to stand on", "--base IMAGE")),
        (Some(base), None) => base.clone(),
        (wanted, Some(task)) => unusable::a_base_that_nobody_knows(task, wanted.as_deref())?,
    };
    if command.name.is_empty() && task.is_none() {
        return Err(unsaid("a name", "--name REPOSITORY[:TAG]"));
    }
    let mut all_labels = task.as_ref().map(app_image::labels_of_task).unwrap_or_default();
    all_labels.extend(labels(&command.label)?);
    Ok(Order {
        application: task.as_ref().map(TaskDefinition::application).unwrap_or_default(),
        given: command.name.clone(),
        labels: all_labels,
        droplet: open(&command.droplet)?,
        lifecycle: Lifecycle::at(&command.lifecycle)?,
        base,
        result: text(command.result.as_deref())?,
        bound: match (command.max_layer, &task) {
            (Some(bytes), _) => Bound::of_option(bytes),
            (None, Some(task)) => Bound::of_request(task.disk_mb),
            (None, None) => Bound::of_option(GENEROUS),
        },
        options: ImageOptions { by: command.by, verbose: command.verbose, created: created::from_environment()? },
    })
}

/// What was typed, judged.
struct Order {
    application: Application,
    given: Vec<String>,
    labels: BTreeMap<String, String>,
    droplet: File,
    lifecycle: Lifecycle,
    base: String,
    result: String,
    bound: Bound,
    options: ImageOptions,
}

impl Order {
    /// Makes the image, or finds it.
    fn make(self, session: &Session, stop: &Stop) -> Result<Unnamed, Failure> {
        let names = match &self.given[..] {
            [] => Names::OfApp { name: &self.application.name, guid: &self.application.guid },
            given => Names::Given(given),
        };
        let order = ImageOrder {
            droplet: self.droplet,
            lifecycle: self.lifecycle,
            base: &self.base,
            names,
            labels: self.labels,
            result: self.result,
            bound: self.bound,
            options: self.options,
            begins: &|base, recipe| session.begin_image(base, recipe),
            stop: stop.clone(),
        };
        Ok(make_unnamed(&*session.engine, order, session)?)
    }
}

fn task(path: &Path) -> Result<TaskDefinition, Failure> {
    let request = requests::from_file(path, Kind::Staging)?;
    let task = validate::task(&request.document).map_err(|complaints| unusable::complaints(&complaints))?;
    unusable::docker_app(task.is_docker(), &task.application())?;
    Ok(task)
}

fn unsaid(what: &str, option: &str) -> Failure {
    let text = format!("an image needs {what}");
    Failure::new(
        ExitCode::CommandLine,
        text,
        format!("give it with {option}, or the app's staging request with --request"),
    )
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
