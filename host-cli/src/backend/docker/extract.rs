//! From the staging container to the app image: droplet, launcher and result are taken out, each as the one file that was
//! asked for, whatever else the container offers.

use crate::engine::{ContainerId, EngineError};
use crate::failure::Failure;
use crate::image::app_image;
use crate::image::taken_out::{TakenOutError, single_file};
use crate::image::{Bound, ImageOptions, ImageOrder, Lifecycle, Names, Stop, Unnamed, make_unnamed};
use crate::plan::stager;
use crate::session::Session;
use shared_model::application::Application;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use shared_model::task::TaskDefinition;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// The largest program of a lifecycle; today's are below 40 MiB.
const LARGEST_PROGRAM: u64 = 256 << 20;

/// The largest result file; Diego reads 50 KiB.
const LARGEST_RESULT: u64 = 1 << 20;

/// The lifecycle's programs that an app needs where it runs. Without a health check it runs all the same.
const PROGRAMS: [(&str, Need); 2] = [("launcher", Need::Must), ("healthcheck", Need::May)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    May,
}

/// The image that is to be made of a staging, and where its parts are in the container.
pub(crate) struct Order {
    droplet: String,
    lifecycle: String,
    result: String,
    base: String,
    application: Application,
    labels: BTreeMap<String, String>,
    bound: Bound,
    options: ImageOptions,
    /// Whether the droplet is finished when the builder has ended for the first time.
    pub(crate) early: bool,
}

impl Order {
    /// What `task` leaves becomes an image on `base`.
    pub(crate) fn new(task: &TaskDefinition, base: String, options: ImageOptions) -> Self {
        Self {
            droplet: stager::droplet_path(task).to_owned(),
            lifecycle: task.lifecycle().to_owned(),
            result: task.result_file.clone(),
            base,
            application: task.application(),
            labels: app_image::labels_of_task(task),
            bound: Bound::of_request(task.disk_mb),
            options,
            early: stager::builds_before_it_uploads(task),
        }
    }

    /// Makes the app image of what was staged in `container`, running or not.
    pub(crate) fn make(&self, session: &Session, container: &ContainerId, stop: &Stop) -> Result<Unnamed, Failure> {
        // Before the droplet, which may be large: a lifecycle in the cache is safe only as long as the agent runs.
        let lifecycle = lifecycle(session, container, &self.lifecycle)?;
        let droplet =
            taken_out(session, container, &self.droplet, self.bound.bytes)?.ok_or_else(|| missing(&self.droplet))?;
        let order = ImageOrder {
            droplet,
            lifecycle,
            base: &self.base,
            names: Names::OfApp { name: &self.application.name, guid: &self.application.guid },
            labels: self.labels.clone(),
            result: self.result(session, container)?,
            bound: self.bound,
            options: self.options,
            begins: &|base, recipe| session.begin_image(base, recipe),
            stop: stop.clone(),
        };
        Ok(make_unnamed(&*session.engine, order, session)?)
    }

    /// The result file's text; empty where there is none.
    fn result(&self, session: &Session, container: &ContainerId) -> Result<String, Failure> {
        let found =
            if self.result.is_empty() { None } else { taken_out(session, container, &self.result, LARGEST_RESULT)? };
        let mut text = Vec::new();
        if let Some(mut file) = found {
            let outcome = file.read_to_end(&mut text);
            outcome.map_err(|error| {
                Failure::new(ExitCode::Image, format!("the result file cannot be read: {error}"), "")
            })?;
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn lifecycle(session: &Session, container: &ContainerId, folder: &str) -> Result<Lifecycle, Failure> {
    let mut programs = Vec::new();
    for (name, need) in PROGRAMS {
        let path = format!("{folder}/{name}");
        match taken_out(session, container, &path, LARGEST_PROGRAM)? {
            Some(program) => programs.push((name.to_owned(), program)),
            None if need == Need::May => {}
            None => return Err(missing(&path)),
        }
    }
    Ok(Lifecycle::Programs(programs))
}

/// The file at `path` in the container; `None`: there is none.
fn taken_out(session: &Session, container: &ContainerId, path: &str, limit: u64) -> Result<Option<File>, Failure> {
    let stream = match session.engine.copy_out(container, path) {
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
    Failure::new(ExitCode::Image, error.to_string(), error.advice())
}
