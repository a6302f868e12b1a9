//! The leaves as they really are: download, upload and run, each with the step it belongs to and the words around it.

use crate::action_error::ActionError;
use crate::build::environment;
use crate::build::reaper::Reaper;
use crate::build::rights;
use crate::build::run_process::{GRACE, Output, Program};
use crate::build::user::User;
use crate::early::{Early, early};
use crate::execute::Leaves;
use crate::fetch::{Archive, Checksum, Owner};
use crate::plan::StagingPlan;
use crate::provide::{self, Dependency, Needed, Provider, indispensable};
use crate::result_file;
use crate::scope::{Scope, Stop, Stopped};
use crate::side_by_side::side_by_side;
use crate::steps::{Steps, milliseconds_since};
use crate::upload::{self, Parcel, UploadError};
use jiff::Timestamp;
use shared_model::action::{Action, DownloadAction, RunAction, UploadAction};
use shared_model::event::{Event, Step};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What all leaves of one staging share.
pub(crate) struct RealLeaves<'a> {
    /// What is staged.
    pub(crate) plan: &'a StagingPlan,
    /// Whence all that is needed comes.
    pub(crate) provider: Provider<'a>,
    /// Whose children are reaped.
    pub(crate) reaper: &'a Reaper,
    /// Whether anything leaves this machine.
    pub(crate) uploads: Uploads,
    /// For `CF_INSTANCE_IP`.
    pub(crate) address: String,
    /// Where on the road we are.
    pub(crate) steps: Steps,
    /// What came of the downloads that began before the action did; empty at first.
    pub(crate) ahead: Mutex<Vec<(&'a DownloadAction, Result<(), ActionError>)>>,
    /// Whether the droplet was taken.
    pub(crate) droplet_uploaded: AtomicBool,
}

/// Whether anything leaves this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uploads {
    /// As the request says.
    Sent,
    /// `--no-upload`.
    Skipped,
}

/// One of the things that are fetched at once.
enum Job<'d, 'a> {
    /// A dependency, and whether it may be a link into the cache.
    Dependency(&'d Dependency<'a>, bool),
    /// A download that the action begins with.
    Download(Early<'a>),
}

/// Which places of a request overlap with no other one: nothing else is unpacked there, above or below.
struct Alone<'a> {
    dependencies: Vec<bool>,
    downloads: Vec<(&'a DownloadAction, bool)>,
}

impl<'a> Alone<'a> {
    fn of(dependencies: &[Dependency], action: &'a Action) -> Self {
        // One for a user who is not there fails before it unpacks anything.
        let place = |download: &DownloadAction| Some(User::named(&download.user).ok()?.home.join(&download.to));
        let downloads = action.downloads().filter_map(|download| Some((download, place(download)?)));
        let downloads: Vec<(&DownloadAction, PathBuf)> = downloads.collect();
        let places = dependencies.iter().map(|dependency| dependency.to);
        let mut alone = provide::alone(&places.chain(downloads.iter().map(|(_, to)| to.as_path())).collect::<Vec<_>>());
        let of_downloads = alone.split_off(dependencies.len());
        let downloads = downloads.into_iter().zip(of_downloads).map(|((download, _), alone)| (download, alone));
        Self { dependencies: alone, downloads: downloads.collect() }
    }

    fn has(&self, download: &DownloadAction) -> bool {
        self.downloads.iter().any(|(known, alone)| *alone && ptr::eq(*known, download))
    }
}

impl<'a> RealLeaves<'a> {
    /// Sees to it that all is there that the action takes for granted, and fetches what it begins with, at once. The first
    /// to fail ends the others: nothing could be made of them.
    ///
    /// # Errors
    /// [`ActionError::Expired`] before anything is done; else what came of the dependencies. What came of a download is
    /// told where the action arrives at it.
    pub(crate) fn fetch_ahead(&self, scope: &Scope) -> Result<(), ActionError> {
        let needed = indispensable(&self.plan.action);
        if !self.plan.dependencies.is_empty() || !needed.is_empty() {
            self.steps.enter(Step::Fetch, scope);
        }
        let dependencies: Vec<Dependency> =
            self.plan.dependencies.iter().map(Dependency::of).collect::<Result<_, _>>()?;
        let alone = Alone::of(&dependencies, &self.plan.action);
        let linked = || dependencies.iter().zip(alone.dependencies.iter().copied());
        let all = linked().map(|(dependency, linked)| Needed::Dependency(dependency, linked));
        let all: Vec<_> = all.chain(needed.into_iter().map(Needed::Download)).collect();
        let missing = self.provider.missing(&all, Timestamp::now().as_second(), scope);
        if !missing.is_empty() {
            return Err(ActionError::Expired(missing));
        }

        let downloads = early(&self.plan.action).into_iter().filter(|early| alone.has(early.action));
        let jobs = linked().map(|(dependency, linked)| Job::Dependency(dependency, linked));
        let jobs: Vec<Job> = jobs.chain(downloads.map(Job::Download)).collect();
        let group = Stop::default();
        let group_scope = scope.stoppable_by(&group);
        let results = side_by_side(&jobs, |job| match job {
            Job::Dependency(dependency, linked) => {
                let scope = group_scope.named(dependency.log_source);
                let provided = self.provider.dependency(dependency, *linked, &scope);
                provided.map_err(ActionError::from).inspect_err(|_| group.by_codependent())
            }
            Job::Download(early) => {
                self.download_ahead(early, &group_scope, &group);
                Ok(())
            }
        });
        let errors: Vec<ActionError> = results.into_iter().filter_map(Result::err).collect();
        let only_ended = |error: &ActionError| matches!(error, ActionError::Stopped(Stopped::Codependent));
        // Where a download has ended the others, the action says so before it runs anything.
        if errors.iter().all(only_ended) { Ok(()) } else { Err(ActionError::Several(errors)) }
    }

    /// Does a download before the action arrives at it, and keeps what came of it.
    fn download_ahead(&self, early: &Early<'a>, scope: &Scope, group: &Stop) {
        let scope = scope.named(early.log_source);
        let limited = early.limit.map(|limit| scope.limited(limit));
        let result = self.fetch_package(early.action, limited.as_ref().unwrap_or(&scope));
        // Whoever was only stopped has its own time again when its turn comes.
        if matches!(result, Err(ActionError::Stopped(_))) {
            return;
        }
        if result.is_err() && early.indispensable {
            group.by_codependent();
        }
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).push((early.action, result));
    }

    fn fetched_ahead(&self, action: &DownloadAction) -> Option<Result<(), ActionError>> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let at = ahead.iter().position(|(known, _)| ptr::eq(*known, action))?;
        Some(ahead.swap_remove(at).1)
    }

    fn fetch_package(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let to = user.home.join(&action.to);
        let archive = Archive {
            name: action.artifact.as_deref().unwrap_or_default(),
            from: &action.from,
            to: &to,
            into: None,
            checksum: checksum(&action.to, action.checksum_algorithm.as_deref(), action.checksum_value.as_deref())?,
            owner: Some(Owner { uid: user.uid, gid: user.gid }),
            known: None,
            copy: None,
            limits: self.provider.limits,
        };
        Ok(self.provider.package(&archive, scope)?)
    }

    /// Whether Cloud Controller has the new droplet.
    pub(crate) fn droplet_was_replaced(&self) -> bool {
        self.droplet_uploaded.load(Ordering::SeqCst)
    }
}

impl Leaves for RealLeaves<'_> {
    fn download(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Fetch, scope);
        self.fetched_ahead(action).unwrap_or_else(|| self.fetch_package(action, scope))
    }

    fn upload(&self, action: &UploadAction, scope: &Scope) -> Result<(), ActionError> {
        let name = action.artifact.as_deref().unwrap_or_default();
        let file = Path::new(&action.from);
        match self.uploads {
            Uploads::Skipped => {
                present(file)?;
                scope.emit(Event::UploadSkipped { name: name.to_owned(), reason: "--no-upload".to_owned() });
            }
            Uploads::Sent => {
                self.steps.enter(Step::Upload, scope);
                upload::upload(self.provider.http, &Parcel { name, file, to: &action.to }, scope)?;
                if self.plan.droplet.as_deref() == Some(file) {
                    self.droplet_uploaded.store(true, Ordering::SeqCst);
                }
            }
        }
        Ok(())
    }

    fn run(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Build, scope);
        let user = User::named(&action.user).map_err(ActionError::User)?;
        if let Some(limit) = action.nofile()
            && let Err(limited) = rights::limit_open_files(limit)
        {
            scope.emit(Event::Warning { text: format!("{limited}; docker run --ulimit nofile={limit} allows more") });
        }
        let directory = action.dir.as_deref().filter(|directory| !directory.is_empty()).map(PathBuf::from);
        let program = Program {
            path: &action.path,
            arguments: action.arguments(),
            environment: &environment::of_run(&self.plan.environment, action.environment(), &user, &self.address),
            directory: directory.unwrap_or_else(|| user.home.clone()),
            user: &user,
            output: if action.suppress_log_output { Output::Suppressed } else { Output::Shown },
            grace: GRACE,
        };
        scope.emit(Event::RunStarted { path: action.path.clone(), user: user.name.clone() });
        let started = Instant::now();
        let ended = program.run(scope, self.reaper).map_err(ActionError::Run)?;
        if program.output == Output::Shown {
            let text = format!("Exit status {}", ended.status);
            scope.emit(Event::Progress { source: scope.log_source().to_owned(), text, failed: false });
        }
        let ms = milliseconds_since(started);
        scope.emit(Event::RunEnded { path: action.path.clone(), status: ended.status, ms });
        if ended.left > 0 {
            let text = format!("Ended {} that {} had left running", processes(ended.left), action.program());
            scope.emit(Event::Note { text });
        }
        match (ended.stopped, ended.status) {
            (Some(reason), _) => Err(ActionError::Stopped(reason)),
            (None, 0) => Ok(()),
            (None, status) => Err(ActionError::Exited { path: action.path.clone(), status }),
        }
    }
}

fn processes(count: usize) -> String {
    if count == 1 { "a process".to_owned() } else { format!("{count} processes") }
}

fn checksum(what: &str, algorithm: Option<&str>, value: Option<&str>) -> Result<Option<Checksum>, ActionError> {
    Checksum::parse(algorithm, value).map_err(|source| ActionError::Checksum { what: what.to_owned(), source })
}

/// What an upload would complain about, where none takes place.
fn present(file: &Path) -> Result<(), UploadError> {
    let path = file.to_owned();
    match result_file::size_of(file) {
        Ok(Some(0)) => Err(UploadError::Empty { path }),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(UploadError::NotAFile { path }),
        Err(cause) => Err(UploadError::File { path, cause }),
    }
}
