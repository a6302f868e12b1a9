//! What the actions of one staging share.

use super::error::ActionError;
use crate::build::reaper::Reaper;
use crate::build::user::User;
use crate::dependencies::DependencyInstaller;
use crate::disk_budget::DiskBudget;
use crate::fetch::{Archive, Checksum};
use crate::hidden::Hidden;
use crate::plan::StagingPlan;
use crate::session::scope::Scope;
use crate::session::steps::Steps;
use crate::unpack::Owner;
use crate::untrusted_file::UntrustedFile;
use shared_model::action::DownloadAction;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Carries out the actions of one staging.
pub(crate) struct StagingRunner<'a> {
    pub(crate) plan: &'a StagingPlan,
    /// Whence all that is needed comes.
    pub(crate) installer: DependencyInstaller<'a>,
    /// Whose children are reaped.
    pub(crate) reaper: &'a Reaper,
    /// What programs are not to say.
    pub(crate) hidden: &'a Hidden,
    /// What downloads and programs may write together; `None`: the request sets no limit.
    pub(crate) disk: Option<Arc<DiskBudget>>,
    /// Whether anything leaves this machine.
    pub(crate) uploads: Uploads,
    /// The container's address, for `CF_INSTANCE_IP`.
    pub(crate) address: String,
    pub(crate) steps: Steps,
    /// What came of the downloads that began before the action did; empty at first.
    pub(crate) prefetched: Mutex<Vec<(&'a DownloadAction, Result<(), ActionError>)>>,
    /// Whether anything foreign has run.
    pub(crate) has_run: AtomicBool,
    /// What the last upload of a droplet was made of; `None`: there was none yet.
    pub(crate) droplet: Mutex<Option<Droplet>>,
}

/// The droplet as it was opened for its upload. Whatever else is made of it is made of this file.
#[derive(Clone)]
pub(crate) struct Droplet {
    pub(crate) file: UntrustedFile,
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

impl StagingRunner<'_> {
    /// Does a download, whether its turn has come or not.
    pub(super) fn fetch_package(
        &self,
        installer: &DependencyInstaller,
        action: &DownloadAction,
        scope: &Scope,
    ) -> Result<(), ActionError> {
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let to = user.home.join(&action.to);
        let checksum = Checksum::parse(action.checksum_algorithm.as_deref(), action.checksum_value.as_deref());
        let archive = Archive {
            name: action.artifact.as_deref().unwrap_or_default(),
            from: &action.from,
            to: &to,
            into: None,
            checksum: checksum.map_err(ActionError::bad_checksum(&action.to))?,
            owner: Some(Owner { uid: user.uid, gid: user.gid }),
            known: None,
            copy: None,
            limits: installer.limits,
            disk: self.disk.as_ref(),
        };
        Ok(installer.install_package(&archive, scope)?)
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
}
