//! What a cluster's objects tell of apps. What a label could not hold whole stands in the annotation of its name. Labels are anybody's
//! who may make objects: an instance is what a controller made, and what is ended or removed bears the name that its labels make. Pure.

use crate::backend::apps::LogSource;
use crate::backend::kubernetes::names::{label_value, stem};
use crate::plan::apps::{AppInstance, InstanceState, RunningApp, Seen, log_source};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodSpec, PodTemplateSpec, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use shared_model::process_type::WEB;
use std::collections::{BTreeMap, BTreeSet};

/// The app's own container in its pod; the others are sidecars.
const APP: &str = "app";
const NAME: &str = "stager/app-name";
const GUID: &str = "stager/app-guid";
const PROCESS: &str = "stager/process";
/// What makes an app's pods.
const STATEFUL_SET: &str = "StatefulSet";
const REPLICA_SET: &str = "ReplicaSet";

/// What has the labels of all that belongs to the app. Those without a guid are told apart by their names.
pub(super) fn labels_of(app: &RunningApp) -> String {
    let of_guid = format!("stager/kind=app,{GUID}={}", label_value(&app.guid));
    if app.guid.is_empty() { format!("{of_guid},{NAME}={}", label_value(&app.name)) } else { of_guid }
}

/// The label's text, whole; empty where there is none. An annotation that the label was not made of is not believed: objects are found
/// by their labels, and it would let them be called otherwise.
fn told<'a>(metadata: &'a ObjectMeta, name: &str) -> &'a str {
    let of = |all: &'a Option<BTreeMap<String, String>>| all.as_ref()?.get(name).map(String::as_str);
    let label = of(&metadata.labels).unwrap_or_default();
    of(&metadata.annotations).filter(|whole| label_value(whole) == label).unwrap_or(label)
}

/// The process type that an object is of.
fn process_type(metadata: &ObjectMeta) -> String {
    let named = told(metadata, PROCESS);
    if named.is_empty() { WEB.to_owned() } else { named.to_owned() }
}

/// Whether an object of an app's process is called as stager calls it: by a hash of what its own labels say, so that neither it nor what
/// is called after it has another app's name.
pub(super) fn is_ours(metadata: &ObjectMeta) -> bool {
    let (name, guid) = (told(metadata, NAME), told(metadata, GUID));
    let app = if name.is_empty() { guid } else { name };
    metadata.name.as_ref().is_some_and(|own| *own == stem(app, guid, &process_type(metadata)))
}

fn of_object(metadata: &ObjectMeta) -> Seen {
    Seen {
        app_name: told(metadata, NAME).to_owned(),
        app_guid: told(metadata, GUID).to_owned(),
        process_type: process_type(metadata),
        wanted: None,
        started: None,
        instance: None,
    }
}

/// Of what kind a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkloadKind {
    Deployment,
    StatefulSet,
}

impl WorkloadKind {
    /// As a cluster calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => STATEFUL_SET,
        }
    }
}

/// What keeps the instances of a process running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    pub(super) kind: WorkloadKind,
    pub(super) name: String,
    pub(super) process_type: String,
    /// How many instances there are to be.
    pub(super) replicas: i32,
    /// The Secrets that its pods use and that are called after it: they are its own, where it is ours.
    pub(super) secrets: BTreeSet<String>,
    /// Whether it is called as stager calls it.
    pub(super) is_ours: bool,
    seen: Seen,
}

impl Workload {
    pub(super) fn of_deployment(object: &Deployment) -> Self {
        let spec = object.spec.as_ref();
        let (replicas, template) = (spec.and_then(|spec| spec.replicas), spec.map(|spec| &spec.template));
        Self::new(WorkloadKind::Deployment, &object.metadata, replicas, template)
    }

    pub(super) fn of_stateful_set(object: &StatefulSet) -> Self {
        let spec = object.spec.as_ref();
        let (replicas, template) = (spec.and_then(|spec| spec.replicas), spec.map(|spec| &spec.template));
        Self::new(WorkloadKind::StatefulSet, &object.metadata, replicas, template)
    }

    fn new(
        kind: WorkloadKind,
        metadata: &ObjectMeta,
        replicas: Option<i32>,
        template: Option<&PodTemplateSpec>,
    ) -> Self {
        const USUAL: i32 = 1; // where an object does not say
        let name = metadata.name.clone().unwrap_or_default();
        let pod = template.and_then(|template| template.spec.as_ref());
        let own = format!("{name}-");
        let secrets = pod.map(secrets).unwrap_or_default().into_iter().filter(|secret| secret.starts_with(&own));
        Self {
            kind,
            process_type: process_type(metadata),
            replicas: replicas.unwrap_or(USUAL),
            secrets: secrets.collect(),
            is_ours: is_ours(metadata),
            seen: of_object(metadata),
            name,
        }
    }

    /// What it wants, for the list of apps.
    pub(super) fn seen(&self) -> Seen {
        Seen { wanted: Some(usize::try_from(self.replicas).unwrap_or_default()), ..self.seen.clone() }
    }
}

/// The Secrets that a pod names for its variables and files, but for those with which its image is got.
fn secrets(pod: &PodSpec) -> BTreeSet<String> {
    let sources = pod.containers.iter().flat_map(|container| container.env_from.iter().flatten());
    let variables = sources.filter_map(|source| Some(source.secret_ref.as_ref()?.name.clone()));
    let volumes = pod.volumes.iter().flatten();
    let files = volumes.filter_map(|volume| volume.secret.as_ref()?.secret_name.clone());
    variables.chain(files).collect()
}

/// Where the processes of apps answer, by the name that all objects of a process have.
#[derive(Debug, Default)]
pub(super) struct Routes(BTreeMap<String, Vec<String>>);

impl Routes {
    /// The hosts of an Ingress; without one the Service within the cluster.
    pub(super) fn of(services: &[Service], ingresses: &[Ingress]) -> Self {
        let mut routes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ingress in ingresses {
            let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
            let hosts = rules.flat_map(|rule| {
                let host = rule.host.clone().unwrap_or_default();
                let paths = rule.http.iter().flat_map(|http| &http.paths);
                paths.map(move |path| {
                    format!("{host}{}", path.path.as_deref().unwrap_or_default().trim_end_matches('/'))
                })
            });
            routes.entry(ingress.metadata.name.clone().unwrap_or_default()).or_default().extend(hosts);
        }
        for service in services {
            let name = service.metadata.name.clone().unwrap_or_default();
            let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
            let ports = ports.map(|port| format!("{name}:{}", port.port)).collect();
            routes.entry(name).or_insert(ports);
        }
        Self(routes)
    }

    fn of_pod(&self, pod: &Pod) -> Vec<String> {
        let name = told(&pod.metadata, "app.kubernetes.io/name");
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// The name of what wants a pod to be there: its stateful set, or the Deployment that its replica set is of. `None`: nothing does;
/// somebody made it by hand, and may have given it any app's labels.
pub(super) fn wanted_by(pod: &Pod) -> Option<&str> {
    let controller = pod.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
    match controller.kind.as_str() {
        STATEFUL_SET => Some(controller.name.as_str()),
        REPLICA_SET => Some(controller.name.rsplit_once('-')?.0), // behind it stands a hash of its pods' template
        _ => None,
    }
}

/// Whether it has ended for good, and only its object is still there: evicted, say. A successor has taken its place.
pub(super) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    ["Succeeded", "Failed"].contains(&phase)
}

/// Whether it is an instance, as far as its own state tells: one that is being ended is none any more.
fn is_one(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !has_ended(pod)
}

/// The instances that pods are.
pub(super) fn instances(pods: &[Pod], routes: &Routes) -> Vec<Seen> {
    let there: Vec<&Pod> = pods.iter().filter(|pod| is_one(pod) && wanted_by(pod).is_some()).collect();
    let seen = |(pod, index): (&&Pod, u32)| {
        let status = status(pod, APP);
        let state = state(status);
        let routes = if state.is_up() { routes.of_pod(pod) } else { Vec::new() };
        let image = |spec: &PodSpec| spec.containers.iter().find(|one| one.name == APP)?.image.clone();
        let instance = AppInstance {
            index,
            state,
            exit_status: status.and_then(exit_status).filter(|_| state == InstanceState::Down),
            since: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
            routes,
            name: pod.metadata.name.clone().unwrap_or_default(),
            id: pod.metadata.uid.clone().unwrap_or_default(),
            image: pod.spec.as_ref().and_then(image).unwrap_or_default(),
            ..AppInstance::default()
        };
        Seen { instance: Some(instance), ..of_object(&pod.metadata) }
    };
    there.iter().zip(indices(&there)).map(seen).collect()
}

/// The index of each: a stateful set's pod has it in its name; those of a Deployment are counted by age, behind the instances those
/// that are none any more.
fn indices(pods: &[&Pod]) -> Vec<u32> {
    let age = |pod: &Pod| (!is_one(pod), pod.metadata.creation_timestamp.clone(), pod.metadata.name.clone());
    let index = |pod: &&Pod| {
        if let Some(index) = ordinal(pod) {
            return index;
        }
        let of_same = pods.iter().filter(|one| of_object(&one.metadata) == of_object(&pod.metadata));
        u32::try_from(of_same.filter(|one| age(one) < age(pod)).count()).unwrap_or(u32::MAX)
    };
    pods.iter().map(index).collect()
}

fn ordinal(pod: &Pod) -> Option<u32> {
    pod.metadata.owner_references.iter().flatten().find(|owner| owner.kind == STATEFUL_SET)?;
    pod.metadata.name.as_ref()?.rsplit_once('-')?.1.parse().ok()
}

fn status<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    pod.status.as_ref()?.container_statuses.iter().flatten().find(|status| status.name == container)
}

fn state(status: Option<&ContainerStatus>) -> InstanceState {
    let Some(status) = status else { return InstanceState::Starting };
    let runs = status.state.as_ref().is_some_and(|state| state.running.is_some());
    match (runs, status.ready, status.started) {
        (true, true, _) => InstanceState::Running,
        (true, false, Some(true)) => InstanceState::Unhealthy,
        // It has run before, and waits to be started again.
        (false, ..) if exit_status(status).is_some() => InstanceState::Down,
        _ => InstanceState::Starting,
    }
}

/// How it ended last.
fn exit_status(status: &ContainerStatus) -> Option<i64> {
    let ended = |state: &Option<ContainerState>| Some(i64::from(state.as_ref()?.terminated.as_ref()?.exit_code));
    ended(&status.state).or_else(|| ended(&status.last_state))
}

/// What keeps what these pods' containers print: of each container that has ever run. Pods that are being ended count, and those that
/// have ended: their last words are still there.
pub(super) fn sources(pods: &[Pod]) -> Vec<LogSource> {
    let all: Vec<&Pod> = pods.iter().filter(|pod| wanted_by(pod).is_some()).collect();
    let of_pod = |(pod, index): (&&Pod, u32)| {
        let process_type = process_type(&pod.metadata);
        let name = pod.metadata.name.clone().unwrap_or_default();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let source = |status: &ContainerStatus| {
            let is_up = status.state.as_ref().is_some_and(|state| state.running.is_some());
            let sidecar = if status.name == APP { String::new() } else { format!("/{}", status.name.to_uppercase()) };
            let whole = log_source(&process_type, index);
            let (process, number) = whole.rsplit_once('/').unwrap_or((&whole, "0"));
            (is_up || exit_status(status).is_some()).then(|| LogSource {
                id: format!("{uid}/{name}/{}", status.name),
                process_type: process_type.clone(),
                index,
                source: format!("{process}{sidecar}/{number}"),
                name: name.clone(),
                is_up,
            })
        };
        statuses.filter_map(source).collect::<Vec<_>>()
    };
    all.iter().zip(indices(&all)).flat_map(of_pod).collect()
}

#[cfg(test)]
mod tests;
