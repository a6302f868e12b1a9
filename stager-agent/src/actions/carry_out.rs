//! Carries out the actions that have no others in them: download, upload and run, each in the step that it belongs to.

use super::error::ActionError;
use super::execute::ActionRunner;
use super::runner::{Droplet, StagingRunner, Uploads};
use crate::build::rights;
use crate::build::user::User;
use crate::dependencies::{Caches, DependencyInstaller};
use crate::session::scope::Scope;
use crate::upload::{self, Upload};
use shared_model::action::{DownloadAction, RunAction, UploadAction};
use shared_model::event::{Event, Step};
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl ActionRunner for StagingRunner<'_> {
    fn download(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Fetch, scope);
        self.prefetched(action).unwrap_or_else(|| {
            if self.has_run.load(Ordering::SeqCst) {
                self.fetch_as_user(action, scope)
            } else {
                self.fetch_package(&self.installer, action, scope)
            }
        })
    }

    fn upload(&self, action: &UploadAction, scope: &Scope) -> Result<(), ActionError> {
        let name = action.artifact.as_deref().unwrap_or_default();
        let path = Path::new(&action.from);
        let is_droplet = self.plan.droplet.as_deref() == Some(path);
        let file = upload::open(path, &self.makers(&action.user))?;
        let upload = Upload { name, path, file: &file, to: &action.to };
        let (sha256, uploaded) = match self.uploads {
            Uploads::Skipped => {
                scope.emit(Event::UploadSkipped { name: name.to_owned(), reason: "--no-upload".to_owned() });
                (if is_droplet { upload::sha256(&upload, scope)? } else { String::new() }, false)
            }
            Uploads::Sent => {
                self.steps.enter(Step::Upload, scope);
                (upload::upload(self.installer.http, &upload, scope)?, true)
            }
        };
        if is_droplet {
            *self.droplet.lock().unwrap_or_else(PoisonError::into_inner) = Some(Droplet { file, sha256, uploaded });
        }
        Ok(())
    }

    fn run(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError> {
        self.steps.enter(Step::Build, scope);
        self.run_program(action, scope)
    }
}

impl StagingRunner<'_> {
    /// A download that something foreign has run before: it may have prepared the place. So it is made with no more than
    /// the user's own rights, and keeps nothing in the cache, which is not the user's.
    fn fetch_as_user(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let caches = Caches::default();
        let installer = DependencyInstaller { caches: &caches, ..self.installer };
        rights::as_user(&user, || self.fetch_package(&installer, action, scope))
    }
}
