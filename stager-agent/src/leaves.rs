//! The leaves as they really are: download, upload and run, each with the step it belongs to and the words around it.

mod ahead;
mod early;

use crate::action_error::ActionError;
use crate::build::environment;
use crate::build::reaper::Reaper;
use crate::build::rights;
use crate::build::run_process::{GRACE, Output, Program};
use crate::build::user::User;
use crate::execute::Leaves;
use crate::fetch::{Archive, Checksum, Owner};
use crate::plan::StagingPlan;
use crate::provide::Provider;
use crate::result_file;
use crate::scope::Scope;
use crate::steps::{Steps, milliseconds_since};
use crate::upload::{self, Parcel, UploadError};
use shared_model::action::{DownloadAction, RunAction, UploadAction};
use shared_model::event::{Event, Step};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
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

impl RealLeaves<'_> {
    /// Does a download, whether its turn has come or not.
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
