//! What the pod of a Job mounts: Secrets as files, claims and empty folders; and those Secrets. Pure.

use super::container::{EVERYBODYS, OWNERS, claimed, empty, mount, secret_files};
use super::job_publisher::{JobPublishing, RegistryLogin};
use super::names::part;
use super::secrets::{LOGIN_KEY, SecretFiles};
use crate::plan::restage::RestagePlan;
use k8s_openapi::api::core::v1::{Volume, VolumeMount};
use shared_model::cache::MOUNTED;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// The key of the request in its Secret.
pub(super) const REQUEST: &str = "request.json";
/// The login's file, as docker calls it.
const CONFIG: &str = "config.json";

/// The volumes of a staging: of the request and of what else the agent is told, and of the one who publishes, where one does.
pub(super) fn volumes(plan: &RestagePlan, name: &str, publishing: Option<&JobPublishing<'_>>) -> Vec<Volume> {
    let mut volumes = vec![secret_files("request", &secret_name(name, "request"), OWNERS, &[]), empty("work", None)];
    let certificates = secret_name(name, "certificates");
    volumes.extend(certificates_folder(plan).map(|_| secret_files("certificates", &certificates, OWNERS, &[])));
    let memory = &plan.container.memory_folders;
    volumes.extend(memory.iter().map(|folder| empty(&part("memory", folder), Some("Memory"))));
    volumes.extend(plan.volume.as_ref().map(|(claim, _)| claimed("cache", claim)));
    let Some(publishing) = publishing else { return volumes };
    volumes.extend([empty("handover", None), empty("scratch", None)]);
    let authority = authority(plan);
    let of_authority = |(_, _, key)| secret_files("authorities", &certificates, EVERYBODYS, &[(key, key)]);
    volumes.extend(authority.map(of_authority));
    let own = secret_name(name, "login");
    let login = match &publishing.login {
        RegistryLogin::Anonymous => None,
        RegistryLogin::InCluster(name) => Some(*name),
        RegistryLogin::Given(_) => Some(own.as_str()),
    };
    volumes.extend(login.map(|name| secret_files("login", name, EVERYBODYS, &[(LOGIN_KEY, CONFIG)])));
    volumes
}

/// Where the agent finds certificates and a key; `None`: it has none.
pub(super) fn certificates_folder(plan: &RestagePlan) -> Option<&'static str> {
    let first = plan.files.first()?;
    parts(first.container).map(|(folder, _)| folder)
}

/// Of these what a registry's certificate is believed by: path, folder and key.
pub(super) fn authority(plan: &RestagePlan) -> Option<(&'static str, &'static str, &'static str)> {
    let file = plan.files.iter().find(|file| file.option == "--ca")?;
    parts(file.container).map(|(folder, key)| (file.container, folder, key))
}

/// The cache in its claim. Below a folder of its own: the root of a file system holds things that are not the cache's, `lost+found`
/// for one.
pub(super) fn cache_mount() -> VolumeMount {
    VolumeMount { sub_path: Some("stager-cache".to_owned()), ..mount("cache", MOUNTED) }
}

/// Certificates by the keys of their Secret: the last part of the path of each.
pub(super) fn by_keys(files: &BTreeMap<&'static str, Secret<Vec<u8>>>) -> BTreeMap<String, Secret<Vec<u8>>> {
    let key = |path: &&str| parts(path).map(|(_, key)| key.to_owned());
    files.iter().filter_map(|(path, content)| Some((key(path)?, content.clone()))).collect()
}

/// A path's folder and name.
pub(super) fn parts(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/')
}

/// The Secrets of a staging.
pub(super) fn secrets(
    plan: &RestagePlan,
    name: &str,
    certificates: &BTreeMap<&'static str, Secret<Vec<u8>>>,
    publishing: Option<&JobPublishing<'_>>,
) -> Vec<SecretFiles> {
    let request = Secret::new(plan.document.reveal().clone().into_bytes());
    let mut secrets = vec![SecretFiles::of_one(secret_name(name, "request"), REQUEST, request)];
    let files = by_keys(certificates);
    if !files.is_empty() {
        secrets.push(SecretFiles { name: secret_name(name, "certificates"), files });
    }
    if let Some(JobPublishing { login: RegistryLogin::Given(config), .. }) = publishing {
        let config = Secret::new(config.reveal().clone().into_bytes());
        secrets.push(SecretFiles::of_one(secret_name(name, "login"), LOGIN_KEY, config));
    }
    secrets
}

/// What a Secret of this Job is called.
pub(super) fn secret_name(job: &str, what: &str) -> String {
    format!("{job}-{what}")
}
