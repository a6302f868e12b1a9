//! The leaves as they really are: download, upload and run, each with the step it belongs to and the words around it.

mod ahead;
mod early;

use crate::action_error::{ActionError, Beyond};
use crate::build::disk::DiskWatch;
use crate::build::environment;
use crate::build::reaper::Reaper;
use crate::build::rights;
use crate::build::run_process::{Ended, GRACE, Output, Program};
use crate::build::session::OWN_PROGRAM;
use crate::build::user::User;
use crate::disk_budget::DiskBudget;
use crate::execute::Leaves;
use crate::fetch::{Archive, Checksum};
use crate::hidden::Hidden;
use crate::left_file::LeftFile;
use crate::plan::StagingPlan;
use crate::provide::{Provider, Stock};
use crate::scope::{Scope, Stop, Stopped};
use crate::steps::{Steps, milliseconds_since};
use crate::unpack::Owner;
use crate::upload::{self, Parcel};
use shared_model::action::{DownloadAction, RunAction, UploadAction};
use shared_model::event::{Event, Step};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often is looked whether a program has written too much.
const LOOK_AT_DISK: Duration = Duration::from_millis(500);

/// What all leaves of one staging share.
pub(crate) struct RealLeaves<'a> {
    /// What is staged.
    pub(crate) plan: &'a StagingPlan,
    /// Whence all that is needed comes.
    pub(crate) provider: Provider<'a>,
    /// Whose children are reaped.
    pub(crate) reaper: &'a Reaper,
    /// What programs are not to say.
    pub(crate) hidden: &'a Hidden,
    /// What downloads and programs may write together; `None`: the request sets no limit.
    pub(crate) disk: Option<Arc<DiskBudget>>,
    /// Whether anything leaves this machine.
    pub(crate) uploads: Uploads,
    /// For `CF_INSTANCE_IP`.
    pub(crate) address: String,
    /// Where on the road we are.
    pub(crate) steps: Steps,
    /// What came of the downloads that began before the action did; empty at first.
    pub(crate) ahead: Mutex<Vec<(&'a DownloadAction, Result<(), ActionError>)>>,
    /// Whether anything foreign has run.
    pub(crate) has_run: AtomicBool,
    /// What the last upload of a droplet was made of; `None`: there was none yet.
    pub(crate) droplet: Mutex<Option<Droplet>>,
}

/// The droplet as it was opened for its upload. Whatever else is made of it is made of this file.
#[derive(Clone)]
pub(crate) struct Droplet {
    /// It.
    pub(crate) file: LeftFile,
    /// Its sha256, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Whether Cloud Controller has it.
    pub(crate) uploaded: bool,
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
    fn fetch_package(&self, provider: &Provider, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
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
            limits: provider.limits,
            disk: self.disk.as_ref(),
        };
        Ok(provider.package(&archive, scope)?)
    }

    /// The droplet as it was opened for its upload; `None` where it never came to that.
    pub(crate) fn droplet(&self) -> Option<Droplet> {
        self.droplet.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those whose files are taken, once something foreign has run: `user`, where that is one, and whom programs ran as.
    /// Empty: nothing has run yet, so that what is there is the agent's own work or the image's.
    pub(crate) fn makers(&self, user: &str) -> Vec<User> {
        if !self.has_run.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let names = iter::once(user).chain(self.plan.action.runs().map(|run| run.user.as_str()));
        names.filter_map(|name| User::named(name).ok()).collect()
    }

    /// Runs a program, and ends it when it writes more than the request allows.
    fn run_watched(&self, program: &Program, scope: &Scope) -> Result<Ended, ActionError> {
        let run = |scope: &Scope| program.run(scope, self.reaper).map_err(ActionError::Run);
        let Some(limit) = self.plan.disk_limit else { return run(scope) };
        let full = Stop::default();
        let (done, is_done) = mpsc::channel::<()>();
        thread::scope(|threads| {
            let full = &full;
            let watch = move || {
                // The other end is dropped when the program has ended. Most have, before it is looked for the first time.
                let ended = || is_done.try_recv() == Err(TryRecvError::Disconnected);
                let waited = || is_done.recv_timeout(LOOK_AT_DISK) == Err(RecvTimeoutError::Timeout);
                if !waited() {
                    return;
                }
                let goes_on = || !ended();
                let mut disk = DiskWatch::below(Path::new("/"), program.user, limit, self.reaper, &goes_on);
                loop {
                    if disk.is_passed() {
                        full.by_full_disk();
                    }
                    if let Some(budget) = &self.disk {
                        budget.is_used(disk.used());
                    }
                    if !waited() {
                        return;
                    }
                }
            };
            thread::Builder::new().name("disk".to_owned()).spawn_scoped(threads, watch)?;
            let ended = run(&scope.stoppable_by(full));
            drop(done);
            ended
        })
    }

    /// A download that something foreign has run before: it may have prepared the place. So it is made with no more than
    /// the user's own rights, and keeps nothing in the cache, which is not the user's.
    fn fetch_as_user(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let stock = Stock::default();
        let provider = Provider { stock: &stock, ..self.provider };
        rights::as_user(&user, || self.fetch_package(&provider, action, scope))
    }
}

impl Leaves for RealLeaves<'_> {
    fn download(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Fetch, scope);
        self.fetched_ahead(action).unwrap_or_else(|| {
            if self.has_run.load(Ordering::SeqCst) {
                self.fetch_as_user(action, scope)
            } else {
                self.fetch_package(&self.provider, action, scope)
            }
        })
    }

    fn upload(&self, action: &UploadAction, scope: &Scope) -> Result<(), ActionError> {
        let name = action.artifact.as_deref().unwrap_or_default();
        let path = Path::new(&action.from);
        let is_droplet = self.plan.droplet.as_deref() == Some(path);
        let file = upload::open(path, &self.makers(&action.user))?;
        let parcel = Parcel { name, path, file: &file, to: &action.to };
        let (sha256, uploaded) = match self.uploads {
            Uploads::Skipped => {
                scope.emit(Event::UploadSkipped { name: name.to_owned(), reason: "--no-upload".to_owned() });
                (if is_droplet { upload::sha256(&parcel, scope)? } else { String::new() }, false)
            }
            Uploads::Sent => {
                self.steps.enter(Step::Upload, scope);
                (upload::upload(self.provider.http, &parcel, scope)?.sha256, true)
            }
        };
        if is_droplet {
            *self.droplet.lock().unwrap_or_else(PoisonError::into_inner) = Some(Droplet { file, sha256, uploaded });
        }
        Ok(())
    }

    fn run(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Build, scope);
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let open_files = action.nofile().map(|limit| {
            rights::open_files(limit).unwrap_or_else(|limited| {
                let text = format!("{limited}; docker run --ulimit nofile={limit} allows more");
                scope.emit(Event::Warning { text });
                limited.allowed
            })
        });
        let directory = action.dir.as_deref().filter(|directory| !directory.is_empty()).map(PathBuf::from);
        let program = Program {
            path: &action.path,
            arguments: action.arguments(),
            environment: &environment::of_run(&self.plan.environment, action.environment(), &user, &self.address),
            directory: directory.unwrap_or_else(|| user.home.clone()),
            user: &user,
            output: if action.suppress_log_output { Output::Suppressed } else { Output::Shown },
            open_files,
            hidden: self.hidden,
            stage: Some(OWN_PROGRAM),
            grace: GRACE,
        };
        scope.emit(Event::RunStarted { path: action.path.clone(), user: user.name.clone() });
        let started = Instant::now();
        self.has_run.store(true, Ordering::SeqCst);
        let ended = self.run_watched(&program, scope)?;
        let beyond = match ended.stopped {
            Some(Stopped::DiskFull) => Some(Beyond::Disk),
            _ => ended.out_of_memory.then_some(Beyond::Memory),
        };
        if program.output == Output::Shown {
            let text = format!("Exit status {}{}", ended.status, Beyond::behind_status(beyond));
            scope.emit(Event::Progress { source: scope.log_source().to_owned(), text, failed: false });
        }
        let ms = milliseconds_since(started);
        scope.emit(Event::RunEnded { path: action.path.clone(), status: ended.status, ms });
        if ended.left > 0 {
            let text = format!("Ended {} that {} had left running", processes(ended.left), action.program());
            scope.emit(Event::Note { text });
        }
        match (ended.stopped, ended.status) {
            // Though it may have ended by itself in the very last moment, it has no room for what it wrote.
            (Some(Stopped::DiskFull), status) => Err(ActionError::Exited { path: action.path.clone(), status, beyond }),
            (Some(reason), _) => Err(ActionError::Stopped(reason)),
            (None, 0) => Ok(()),
            (None, status) => Err(ActionError::Exited { path: action.path.clone(), status, beyond }),
        }
    }
}

fn processes(count: usize) -> String {
    if count == 1 { "a process".to_owned() } else { format!("{count} processes") }
}

fn checksum(what: &str, algorithm: Option<&str>, value: Option<&str>) -> Result<Option<Checksum>, ActionError> {
    Checksum::parse(algorithm, value).map_err(ActionError::of_checksum(what))
}
