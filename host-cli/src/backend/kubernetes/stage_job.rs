//! A restage as planned → one Job. Its first container stages: the agent as root with the rights that the plan gives, the builder
//! as the request's user. The second publishes what that left: another user, without rights, who reads. Only the second sees the
//! registry's login, only the first the request. Pure.

use super::container::{dns, host_aliases, literal, mount, mount_to_read, pod_security, resources, security};
use super::job_publisher::{HANDOVER, JobPublishing, LOGIN, SCRATCH, publish_arguments, rights, variables};
use super::job_volumes::{REQUEST, authority, cache_mount, certificates_folder, secrets, volumes};
use super::manifest::{Manifest, Object};
use super::names::{metadata, part, stem, unique};
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::restage::{RestagePlan, StagedImagePlan};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, SecurityContext, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const AGENT: &str = "/usr/local/bin/stager-agent";
const HOST_CLI: &str = "/usr/local/bin/host-cli";

/// The two containers, by whose names their logs and ends are found.
pub(crate) const STAGE: &str = "stage";
pub(crate) const PUBLISH: &str = "publish";

/// Where the request is.
pub(super) const REQUEST_FOLDER: &str = "/request";
/// Where the builder works, and leaves the droplet.
const WORK: &str = "/tmp";
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
    let pod = Pod { plan };
    let stage = pod.stage(publishing.is_some());
    let (init_containers, containers) = match publishing {
        Some((publishing, image)) => (Some(vec![stage]), vec![pod.publish(publishing, image)]),
        None => (None, vec![stage]),
    };
    (pod_spec.init_containers, pod_spec.containers) = (init_containers, containers);
    let publishing = publishing.map(|(publishing, _)| publishing);
    pod_spec.volumes = Some(volumes(plan, &name, publishing));
    let job = job(metadata(&name, options.namespace, &spec.labels), limit(plan), pod_spec);
    Manifest {
        objects: vec![Object::Job(Box::new(job))],
        secrets: secrets(plan, &name, &options.certificates, publishing),
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
        mounts.extend(certificates_folder(self.plan).map(|folder| mount_to_read("certificates", folder)));
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
        let authority = authority(self.plan);
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
}
