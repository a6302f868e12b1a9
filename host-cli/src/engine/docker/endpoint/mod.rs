//! Which engine is meant, by docker's own rules: `DOCKER_HOST`, else the docker context of `DOCKER_CONTEXT`, else the one of
//! `config.json`, else the usual socket. Nothing is guessed: where another engine's socket lies is only told.

#![expect(clippy::disallowed_methods, reason = "the one place that asks the environment for the engine")]

mod address;
mod context;
mod tls;

pub(super) use address::{Address, host_of};
pub(super) use tls::TlsFiles;

use crate::docker_folder;
use crate::engine::EngineError;
use crate::engine::connect_error::{ChosenBy, ConnectError, NamedBy};
use address::{AddressError, Scheme};
use shared_model::safe_url::SafeUrl;
use std::env;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

/// What the environment says of the engine. Empty is the same as unset, as for docker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    /// `DOCKER_HOST`.
    pub(super) host: String,
    /// `DOCKER_CONTEXT`.
    pub(super) context: String,
    /// `DOCKER_TLS_VERIFY`: TLS, and the engine must prove who it is. Any value, even `0`.
    pub(super) tls_verify: bool,
    /// `DOCKER_TLS`: TLS, whoever the engine is. Any value.
    pub(super) tls: bool,
    /// `DOCKER_CERT_PATH`; `None`: the configuration folder.
    pub(super) certificates: Option<PathBuf>,
    /// Docker's configuration folder: `DOCKER_CONFIG`, else `.docker` in `HOME`; `None` where neither is set.
    pub(super) configuration: Option<PathBuf>,
    /// `DOCKER_API_VERSION`: `1.44`, `v1.44`; empty: the newest that both sides know.
    pub(super) api_version: String,
    /// `XDG_RUNTIME_DIR`, where engines without root's rights listen.
    pub(super) runtime: Option<PathBuf>,
}

impl Environment {
    /// As the variables of this process have it.
    pub(super) fn from_process() -> Self {
        let text = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().trim().to_owned());
        let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let is_set = |name: &str| path(name).is_some();
        Self {
            host: text("DOCKER_HOST").unwrap_or_default(),
            context: text("DOCKER_CONTEXT").unwrap_or_default(),
            tls_verify: is_set("DOCKER_TLS_VERIFY"),
            tls: is_set("DOCKER_TLS"),
            certificates: path("DOCKER_CERT_PATH"),
            configuration: docker_folder::of_process(),
            api_version: text("DOCKER_API_VERSION").unwrap_or_default(),
            runtime: path("XDG_RUNTIME_DIR"),
        }
    }

    /// What the variables say of TLS; `None` for plain HTTP. A missing `ca.pem` is an error where it is needed.
    fn tls_files(&self) -> Option<TlsFiles> {
        (self.tls || self.tls_verify).then(|| {
            let mut files = self.certificate_files();
            files.verify = self.tls_verify;
            if self.tls_verify && files.authorities.is_none() {
                files.authorities = Some(self.certificate_folder().join(tls::AUTHORITIES));
            }
            files
        })
    }

    fn certificate_files(&self) -> TlsFiles {
        TlsFiles::find_in(&self.certificate_folder())
    }

    fn certificate_folder(&self) -> PathBuf {
        self.certificates.clone().or_else(|| self.configuration.clone()).unwrap_or_default()
    }
}

/// The engine that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EngineEndpoint {
    /// Where it listens.
    pub(super) address: Address,
    /// How TLS is spoken; `None` for plain HTTP. A socket in the file system is never spoken to by TLS.
    pub(super) tls: Option<TlsFiles>,
    /// Which setting names it, for error texts.
    pub(super) by: NamedBy,
}

/// The engine that this environment names; an error where it names none that we can speak to.
pub(super) fn choose(environment: &Environment) -> Result<EngineEndpoint, ConnectError> {
    let context = context_of(environment);
    if !environment.host.is_empty() {
        let instead_of = context.ok().flatten().map(|(name, _)| name);
        return at(&environment.host, environment.tls_files(), NamedBy::Host { instead_of }, environment);
    }
    let Some((name, chosen_by)) = context? else {
        let tls = environment.tls_files();
        return Ok(EngineEndpoint { address: address::default_address(tls.is_some()), tls, by: NamedBy::Nobody });
    };
    let folder = environment.configuration.clone().unwrap_or_default();
    let found = context::find(&folder, &name, chosen_by.clone())?;
    let by = NamedBy::Context { name, chosen_by };
    if found.host.is_empty() {
        return Ok(EngineEndpoint { address: address::default_address(false), tls: None, by });
    }
    at(&found.host, found.tls, by, environment)
}

/// The context that the environment or docker's configuration chooses, unless it is the default one.
fn context_of(environment: &Environment) -> Result<Option<(String, ChosenBy)>, ConnectError> {
    if !environment.context.is_empty() {
        let name = environment.context.clone();
        return Ok(context::is_one(&name).then_some((name, ChosenBy::Variable)));
    }
    environment.configuration.as_deref().map_or(Ok(None), context::current)
}

fn at(
    host: &str,
    tls: Option<TlsFiles>,
    by: NamedBy,
    environment: &Environment,
) -> Result<EngineEndpoint, ConnectError> {
    let safe = || SafeUrl::new(host);
    let (address, speech) = match address::parse(host) {
        Ok(read) => read,
        Err(AddressError::Ssh { there, socket }) => return Err(ConnectError::Ssh { there, socket, by }),
        Err(AddressError::Wrong(reason)) => return Err(ConnectError::Address { host: safe(), by, reason }),
    };
    let tls = match (&address, speech) {
        (Address::Unix(_), _) | (_, Scheme::Plain) => None,
        (_, Scheme::AsConfigured) => tls,
        (_, Scheme::Tls) => Some(tls.unwrap_or_else(|| environment.certificate_files())),
    };
    Ok(EngineEndpoint { address, tls, by })
}

impl EngineEndpoint {
    /// The error of the first call, with what is known of this endpoint; `environment` says where other engines might be.
    pub(super) fn explain(&self, error: EngineError, environment: &Environment) -> EngineError {
        let by = self.by.clone();
        let elsewhere = || if by == NamedBy::Nobody { other_sockets(environment) } else { Box::default() };
        EngineError::Connect(match error {
            EngineError::Unreachable { address, reason } => {
                ConnectError::Nobody { address, reason, elsewhere: elsewhere(), by }
            }
            EngineError::Forbidden { address, reason } => {
                ConnectError::Closed { address, reason, elsewhere: elsewhere(), by }
            }
            EngineError::Connect(ConnectError::NotHttp { address, .. }) => ConnectError::NotHttp { address, by },
            other => return other,
        })
    }
}

/// Sockets of other engines that are there: Docker without root's rights, Docker Desktop, Podman.
fn other_sockets(environment: &Environment) -> Box<[PathBuf]> {
    let own = |name: &str| environment.runtime.as_ref().map(|folder| folder.join(name));
    let desktop = environment.configuration.as_ref().map(|folder| folder.join("run/docker.sock"));
    [own("docker.sock"), desktop, own("podman/podman.sock"), Some("/run/podman/podman.sock".into())]
        .into_iter()
        .flatten()
        .filter(|path| std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket()))
        .collect()
}

#[cfg(test)]
mod tests;
