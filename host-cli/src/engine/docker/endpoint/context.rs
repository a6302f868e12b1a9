//! Docker's contexts as docker's own command keeps them below its configuration folder: which one is chosen, and which
//! engine it names.

use super::tls::TlsFiles;
use crate::docker_folder;
use crate::engine::connect_error::{ChosenBy, ConnectError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::path::Path;

/// The context that stands for the environment's own engine.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext", default)]
    current: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<ContextEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    #[serde(default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_verify: bool,
}

/// The engine that a context names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContextEngine {
    /// Its address as the context has it; empty for the usual one.
    pub(super) host: String,
    /// What the context says of TLS; `None` for plain HTTP.
    pub(super) tls: Option<TlsFiles>,
}

/// The context that `currentContext` in `config.json` chooses; `None` where there is no such file or it chooses none.
pub(super) fn current(folder: &Path) -> Result<Option<(String, ChosenBy)>, ConnectError> {
    let path = folder.join(docker_folder::CONFIG);
    let found: Option<ConfigFile> = document(&path)?;
    let name = found.and_then(|file| file.current).filter(|name| is_one(name));
    Ok(name.map(|name| (name, ChosenBy::File(path))))
}

/// Whether a name is one of a context that is looked for, and not of the environment's own engine.
pub(super) fn is_one(name: &str) -> bool {
    !name.is_empty() && name != DEFAULT
}

/// What the context of this name says.
pub(super) fn find(folder: &Path, name: &str, chosen_by: ChosenBy) -> Result<ContextEngine, ConnectError> {
    let contexts = folder.join("contexts");
    let id = hex(&Sha256::digest(name));
    let found: Option<Context> = document(&contexts.join("meta").join(&id).join("meta.json"))?;
    let Some(context) = found else { return Err(ConnectError::NoContext { name: name.to_owned(), chosen_by }) };
    let Some(engine) = context.endpoints.docker else {
        return Err(ConnectError::ContextWithoutEngine { name: name.to_owned() });
    };
    let mut files = TlsFiles::find_in(&contexts.join("tls").join(&id).join("docker"));
    files.verify = !engine.skip_verify;
    let tls = (engine.skip_verify || files.any()).then_some(files);
    Ok(ContextEngine { host: engine.host, tls })
}

/// A JSON file; `None` where there is none, or an empty one. What is wrong is told by its place: the library's own text
/// quotes values, and `config.json` holds passwords.
fn document<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ConnectError> {
    let content = docker_folder::content(path);
    let content = content.map_err(|cause| ConnectError::Configuration { path: path.to_owned(), cause })?;
    let Some(content) = content else { return Ok(None) };
    serde_json::from_slice(content.reveal()).map(Some).map_err(|error| ConnectError::Malformed {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })
}
