//! From the staging container to the app image: droplet and launcher are taken out, each as the one file that was asked
//! for, whatever else the container offers.

use crate::engine::{ContainerId, EngineError};
use crate::failure::Failure;
use crate::image::taken_out::{TakenOutError, single_file};
use crate::image::{ImageOptions, ImageOrder, Lifecycle, MadeImage, Names, make};
use crate::pipeline::road::Road;
use crate::pipeline::stage::Staged;
use crate::plan::{app_image, stager};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use shared_model::task::TaskDefinition;
use std::fs::File;

/// The largest droplet; Cloud Controller's own limit is far below.
const LARGEST_DROPLET: u64 = 16 << 30;

/// The largest program of a lifecycle; today's are below 40 MiB.
const LARGEST_PROGRAM: u64 = 256 << 20;

/// The lifecycle's programs that an app needs where it runs. Without a health check it runs all the same.
const PROGRAMS: [(&str, Need); 2] = [("launcher", Need::Must), ("healthcheck", Need::May)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    May,
}

/// The image that the user wants of a staging.
pub(crate) struct Wanted {
    /// The root file system's name.
    pub(crate) base: String,
    /// How it is made.
    pub(crate) options: ImageOptions,
}

/// Makes the app image of what was staged in `container`, running or not.
pub(crate) fn image(
    road: &Road,
    container: &ContainerId,
    task: &TaskDefinition,
    staged: &Staged,
    wanted: &Wanted,
) -> Result<MadeImage, Failure> {
    let application = task.application();
    let droplet = taken_out(road, container, stager::droplet_path(task), LARGEST_DROPLET)?
        .ok_or_else(|| missing(stager::droplet_path(task)))?;
    let order = ImageOrder {
        droplet,
        lifecycle: lifecycle(road, container, task.lifecycle())?,
        base: &wanted.base,
        names: Names::OfApp { name: &application.name, guid: &application.guid },
        labels: app_image::labels_of_task(task),
        result: staged.result.clone().unwrap_or_default(),
        options: wanted.options,
    };
    Ok(make(&*road.engine, order, road)?)
}

fn lifecycle(road: &Road, container: &ContainerId, folder: &str) -> Result<Lifecycle, Failure> {
    let mut programs = Vec::new();
    for (name, need) in PROGRAMS {
        let path = format!("{folder}/{name}");
        match taken_out(road, container, &path, LARGEST_PROGRAM)? {
            Some(program) => programs.push((name.to_owned(), program)),
            None if need == Need::May => {}
            None => return Err(missing(&path)),
        }
    }
    Ok(Lifecycle::Programs(programs))
}

/// The file at `path` in the container; `None`: there is none.
fn taken_out(road: &Road, container: &ContainerId, path: &str, limit: u64) -> Result<Option<File>, Failure> {
    let stream = match road.engine.copy_out(container, path) {
        Err(EngineError::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let file = single_file(stream, name, limit).map_err(|error| refused(&error))?;
    Ok(Some(file))
}

fn missing(path: &str) -> Failure {
    let text = format!("the staging left no {} in its container", visible(path));
    Failure::new(ExitCode::Image, text, "`restage --keep` lets you look for it")
}

fn refused(error: &TakenOutError) -> Failure {
    Failure::new(ExitCode::Image, error.to_string(), "`restage --keep` lets you look at it")
}
