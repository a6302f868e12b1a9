//! A restage as planned → one Job. Its first container stages: the agent as root with the rights that the plan gives, the builder
//! as the request's user. The second publishes what that left: another user, without rights, who reads. Only the second sees the
//! registry's login, only the first the request. Pure.

use super::container::{
    EVERYBODYS, OWNERS, claimed, dns, empty, host_aliases, literal, mount, mount_to_read, pod_security, resources,
    secret_files, security,
};
use super::job_publisher::{HANDOVER, LOGIN, SCRATCH, publish_arguments, rights, variables};
use super::manifest::{Manifest, Object};
use super::names::{metadata, part, stem, unique};
use super::secrets::{LOGIN_KEY, SecretFiles};
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::restage::{RestagePlan, StagedImagePlan};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Container, PodSpec, PodTemplateSpec, SecurityContext, Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use shared_model::cache::MOUNTED;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const AGENT: &str = "/usr/local/bin/stager-agent";
const HOST_CLI: &str = "/usr/local/bin/host-cli";

/// The two containers, by whose names their logs and ends are found.
pub(crate) const STAGE: &str = "stage";
pub(crate) const PUBLISH: &str = "publish";

/// Where the request is, and the key of its Secret.
pub(super) const REQUEST_FOLDER: &str = "/request";
pub(super) const REQUEST: &str = "request.json";
/// Where the builder works, and leaves the droplet.
const WORK: &str = "/tmp";
/// The login's file, as docker calls it.
const CONFIG: &str = "config.json";
/// How long all may take where the request does not say; and what is added to what it says, since it does not count what is fetched
/// before and published after.
pub(super) const USUAL_LIMIT: Duration = Duration::from_secs(3600);
const BESIDE_LIMIT: Duration = Duration::from_secs(1800);
/// How long it may wait for room.
const WAITS: Duration = Duration::from_secs(6 * 3600);
/// How long a finished Job is there to be looked at.
const STAYS: Duration = Duration::from_secs(3600);
/// How long the agent may take to end what it started.
const GRACE: i64 = 20;

/// What the user decides about the Job besides the plan.
pub(crate) struct JobOptions<'a> {
    /// `None`: whoever applies the objects says.
    pub(crate) namespace: Option<&'a str>,
    /// The files that [`RestagePlan::files`] names, by their paths in the container.
    pub(crate) certificates: BTreeMap<&'static str, Secret<Vec<u8>>>,
    /// Where the image goes; `None`: none is made.
    pub(crate) publishing: Option<JobPublishing<'a>>,
}

/// Where the image goes, and who brings it there.
pub(crate) struct JobPublishing<'a> {
    /// Its name in the registry.
    pub(crate) reference: &'a str,
    /// Who is known to the registry.
    pub(crate) login: RegistryLogin<'a>,
}

/// Where a login comes from.
pub(crate) enum RegistryLogin<'a> {
    /// Nobody logs in.
    Anonymous,
    /// A Secret of the namespace, of the type `kubernetes.io/dockerconfigjson`.
    InCluster(&'a str),
    /// A `config.json` with the logins of these registries alone.
    Given(Secret<String>),
}

/// The Job and the Secrets that it names.
pub(crate) fn stage_job(plan: &RestagePlan, options: &JobOptions<'_>) -> Manifest {
    let spec = &plan.container;
    let name = job_name(plan);
    let publishing = options.publishing.as_ref().zip(plan.image.as_ref());
    let (mut pod_spec, mut notes) = pod_of_job(spec);
    if plan.identity.is_some() {
        notes.push(
            "--instance-cert: a cluster mounts no file that the builder's user alone may read; left out".to_owned(),
        );
    }
    let pod = Pod { plan, name: &name };
    let stage = pod.stage(publishing.is_some());
    let (init_containers, containers) = match publishing {
        Some((publishing, image)) => (Some(vec![stage]), vec![pod.publish(publishing, image)]),
        None => (None, vec![stage]),
    };
    (pod_spec.init_containers, pod_spec.containers) = (init_containers, containers);
    pod_spec.volumes = Some(pod.volumes(publishing.map(|(publishing, _)| publishing)));
    let job = job(metadata(&name, options.namespace, &spec.labels), limit(plan), pod_spec);
    Manifest {
        objects: vec![Object::Job(Box::new(job))],
        secrets: secrets(plan, &name, options),
        labels: spec.labels.clone(),
        namespace: options.namespace.map(str::to_owned),
        notes,
    }
}

/// A pod of a Job as far as all are alike, without containers; and what it does not do.
pub(super) fn pod_of_job(spec: &ContainerSpec) -> (PodSpec, Vec<String>) {
    let (host_aliases, notes) = host_aliases(spec);
    let (dns_policy, dns_config) = dns(spec);
    let pod = PodSpec {
        restart_policy: Some("Never".to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE),
        security_context: Some(pod_security()),
        host_aliases,
        dns_policy,
        dns_config,
        tolerations: Some(NODE_TROUBLE.map(tolerated).to_vec()),
        ..PodSpec::default()
    };
    (pod, notes)
}

/// A Job that is tried once.
pub(super) fn job(metadata: ObjectMeta, limit: Duration, pod: PodSpec) -> Job {
    let mut of_pod = ObjectMeta { name: None, namespace: None, ..metadata.clone() };
    without_mesh(&mut of_pod);
    // From when a node has taken the pod; the Job's own counts while it waits for room, too.
    let pod = PodSpec { active_deadline_seconds: Some(seconds(limit)), ..pod };
    let spec = JobSpec {
        backoff_limit: Some(0),
        active_deadline_seconds: Some(seconds(limit.saturating_add(WAITS))),
        ttl_seconds_after_finished: Some(i32::try_from(STAYS.as_secs()).unwrap_or(i32::MAX)),
        template: PodTemplateSpec { metadata: Some(of_pod), spec: Some(pod) },
        ..JobSpec::default()
    };
    Job { metadata, spec: Some(spec), status: None }
}

/// What the Job is called: after the app and the instance.
pub(crate) fn job_name(plan: &RestagePlan) -> String {
    let label = |name: &str| plan.container.labels.get(name).map_or("", String::as_str);
    let stem = stem(label(labels::APP_NAME), label(labels::APP_GUID), "");
    unique(STAGE, &stem, label(labels::INSTANCE))
}

/// How long all of it may take.
pub(super) fn limit(plan: &RestagePlan) -> Duration {
    plan.time_limit.map_or(USUAL_LIMIT, |limit| limit.saturating_add(BESIDE_LIMIT))
}

/// What a cluster would take a pod from its node for. It would start another one then, while the first may still stage.
const NODE_TROUBLE: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

fn tolerated(trouble: &str) -> Toleration {
    Toleration {
        key: Some(trouble.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some("NoExecute".to_owned()),
        ..Toleration::default()
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A mesh's proxy beside it would never end, and what comes before the proxy's start reaches nothing.
fn without_mesh(pod: &mut ObjectMeta) {
    let set = |names: &mut Option<BTreeMap<String, String>>, name: &str, value: &str| {
        names.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    };
    set(&mut pod.labels, "sidecar.istio.io/inject", "false");
    set(&mut pod.annotations, "linkerd.io/inject", "disabled");
}

/// One pod to be.
struct Pod<'a> {
    plan: &'a RestagePlan,
    /// The Job's name.
    name: &'a str,
}

impl Pod<'_> {
    /// The container that stages.
    fn stage(&self, hands_over: bool) -> Container {
        let spec = &self.plan.container;
        let request = format!("{REQUEST_FOLDER}/{REQUEST}");
        let own = ["--output", "json", "--request", &request, "--no-image"].map(str::to_owned);
        let handover = hands_over.then(|| ["--handover", HANDOVER].map(str::to_owned));
        let typed = self.plan.agent_options.iter().map(|option| literal(option));
        let mut mounts = vec![mount_to_read("request", REQUEST_FOLDER), mount("work", WORK)];
        mounts.extend(hands_over.then(|| mount("handover", HANDOVER)));
        mounts.extend(self.certificates_folder().map(|folder| mount_to_read("certificates", folder)));
        mounts.extend(spec.memory_folders.iter().map(|folder| mount(&part("memory", folder), folder)));
        mounts.extend(self.plan.volume.is_some().then(cache_mount));
        Container {
            name: STAGE.to_owned(),
            command: Some(vec![AGENT.to_owned()]),
            args: Some(own.into_iter().chain(handover.into_iter().flatten()).chain(typed).collect()),
            security_context: Some(SecurityContext { run_as_user: Some(0), ..security(spec) }),
            resources: Some(resources(spec, spec.disk_bytes)),
            volume_mounts: Some(mounts),
            ..self.container()
        }
    }

    /// The container that publishes.
    fn publish(&self, publishing: &JobPublishing<'_>, image: &StagedImagePlan) -> Container {
        let spec = &self.plan.container;
        let mut mounts =
            vec![mount_to_read("work", WORK), mount_to_read("handover", HANDOVER), mount("scratch", SCRATCH)];
        let authority = self.authority();
        mounts.extend(authority.map(|(_, folder, _)| mount_to_read("authorities", folder)));
        mounts.extend(publishing.login.is_mounted().then(|| mount_to_read("login", LOGIN)));
        let authority = authority.map(|(path, ..)| path);
        // A layer is written out before it is sent, and compressed beside that.
        let of_layers = image.plan.bound.bytes.saturating_mul(2);
        let disk_bytes = if spec.disk_bytes == 0 { 0 } else { spec.disk_bytes.saturating_add(of_layers) };
        Container {
            name: PUBLISH.to_owned(),
            command: Some(vec![HOST_CLI.to_owned()]),
            args: Some(publish_arguments(&image.plan, publishing.reference, authority)),
            env: Some(variables(image.plan.options.created)),
            security_context: Some(rights()),
            resources: Some(resources(spec, disk_bytes)),
            // It says nothing that is not said of a restage on a screen; a builder or an app might.
            termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
            volume_mounts: Some(mounts),
            ..self.container()
        }
    }

    fn container(&self) -> Container {
        Container {
            image: Some(self.plan.container.image.clone()),
            image_pull_policy: Some("IfNotPresent".to_owned()),
            ..Container::default()
        }
    }

    fn volumes(&self, publishing: Option<&JobPublishing<'_>>) -> Vec<Volume> {
        let mut volumes =
            vec![secret_files("request", &secret_name(self.name, "request"), OWNERS, &[]), empty("work", None)];
        let certificates = secret_name(self.name, "certificates");
        volumes.extend(self.certificates_folder().map(|_| secret_files("certificates", &certificates, OWNERS, &[])));
        let memory = &self.plan.container.memory_folders;
        volumes.extend(memory.iter().map(|folder| empty(&part("memory", folder), Some("Memory"))));
        volumes.extend(self.plan.volume.as_ref().map(|(claim, _)| claimed("cache", claim)));
        let Some(publishing) = publishing else { return volumes };
        volumes.extend([empty("handover", None), empty("scratch", None)]);
        let authority = self.authority();
        let of_authority = |(_, _, key)| secret_files("authorities", &certificates, EVERYBODYS, &[(key, key)]);
        volumes.extend(authority.map(of_authority));
        let own = secret_name(self.name, "login");
        let login = match &publishing.login {
            RegistryLogin::Anonymous => None,
            RegistryLogin::InCluster(name) => Some(*name),
            RegistryLogin::Given(_) => Some(own.as_str()),
        };
        volumes.extend(login.map(|name| secret_files("login", name, EVERYBODYS, &[(LOGIN_KEY, CONFIG)])));
        volumes
    }

    /// Where the agent finds certificates and a key; `None`: it has none.
    fn certificates_folder(&self) -> Option<&'static str> {
        let first = self.plan.files.first()?;
        parts(first.container).map(|(folder, _)| folder)
    }

    /// Of these what a registry's certificate is believed by: path, folder and key.
    fn authority(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let file = self.plan.files.iter().find(|file| file.option == "--ca")?;
        parts(file.container).map(|(folder, key)| (file.container, folder, key))
    }
}

impl RegistryLogin<'_> {
    fn is_mounted(&self) -> bool {
        !matches!(self, Self::Anonymous)
    }
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

fn secrets(plan: &RestagePlan, name: &str, options: &JobOptions<'_>) -> Vec<SecretFiles> {
    let request = Secret::new(plan.document.reveal().clone().into_bytes());
    let mut secrets = vec![SecretFiles::of_one(secret_name(name, "request"), REQUEST, request)];
    let files = by_keys(&options.certificates);
    if !files.is_empty() {
        secrets.push(SecretFiles { name: secret_name(name, "certificates"), files });
    }
    if let Some(JobPublishing { login: RegistryLogin::Given(config), .. }) = &options.publishing
        && plan.image.is_some()
    {
        let config = Secret::new(config.reveal().clone().into_bytes());
        secrets.push(SecretFiles::of_one(secret_name(name, "login"), LOGIN_KEY, config));
    }
    secrets
}

pub(super) fn secret_name(job: &str, what: &str) -> String {
    format!("{job}-{what}")
}
