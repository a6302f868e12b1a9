//! Where the repositories are that images go to and come from; for tests they are elsewhere than on the network.

use super::client;
use super::credentials::Credentials;
use super::login::{self, LoginError, LoginOptions};
use super::reference::Reference;
use super::registry_error::RegistryError;
use super::repository::{Access, Repository};
use shared_model::event::EventSink;
use std::path::PathBuf;
use std::sync::Arc;

/// Who hears of what is tried again, for as long as it takes.
pub(crate) type Listener = Arc<dyn EventSink + Send + Sync>;

/// Opens repositories.
pub(crate) trait Registries: Send + Sync {
    /// The repository that `reference` names, with the eyes of this user and for this purpose.
    ///
    /// # Errors
    /// There is no registry.
    fn open(
        &self,
        reference: &Reference,
        who: (&Credentials, Access),
        events: Listener,
    ) -> Result<Box<dyn Repository + Send>, RegistryError>;

    /// Who reads in the registry of `reference`, where the command line does not say.
    fn reader(&self, reference: &Reference) -> Result<Credentials, LoginError> {
        login::credentials(LoginOptions { username: None, password_stdin: false }, reference)
    }
}

/// Those that the network leads to.
pub(crate) struct Network {
    /// Certificates to trust besides the system's, PEM.
    pub(crate) ca: Option<PathBuf>,
}

impl Registries for Network {
    fn open(
        &self,
        reference: &Reference,
        who: (&Credentials, Access),
        events: Listener,
    ) -> Result<Box<dyn Repository + Send>, RegistryError> {
        Ok(Box::new(client::open(reference, who, self.ca.as_deref(), &events)?))
    }
}
