//! The apps of one Docker Engine, as their containers tell. Labels name candidates: they are anybody's, an image's above all. What is
//! stopped, removed or read is looked at one by one, as a launch looks at what it replaces; a list of all apps takes two questions,
//! however many there are.

mod closely;
mod held;
mod one;
mod seen;
mod tasks;

use super::cell::restart_policy;
use super::ours::is_container;
use super::wishes::{must_forget, must_remember, wishes};
use crate::backend::apps::{AppsBackend, LogSource};
use crate::cell::record_file::now;
use crate::engine::container_spec::RestartPolicy;
use crate::engine::{ContainerId, ContainerSummary, EngineError, ImageId, LogPiece, LogRange, Running};
use crate::failure::Failure;
use crate::image::provenance::remove_if_ours;
use crate::labels;
use crate::plan::apps::{RunningApp, Selected, apps, log_source};
use crate::plan::launch::GRACE;
use crate::plan::task;
use crate::plan::wish::AppWish;
use crate::session::{Session, millis};
use seen::{as_wished, is_listed, is_of, of_app, seen};
pub(crate) use seen::{index, process_type};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// How many are stopped side by side.
const SIDE_BY_SIDE: usize = 16;

/// In the place of a process type, which no task is of: `APP/worker` means none.
const TASK: &str = "task";

/// The apps of a session's engine.
pub(crate) struct AppsOnEngine {
    session: Session,
    /// Which containers are ours, by id, as far as that was asked.
    known: Mutex<BTreeMap<String, bool>>,
}

impl AppsOnEngine {
    /// Nothing is asked yet.
    pub(crate) fn new(session: &Session) -> Self {
        Self { session: session.clone(), known: Mutex::default() }
    }

    /// The app's containers that are ours, and the names of those that only look like it.
    fn containers(&self, app: &RunningApp) -> Result<(Vec<ContainerSummary>, Vec<String>), EngineError> {
        self.among(self.session.engine.list_containers()?, app)
    }

    /// As [`Self::containers`], of those that were listed.
    fn among(
        &self,
        listed: Vec<ContainerSummary>,
        app: &RunningApp,
    ) -> Result<(Vec<ContainerSummary>, Vec<String>), EngineError> {
        let (mut ours, mut foreign) = (Vec::new(), Vec::new());
        for one in listed.into_iter().filter(|one| of_app(one, app)) {
            if self.is_ours(&one)? {
                ours.push(one);
            } else {
                foreign.push(one.name);
            }
        }
        Ok((ours, foreign))
    }

    /// Whether a container's labels are its own, and not its image's.
    fn is_ours(&self, one: &ContainerSummary) -> Result<bool, EngineError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_ours) = known().get(&one.id.0) {
            return Ok(*is_ours);
        }
        let is_ours = is_container(&*self.session.engine, &one.labels, &one.image)?;
        known().insert(one.id.0.clone(), is_ours);
        Ok(is_ours)
    }

    /// As [`Self::containers`]; says which are left alone.
    fn our_containers(&self, app: &RunningApp) -> Result<Vec<ContainerSummary>, Failure> {
        let (ours, foreign) = self.containers(app)?;
        for name in foreign {
            let name = escape_control(&name).into_owned();
            let text = format!("container {name} has stager's labels but was not made by stager; it is left alone");
            self.session.emit(Event::Warning { text });
        }
        Ok(ours)
    }

    /// Ends containers, several at once. Says of each that it has ended.
    fn end(&self, app: &RunningApp, containers: &[&ContainerSummary]) -> Result<(), EngineError> {
        side_by_side(containers, |one| self.end_one(app, one))
    }

    /// What is stopped stays so, as far as that is remembered of whole processes.
    ///
    /// # Errors
    /// It cannot be remembered, and a cell would start it again.
    fn remember_stopped(&self, selected: &Selected) -> Result<(), Failure> {
        if selected.part.index.is_some() {
            if restart_policy(&*self.session.engine)? != RestartPolicy::No {
                return Ok(());
            }
            let text = "the cell would start the instance again at once";
            let advice = "`host-cli scale APP -i N` ends those of the highest numbers, `host-cli stop APP` all";
            return Err(Failure::new(ExitCode::Launch, text, advice));
        }
        let now = now();
        must_remember(&self.session, (&selected.app.guid, selected.app.subject()), |wish| {
            let mut wish = wish?;
            let mut stopped = Vec::new();
            for (process, wanted) in &mut wish.processes {
                if wanted.started && selected.part.means(process, 0) {
                    wanted.started = false;
                    stopped.push(process.clone());
                }
            }
            if !stopped.is_empty() {
                wish.tell(now, "audit.app.stop", listed(stopped));
            }
            Some(wish)
        })
    }

    fn end_one(&self, app: &RunningApp, one: &ContainerSummary) -> Result<(), EngineError> {
        let began = Instant::now();
        self.session.engine.stop(&one.id, GRACE)?;
        self.session.emit(Event::Stopped {
            app_name: app.subject().to_owned(),
            app_guid: app.guid.clone(),
            process: process_type(one).to_owned(),
            index: index(one),
            name: one.name.clone(),
            ms: millis(began),
        });
        Ok(())
    }

    /// Says which of its images stay.
    fn tell_images(&self, app: &RunningApp) -> Result<(), EngineError> {
        let images = self.session.engine.images_labelled(labels::APP_GUID, &app.guid)?.len();
        if images > 0 && !app.guid.is_empty() {
            let what = if images == 1 {
                "1 image with its label stays".to_owned()
            } else {
                format!("{images} images with its label stay")
            };
            let filter = format!("label={}={}", labels::APP_GUID, escape_control(&app.guid));
            let text =
                format!("{what}, so that `launch` starts it again; `docker images --filter {filter}` lists them");
            self.session.emit(Event::Note { text });
        }
        Ok(())
    }
}

/// Does the same with each of many, several at once, until one has failed.
fn side_by_side<T: Sync>(all: &[T], act: impl Fn(&T) -> Result<(), EngineError> + Sync) -> Result<(), EngineError> {
    for some in all.chunks(SIDE_BY_SIDE) {
        let done: Vec<Result<(), EngineError>> = thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|one| scope.spawn(|| act(one))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(()))).collect()
        });
        done.into_iter().collect::<Result<(), EngineError>>()?;
    }
    Ok(())
}

impl AppsBackend for AppsOnEngine {
    fn apps(&self) -> Result<Vec<RunningApp>, Failure> {
        let engine = &*self.session.engine;
        // Both at once: an engine with containerd's store reads each image for its list.
        let (containers, images) = thread::scope(|scope| {
            let images = scope.spawn(|| engine.images_labelled(labels::KIND, labels::KIND_APP));
            (engine.list_containers(), images.join())
        });
        let images = images.unwrap_or_else(|_| Ok(Vec::new()))?;
        let containers = containers?;
        let seen = containers.iter().filter(|one| is_listed(one, &images)).map(seen);
        // What is not remembered, or cannot be read, runs all the same.
        let wishes = wishes(engine).and_then(|wishes| wishes.all().ok()).unwrap_or_default();
        let mut wishes: Vec<AppWish> = wishes.into_iter().filter_map(Result::ok).collect();
        // What nothing runs of is an app as long as it can be started.
        let is_there =
            |id: &str| images.iter().any(|image| image.id.0 == id) || matches!(engine.image(id), Ok(Some(_)));
        wishes.retain(|wish| {
            containers.iter().any(|one| is_of(one, &wish.guid)) || wish.images().into_iter().any(is_there)
        });
        Ok(apps(as_wished(seen, &wishes)))
    }

    fn log_sources(&self, app: &RunningApp) -> Result<Option<Vec<LogSource>>, Failure> {
        let listed = self.session.engine.list_containers()?;
        let tasks = self.tasks_among(&listed, app)?;
        let (containers, _) = self.among(listed, app)?;
        let source = |one: &ContainerSummary| LogSource {
            id: one.id.0.clone(),
            process_type: process_type(one).to_owned(),
            index: index(one),
            source: log_source(process_type(one), index(one)),
            name: one.name.clone(),
            is_up: one.running == Running::Now,
        };
        let tasks = tasks.into_iter().map(|task| LogSource {
            id: task.container.0,
            process_type: TASK.to_owned(),
            index: 0,
            source: task::log_source(&task.name),
            name: task.container_name,
            is_up: !task.state.has_ended(),
        });
        let sources: Vec<LogSource> = containers.iter().map(source).chain(tasks).collect();
        Ok((!sources.is_empty()).then_some(sources))
    }

    fn read_log(
        &self,
        source: &LogSource,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        Ok(self.session.engine.logs(&ContainerId(source.id.clone()), range, output)?)
    }

    fn stop(&self, selected: &Selected) -> Result<(), Failure> {
        let app = &selected.app;
        let is_meant = |one: &&ContainerSummary| selected.part.means(process_type(one), index(one));
        let runs = |one: &&ContainerSummary| one.running == Running::Now;
        let (containers, _) = self.held_containers(app, None)?;
        let running: Vec<&ContainerSummary> = containers.iter().filter(is_meant).filter(runs).collect();
        // Before they end, or somebody would start them again.
        self.remember_stopped(selected)?;
        if running.is_empty() {
            let text = format!("{} is stopped already", escape_control(app.subject()));
            self.session.emit(Event::Note { text });
        }
        Ok(self.end(app, &running)?)
    }

    fn delete(&self, app: &RunningApp) -> Result<(), Failure> {
        let (containers, _) = self.held_containers(app, None)?;
        must_forget(&self.session, &app.guid, app.subject())?;
        self.remove_tasks(app)?;
        let running: Vec<&ContainerSummary> = containers.iter().filter(|one| one.running == Running::Now).collect();
        self.end(app, &running)?;
        for one in &containers {
            self.session.engine.remove(&one.id)?;
            let (app_name, app_guid) = (app.subject().to_owned(), app.guid.clone());
            self.session.emit(Event::Deleted {
                app_name,
                app_guid,
                kind: "container".to_owned(),
                name: one.name.clone(),
            });
        }
        for image in containers.iter().map(|one| &one.image.0).collect::<BTreeSet<_>>() {
            // One whose names have gone on to another stays only for its containers. It costs disk, no more.
            let _ = remove_if_ours(&*self.session.engine, &ImageId(image.clone()));
        }
        Ok(self.tell_images(app)?)
    }

    fn what_goes(&self, app: &RunningApp) -> String {
        match app.processes.iter().map(|process| process.instances.len()).sum() {
            1 => "its container".to_owned(),
            count => format!("its {count} containers"),
        }
    }
}

#[cfg(test)]
mod tests;
