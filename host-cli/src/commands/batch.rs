//! Several apps are staged again: each on a session of its own, so many at once, until all were tried. A signal ends every
//! session, and each cleans up as it would alone.

use super::upload;
use crate::app_ref::AppRef;
use crate::arguments::{On, Restage};
use crate::engine::{Engine, EngineInfo};
use crate::failure::Failure;
use crate::image::MadeImage;
use crate::pipeline;
use crate::plan;
use crate::plan::upload::Upload;
use crate::registry::push_by::PushBy;
use crate::requests;
use crate::screen::batch::{OfApp, Screens};
use crate::session::signals::{self, Ended};
use crate::session::{Unconnected, by_signal, millis, run, run_watched};
use crate::settings::Settings;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

/// What a staging is taken to need of the engine's memory where nobody says how many there may be at once.
const USUAL_MEMORY: u64 = 1 << 30;

/// Stages each of the apps again and makes its image.
pub(super) fn restage(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    let screens = Screens::new(command.screen_options());
    let stop = Arc::<StopBroadcast>::default();
    let outside = Arc::clone(&stop);
    let agent_options = Arc::<[String]>::from(agent_options);
    let typed_behind = Arc::clone(&agent_options);
    // The whole session does not end at a signal, but when those of the apps have ended.
    run_watched(
        screens.whole(),
        move |_| outside.listen(),
        move || {
            Upload::typed(command.upload, command.no_upload, &typed_behind)?;
            Ok((apps(&command)?, command))
        },
        move |session, (apps, command)| {
            let jobs = command.jobs.map_or_else(|| session.engine.info().map(|info| usual_jobs(&info)), Ok)?;
            let stage = on_engine(&session.engine, Arc::new(command), agent_options, Arc::new(settings));
            restage_all(session, &Batch { stage, screens, stop }, &apps, jobs)
        },
    )
}

/// What all of them have in common.
pub(super) struct Batch {
    pub(super) stage: Arc<StageOne>,
    pub(super) screens: Screens,
    pub(super) stop: Arc<StopBroadcast>,
}

/// Stages one app on a session of its own: how it ended; and, however that was, the app's name where Diego can no longer place it.
pub(super) type StageOne = dyn Fn(&Unconnected, &AppRef) -> (Result<(), Failure>, Option<String>) + Send + Sync;

/// On this engine.
pub(super) fn on_engine(
    engine: &Arc<dyn Engine>,
    command: Arc<Restage>,
    agent_options: Arc<[String]>,
    settings: Arc<Settings>,
) -> Arc<StageOne> {
    let engine = Arc::clone(engine);
    Arc::new(move |unconnected, app| {
        let request = match pipeline::staging_request(&command, Some(app)) {
            Ok(request) => request,
            Err(error) => return (Err(error.into()), None),
        };
        let session = unconnected.with(Arc::clone(&engine));
        let image = pipeline::restage(&session, &request, (&command, &agent_options), None);
        let stranded = upload::stranded(unconnected, &command, &request, &agent_options);
        let propose = |image: Option<MadeImage>| {
            pipeline::propose_launch(&session, &request, &command, &settings, image.as_ref());
        };
        (image.map(propose), stranded)
    })
}

/// Tries all, `jobs` at once.
pub(super) fn restage_all(
    events: &(dyn EventSink + Sync),
    batch: &Batch,
    apps: &[AppRef],
    jobs: NonZeroUsize,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let ends: Vec<OnceLock<ExitCode>> = apps.iter().map(|_| OnceLock::new()).collect();
    let words: Vec<String> = apps.iter().map(|app| app.word.clone()).collect();
    let stranded = Arc::<Mutex<Vec<String>>>::default();
    batch.screens.expect(&words);
    thread::scope(|threads| {
        for _ in 0..jobs.get().min(apps.len()) {
            threads.spawn(|| {
                while batch.stop.signal().is_none() {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let (Some(app), Some(end)) = (apps.get(at), ends.get(at)) else { break };
                    let _ = end.set(one(events, batch, app, &stranded));
                }
            });
        }
    });
    let stranded = std::mem::take(&mut *lock(&stranded));
    if !stranded.is_empty() {
        events.emit(Event::Warning { text: plan::upload::warning(&stranded) });
    }
    if let Some(signal) = batch.stop.signal() {
        let Failure { code, text, advice } = by_signal(signal);
        let waiting = apps.iter().zip(&ends).filter(|(_, end)| end.get().is_none());
        let waiting: Vec<&str> = waiting.map(|(app, _)| app.word.as_str()).collect();
        let text = if waiting.is_empty() { text } else { format!("{text}; not begun: {}", waiting.join(", ")) };
        return Err(Failure::new(code, text, advice));
    }
    let failed = |(app, end): (&AppRef, &OnceLock<ExitCode>)| {
        let code = end.get().copied().unwrap_or(ExitCode::Bug);
        (code != ExitCode::Success).then(|| (code, format!("{} ({})", app.word, code.number())))
    };
    let failed: Vec<(ExitCode, String)> = apps.iter().zip(&ends).filter_map(failed).collect();
    let Some((first, _)) = failed.first() else { return Ok(()) };
    let names: Vec<&str> = failed.iter().map(|(_, name)| name.as_str()).collect();
    let text = format!("{} of {} apps were not staged: {}", failed.len(), apps.len(), names.join(", "));
    Err(Failure::new(*first, text, "see above why each failed"))
}

/// Stages one; names it among the `stranded` where Diego can no longer place it.
fn one(events: &(dyn EventSink + Sync), batch: &Batch, app: &AppRef, stranded: &Arc<Mutex<Vec<String>>>) -> ExitCode {
    let began = Instant::now();
    let screen = Arc::new(OfApp::new(batch.screens.of(&app.word)));
    let (stage, wanted, stranded) = (Arc::clone(&batch.stage), app.clone(), Arc::clone(stranded));
    let hear = |ends| {
        batch.stop.add(ends);
        Ok(())
    };
    let code = run(Arc::<OfApp>::clone(&screen), hear, move |unconnected| {
        let (ended, of_diego) = stage(unconnected, &wanted);
        lock(&stranded).extend(of_diego);
        ended
    });
    events.emit(screen.end(&app.word, code, millis(began)));
    code
}

fn lock(list: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The apps that were typed, or all that the logs know.
pub(super) fn apps(command: &Restage) -> Result<Vec<AppRef>, Failure> {
    let wrong = |text: &str, advice: &str| Err(Failure::new(ExitCode::CommandLine, text, advice));
    if command.request.is_some() {
        return wrong("--request cannot go with several apps", "");
    }
    if command.publish.is_some() && command.on == On::Docker {
        return wrong("--publish cannot go with several apps", "restage each by itself, with a name of its own");
    }
    if command.on == On::Kubernetes && (command.username.is_some() || command.password_stdin) {
        let advice = "`docker login` first, or name a Secret with --registry-secret";
        return wrong("--username cannot go with several apps", advice);
    }
    if command.push.is_some()
        || command.push_by == PushBy::Engine
        || command.username.is_some()
        || command.password_stdin
    {
        return wrong("--push cannot go with several apps", "push each with `host-cli push`");
    }
    if command.stager_log.as_deref().is_some_and(|log| log.as_os_str() == "-") {
        return wrong("--stager-log - cannot go with several apps", "give a file to --stager-log");
    }
    let typed = command.app_refs();
    if !command.all {
        return Ok(typed);
    }
    if !typed.is_empty() {
        return wrong("--all cannot go with APP", "");
    }
    Ok(requests::all_staged_apps(&command.log_options())?)
}

/// As many at once as the engine has processors, and memory for.
fn usual_jobs(info: &EngineInfo) -> NonZeroUsize {
    let fitting = usize::try_from(info.memory_bytes / USUAL_MEMORY).unwrap_or(usize::MAX);
    NonZeroUsize::new(info.processors.min(fitting)).unwrap_or(NonZeroUsize::MIN)
}

/// Tells every session of the one signal that the process gets.
#[derive(Default)]
pub(super) struct StopBroadcast(Mutex<Broadcast>);

#[derive(Default)]
struct Broadcast {
    signal: Option<i32>,
    sessions: Vec<Sender<Ended>>,
}

impl StopBroadcast {
    /// From now on the process's first signal stops all.
    pub(super) fn listen(self: Arc<Self>) -> Result<(), Failure> {
        let (tells, hears) = mpsc::channel();
        signals::watch(tells)?;
        thread::spawn(move || {
            if let Ok(Ended::BySignal(signal)) = hears.recv() {
                self.stop(signal);
            }
        });
        Ok(())
    }

    /// Ends every session.
    pub(super) fn stop(&self, signal: i32) {
        let mut all = self.lock();
        all.signal = Some(signal);
        for session in all.sessions.drain(..) {
            let _ = session.send(Ended::BySignal(signal)); // One that has ended hears nothing more.
        }
    }

    /// The session is told, now or later.
    fn add(&self, session: Sender<Ended>) {
        let mut all = self.lock();
        match all.signal {
            Some(signal) => drop(session.send(Ended::BySignal(signal))),
            None => all.sessions.push(session),
        }
    }

    fn signal(&self) -> Option<i32> {
        self.lock().signal
    }

    fn lock(&self) -> MutexGuard<'_, Broadcast> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Limits, Quota, Store};

    #[test]
    fn as_many_are_staged_at_once_as_the_engine_has_processors_and_memory_for() {
        for (processors, gibibytes, jobs) in [(8, 64, 8), (8, 4, 4), (2, 0, 1), (0, 0, 1)] {
            let memory_bytes = gibibytes << 30;
            let (version, store, limits) = (String::new(), Store::Unknown, Limits::default());
            let quota = Quota::default();
            let architecture = String::new();
            let info = EngineInfo { version, store, limits, quota, architecture, processors, memory_bytes };
            assert_eq!(usual_jobs(&info).get(), jobs);
        }
    }

    #[test]
    fn a_session_that_begins_after_the_signal_hears_it_too() {
        let stop = StopBroadcast::default();
        let sessions = [(); 2].map(|()| mpsc::channel());
        stop.add(sessions[0].0.clone());
        stop.stop(15);
        stop.add(sessions[1].0.clone());
        for (_, hears) in sessions {
            assert!(matches!(hears.try_recv(), Ok(Ended::BySignal(15))));
        }
    }
}
