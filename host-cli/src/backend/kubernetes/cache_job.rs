//! What requests name → one Job that fetches it into a persistent volume claim. Pure.

use super::container::{OWNERS, claimed, literal, mount_to_read, secret_files, security};
use super::job_volumes::{REQUEST, by_keys, cache_mount, parts, secret_name};
use super::manifest::{Manifest, Object};
use super::names::{metadata, unique};
use super::secrets::SecretFiles;
use super::stage_job::{AGENT, REQUEST_FOLDER, STAGE, USUAL_LIMIT, job, pod_of_job};
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::cache;
use crate::plan::fetching::Fetching;
use k8s_openapi::api::core::v1::{Container, SecurityContext};
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long it may take.
pub(super) const LIMIT: Duration = USUAL_LIMIT;

/// What is to be fetched, and into what.
pub(crate) struct CacheOptions<'a> {
    pub(crate) namespace: &'a str,
    /// The persistent volume claim.
    pub(crate) claim: &'a str,
    /// Requests, one after the other.
    pub(crate) documents: Secret<String>,
    /// As those of a staging.
    pub(crate) certificates: BTreeMap<&'static str, Secret<Vec<u8>>>,
    /// A guid of its own.
    pub(crate) instance: &'a str,
}

/// The Job and the Secrets that it names.
pub(crate) fn cache_job(fetching: &Fetching<'_>, options: &CacheOptions<'_>) -> Manifest {
    let CacheOptions { namespace, claim, documents, certificates, instance } = options;
    let mut labels = cache::labels();
    labels.insert(labels::INSTANCE.to_owned(), (*instance).to_owned());
    let spec = ContainerSpec { labels: labels.clone(), ..fetching.container() };
    let name = unique("cache", "up", instance);
    let (mut pod, notes) = pod_of_job(&spec);

    let request = format!("{REQUEST_FOLDER}/{REQUEST}");
    let own = ["--output", "json", "--request", &request].map(str::to_owned);
    let typed = fetching.options().into_iter().map(|option| literal(&option));
    let words = ["cache", "up"].map(str::to_owned);
    let mut mounts = vec![mount_to_read("request", REQUEST_FOLDER), cache_mount()];
    let mut volumes =
        vec![secret_files("request", &secret_name(&name, "request"), OWNERS, &[]), claimed("cache", claim)];
    let request = Secret::new(documents.reveal().clone().into_bytes());
    let mut secrets = vec![SecretFiles::of_one(secret_name(&name, "request"), REQUEST, request)];
    if let Some((folder, _)) = certificates.keys().next().and_then(|path| parts(path)) {
        let secret = secret_name(&name, "certificates");
        mounts.push(mount_to_read("certificates", folder));
        volumes.push(secret_files("certificates", &secret, OWNERS, &[]));
        secrets.push(SecretFiles { name: secret, files: by_keys(certificates) });
    }
    pod.volumes = Some(volumes);
    pod.containers = vec![Container {
        name: STAGE.to_owned(),
        image: Some(spec.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(vec![AGENT.to_owned()]),
        args: Some(own.into_iter().chain(typed).chain(words).collect()),
        security_context: Some(SecurityContext { run_as_user: Some(0), ..security(&spec) }),
        volume_mounts: Some(mounts),
        ..Container::default()
    }];
    let job = job(metadata(&name, Some(namespace), &labels), LIMIT, pod);
    let namespace = Some((*namespace).to_owned());
    Manifest { objects: vec![Object::Job(Box::new(job))], secrets, labels, namespace, notes }
}
