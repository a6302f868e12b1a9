//! `image`: an app image of files that were named, on the engine; `publish` has the way to a registry.

#![expect(clippy::disallowed_methods, reason = "opens the files that were named")]

use super::publish_options::check_engines_image;
use crate::arguments;
use crate::backend::docker::old_images;
use crate::backend::push_target::Target;
use crate::failure::Failure;
use crate::image::app_image::{self, is_label};
use crate::image::{
    Bound, GENEROUS, HandedOver, ImageError, ImageNames, ImageOptions, ImageParts, ImagePlan, LifecycleSource,
    MadeImage, checked_names, created, tag,
};
use crate::pipeline::push_if_wanted;
use crate::plan::error::no_docker_app;
use crate::plan::restage::{base_image, staging_request};
use crate::registry::login::LoginOptions;
use crate::requests::{self, RequestKind};
use crate::screen::screen;
use crate::session::{Session, run_command};
use shared_model::event::{EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::lifecycle::Lifecycle;
use shared_model::task::TaskDefinition;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most bytes of a result file that are read; Diego reads 50 KiB.
const LONGEST_RESULT: u64 = 1 << 20;

/// Makes the image and says so.
pub(super) fn run(command: arguments::Image) -> ExitCode {
    let (keep, screen) = (command.keep_images, screen(command.screen_options()));
    let prepare = move || {
        check_engines_image(&command)?;
        Ok((target(&command)?, order(&command)?))
    };
    run_command(screen, prepare, move |session, (target, order)| {
        let Order { app_guid, plan, parts, expected } = order;
        let image = make(session, &plan, parts, &expected)?;
        old_images::remove(session, &app_guid, keep);
        push_if_wanted(session, Some(&image), target.as_ref())
    })
}

/// Where the image is to go besides.
pub(super) fn target(command: &arguments::Image) -> Result<Option<Target>, Failure> {
    let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
    let typed = command.push.as_deref().or(command.publish.as_deref());
    let target = Target::wanted(typed, login, &[("--request", &command.request)])?;
    Ok(target.map(|target| target.sent(command.push_by, command.ca.as_deref())))
}

fn make(
    session: &Session,
    plan: &ImagePlan,
    parts: ImageParts,
    expected: &ExpectedDroplet,
) -> Result<MadeImage, Failure> {
    let made = session.step(Step::Image, || {
        let untagged = session.make_planned(plan, || Ok(parts))?;
        expected.check(&untagged.droplet)?;
        Ok(tag(&*session.engine, untagged)?)
    })?;
    session.emit(made.event());
    Ok(made)
}

pub(super) fn order(command: &arguments::Image) -> Result<Order, Failure> {
    let task = command.request.as_deref().map(task).transpose()?;
    checked_names(&command.name)?;
    let base = match (&command.base, &task) {
        (None, None) => return Err(unsaid("a root file system", "--base IMAGE")),
        (Some(base), None) => base.clone(),
        (wanted, Some(task)) => base_image(task, wanted.as_deref())?,
    };
    if command.name.is_empty() && task.is_none() && command.publish.is_none() {
        return Err(unsaid("a name", "--name REPOSITORY[:TAG]"));
    }
    let mut all_labels = task.as_ref().map(app_image::labels_of_task).unwrap_or_default();
    all_labels.extend(labels(&command.label)?);
    let bound = match (command.max_layer, &task) {
        (Some(bytes), _) => Bound::from_option(bytes),
        (None, Some(task)) => Bound::from_request(task.disk_mb),
        (None, None) => Bound::from_option(GENEROUS),
    };
    let application = task.as_ref().map(TaskDefinition::application).unwrap_or_default();
    let app_guid = application.guid.clone();
    let names = match &command.name[..] {
        [] if task.is_some() => ImageNames::OfApp { name: application.name, guid: application.guid },
        given => ImageNames::Given(given.to_vec()),
    };
    let of_request = task.as_ref().map(TaskDefinition::lifecycle_kind);
    let kind = command.kind.or(of_request).unwrap_or(Lifecycle::Buildpack);
    let (parts, expected) = parts(command)?;
    let options = ImageOptions { by: command.by, verbose: command.verbose, created: created::from_environment()? };
    let plan = ImagePlan { base, lifecycle: kind, names, labels: all_labels, bound, options };
    Ok(Order { app_guid, plan, parts, expected })
}

/// What the image is made of: files that were named, or what an agent left.
fn parts(command: &arguments::Image) -> Result<(ImageParts, ExpectedDroplet), Failure> {
    let arguments::Image { droplet, lifecycle, result, handover, .. } = command;
    match (handover, droplet, lifecycle) {
        (None, Some(droplet), Some(lifecycle)) => {
            let (droplet, lifecycle) = (open(droplet)?, LifecycleSource::at(lifecycle)?);
            let parts = ImageParts { droplet, lifecycle, result: text(result.as_deref())? };
            Ok((parts, ExpectedDroplet(None)))
        }
        (Some(folder), None, None) if result.is_none() => {
            let HandedOver { parts, sha256 } = HandedOver::read(folder)?;
            Ok((parts, ExpectedDroplet(Some(sha256))))
        }
        (None, ..) => {
            let text = "`host-cli image` needs --droplet FILE and --lifecycle PATH, or --handover DIR";
            Err(Failure::new(ExitCode::CommandLine, text, "`host-cli image --help` shows what can be typed"))
        }
        (Some(_), ..) => {
            let text = "--handover cannot go with --droplet, --lifecycle or --result";
            Err(Failure::new(ExitCode::CommandLine, text, "leave them out: the folder has all three"))
        }
    }
}

/// Which droplet the image must be of.
pub(super) struct ExpectedDroplet(Option<String>);

impl ExpectedDroplet {
    /// An image of this droplet may get its name.
    ///
    /// # Errors
    /// The agent vouches for another one.
    pub(super) fn check(&self, droplet: &str) -> Result<(), Failure> {
        if self.0.as_deref().is_none_or(|expected| expected == droplet) {
            return Ok(());
        }
        let text = "the droplet is not the one that the agent staged: its sha256 differs";
        Err(Failure::new(ExitCode::Image, text, "stage the app again; do not use this droplet"))
    }
}

/// What was typed, judged.
pub(super) struct Order {
    app_guid: String,
    pub(super) plan: ImagePlan,
    pub(super) parts: ImageParts,
    pub(super) expected: ExpectedDroplet,
}

fn task(path: &Path) -> Result<TaskDefinition, Failure> {
    let request = requests::from_file(path, RequestKind::Staging)?;
    Ok(no_docker_app(staging_request(&request.document)?)?)
}

fn unsaid(what: &str, option: &str) -> Failure {
    let text = format!("image: missing {what}");
    Failure::new(
        ExitCode::CommandLine,
        text,
        format!("give it with {option}, or give the app's staging request with --request"),
    )
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |label: &String| match label.split_once('=') {
        Some((name, value)) if is_label(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::new(
            ExitCode::CommandLine,
            "--label must be NAME=VALUE, with a name of letters, digits and ._/-",
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
