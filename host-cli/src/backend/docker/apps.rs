//! The apps of one Docker Engine, as their containers tell. Labels name candidates: they are anybody's, an image's above all. What is
//! stopped, removed or read is looked at one by one, as a launch looks at what it replaces; a list of all apps takes two questions,
//! however many there are.

mod seen;

use crate::backend::apps::{AppsBackend, LogSource};
use crate::engine::{ContainerId, ContainerSummary, EngineError, ImageId, LogPiece, LogRange, Running};
use crate::failure::Failure;
use crate::image::provenance::remove_if_ours;
use crate::labels;
use crate::plan::apps::{RunningApp, Selected, apps, log_source};
use crate::plan::guard;
use crate::session::{Session, millis};
use seen::{index, is_listed, of_app, process_type, seen};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What an app is given between SIGTERM and SIGKILL. Diego: `graceful_shutdown_interval`.
const GRACE: Duration = Duration::from_secs(10);
/// How many are stopped side by side.
const SIDE_BY_SIDE: usize = 16;

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
        let (mut ours, mut foreign) = (Vec::new(), Vec::new());
        for one in self.session.engine.list_containers()?.into_iter().filter(|one| of_app(one, app)) {
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
        let image = self.session.engine.image(&one.image.0)?;
        let is_ours = image.is_some_and(|image| guard::are_its_own(&one.labels, &image));
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

    /// Keeps launches of these processes away until the session ends, each by its guard.
    ///
    /// # Errors
    /// One is going on.
    fn hold(&self, app: &RunningApp, containers: &[ContainerSummary]) -> Result<(), Failure> {
        let of_process: BTreeMap<&str, &ImageId> =
            containers.iter().map(|one| (process_type(one), &one.image)).collect();
        for (process, ImageId(image)) in of_process {
            match self.session.hold(&guard::of_launch(&app.guid, process), image) {
                Err(failure) if failure.code == ExitCode::Launch => return Err(failure),
                // An engine that cannot make a container launches nothing either.
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends containers, several at once. Says of each that it has ended.
    fn end(&self, app: &RunningApp, containers: &[&ContainerSummary]) -> Result<(), EngineError> {
        for some in containers.chunks(SIDE_BY_SIDE) {
            let ended: Vec<Result<(), EngineError>> = thread::scope(|scope| {
                let threads: Vec<_> = some.iter().map(|one| scope.spawn(|| self.end_one(app, one))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(()))).collect()
            });
            ended.into_iter().collect::<Result<(), EngineError>>()?;
        }
        Ok(())
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

impl AppsBackend for AppsOnEngine {
    fn apps(&self) -> Result<Vec<RunningApp>, Failure> {
        let engine = &*self.session.engine;
        // Both at once: an engine with containerd's store reads each image for its list.
        let (containers, images) = thread::scope(|scope| {
            let images = scope.spawn(|| engine.images_labelled(labels::KIND, labels::KIND_APP));
            (engine.list_containers(), images.join())
        });
        let images = images.unwrap_or_else(|_| Ok(Vec::new()))?;
        Ok(apps(containers?.iter().filter(|one| is_listed(one, &images)).map(seen)))
    }

    fn log_sources(&self, app: &RunningApp) -> Result<Option<Vec<LogSource>>, Failure> {
        let (containers, _) = self.containers(app)?;
        let source = |one: &ContainerSummary| LogSource {
            id: one.id.0.clone(),
            process_type: process_type(one).to_owned(),
            index: index(one),
            source: log_source(process_type(one), index(one)),
            name: one.name.clone(),
            is_up: one.running == Running::Now,
        };
        Ok((!containers.is_empty()).then(|| containers.iter().map(source).collect()))
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
        let containers = self.our_containers(app)?;
        let is_meant = |one: &&ContainerSummary| selected.part.means(process_type(one), index(one));
        let runs = |one: &&ContainerSummary| one.running == Running::Now;
        let running: Vec<&ContainerSummary> = containers.iter().filter(is_meant).filter(runs).collect();
        if running.is_empty() {
            let text = format!("{} is stopped already", escape_control(app.subject()));
            self.session.emit(Event::Note { text });
            return Ok(());
        }
        self.hold(app, &containers)?;
        Ok(self.end(app, &running)?)
    }

    fn delete(&self, app: &RunningApp) -> Result<(), Failure> {
        let containers = self.our_containers(app)?;
        self.hold(app, &containers)?;
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
