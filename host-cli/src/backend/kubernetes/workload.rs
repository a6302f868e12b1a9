//! A launch as planned → what keeps the app running in a cluster: a Deployment, or a StatefulSet where the app counts its instances;
//! a budget for disruptions, and all that belongs to it. Pure.

use super::app_pod::{AppPod, Index, PodOptions, app_pod};
use super::manifest::{Manifest, Object};
use super::names::{metadata, of_one_process, stem};
use super::network_policy::{Reached, network_policy};
use super::service::{ingress, service};
use crate::engine::ImageId;
use crate::engine::container_spec::PublishedPort;
use crate::plan::error::PlanError;
use crate::plan::launch::{LaunchPlan, published};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment, StatefulSet, StatefulSetSpec,
};
use k8s_openapi::api::core::v1::{PodTemplateSpec, TopologySpreadConstraint};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Where instances are kept apart.
const APART: [&str; 2] = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
/// How long a rollout may make no progress, beside the app's own start timeout.
pub(super) const PROGRESS: u64 = 600;

/// What the user decides about the objects besides the plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WorkloadOptions<'a> {
    /// `None`: whoever applies the objects says.
    pub(crate) namespace: Option<&'a str>,
    /// The app's image in a registry, by tag or digest.
    pub(crate) image: &'a str,
    /// A Secret with which nodes get it.
    pub(crate) pull_secret: Option<&'a str>,
    /// How many instances; `None`: as many as the request has.
    pub(crate) instances: Option<i32>,
    pub(crate) index: Index,
    /// What the Secrets of this start of the app have in their names, so that those of an earlier one stay as they are; `None`: they
    /// have the same names each time.
    pub(crate) revision: Option<&'a str>,
    /// The class of an Ingress for the request's routes; `None`: there is none.
    pub(crate) ingress_class: Option<&'a str>,
}

/// All objects of the process, and the Secrets that they name.
///
/// # Errors
/// The process has no request of its own.
pub(crate) fn workload(plan: &LaunchPlan, options: &WorkloadOptions<'_>) -> Result<Manifest, PlanError> {
    // An instance's own port is the one by which others reach it.
    let own = |port: u16| PublishedPort { host_address: String::new(), host: port, container: port };
    let ports: Vec<PublishedPort> = plan.ports.iter().map(|port| own(port.container)).collect();
    let container = published(plan.container(&ImageId(options.image.to_owned()), None)?, &ports);
    let mut labels = container.labels.clone();
    labels.remove(crate::labels::PORTS); // of an engine's machine

    let stem = stem(&plan.app, &plan.app_guid, &plan.process.process_type);
    let named = metadata(&stem, options.namespace, &labels);
    let selected = LabelSelector { match_labels: Some(of_one_process(&named)), ..LabelSelector::default() };
    let of_secrets = options.revision.map_or_else(|| stem.clone(), |revision| format!("{stem}-{revision}"));
    let pod_options = PodOptions { stem: &of_secrets, index: options.index, pull_secret: options.pull_secret };
    let AppPod { mut spec, secrets, mut notes } = app_pod(plan, &container, pod_options);
    let replicas = options.instances.unwrap_or(plan.orchestration.instances);
    spec.topology_spread_constraints = (replicas > 1).then(|| APART.map(|key| apart(key, &selected)).to_vec());
    let of_pod = ObjectMeta { name: None, namespace: None, ..named.clone() };
    let template = PodTemplateSpec { metadata: Some(of_pod), spec: Some(spec) };
    let reached = Reached { ports: plan.ports.iter().map(|port| port.container).collect(), dns: &container.dns };
    // Diego lets an app without rules reach nothing.
    let rules = plan.orchestration.egress.as_deref().unwrap_or_default();
    let (policy, left_out) = network_policy(named.clone(), &selected, rules, &reached);
    // Before the pods: a cluster that refuses it is to have started none.
    let mut objects = vec![Object::NetworkPolicy(Box::new(policy))];
    objects.push(match options.index {
        Index::Unknown => deployment(named.clone(), (replicas, plan.start_timeout.as_secs()), &selected, template),
        Index::Known => stateful_set(named.clone(), replicas, &selected, template),
    });
    objects.extend(service(plan, named.clone(), &selected));
    if let Some(class) = options.ingress_class {
        let (ingress, odd) = ingress(plan, named.clone(), class);
        objects.extend(ingress);
        notes.extend(odd);
    }
    let mut not_done = plan.orchestration.not_done.clone();
    not_done.extend(left_out);
    objects.extend((replicas > 1).then(|| budget(named, &selected)));
    notes.extend((!not_done.is_empty()).then(|| format!("not done: {}", not_done.join(", "))));
    Ok(Manifest { objects, secrets, labels, namespace: options.namespace.map(str::to_owned), notes })
}

/// Rolls without an instance less: the new one is healthy first.
fn deployment(
    metadata: ObjectMeta,
    (replicas, start_timeout): (i32, u64),
    selector: &LabelSelector,
    template: PodTemplateSpec,
) -> Object {
    let rolling =
        RollingUpdateDeployment { max_unavailable: Some(IntOrString::Int(0)), max_surge: Some(IntOrString::Int(1)) };
    let strategy = DeploymentStrategy { type_: Some("RollingUpdate".to_owned()), rolling_update: Some(rolling) };
    let progress = PROGRESS.saturating_add(start_timeout);
    let spec = DeploymentSpec {
        replicas: Some(replicas),
        selector: selector.clone(),
        strategy: Some(strategy),
        progress_deadline_seconds: Some(i32::try_from(progress).unwrap_or(i32::MAX)),
        template,
        ..DeploymentSpec::default()
    };
    Object::Deployment(Box::new(Deployment { metadata, spec: Some(spec), status: None }))
}

fn stateful_set(metadata: ObjectMeta, replicas: i32, selector: &LabelSelector, template: PodTemplateSpec) -> Object {
    let spec = StatefulSetSpec {
        replicas: Some(replicas),
        selector: selector.clone(),
        service_name: metadata.name.clone(),
        pod_management_policy: Some("Parallel".to_owned()),
        template,
        ..StatefulSetSpec::default()
    };
    Object::StatefulSet(Box::new(StatefulSet { metadata, spec: Some(spec), status: None }))
}

fn apart(key: &str, selector: &LabelSelector) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(selector.clone()),
        ..TopologySpreadConstraint::default()
    }
}

/// One instance at a time may be taken away.
fn budget(metadata: ObjectMeta, selector: &LabelSelector) -> Object {
    let spec = PodDisruptionBudgetSpec {
        max_unavailable: Some(IntOrString::Int(1)),
        selector: Some(selector.clone()),
        ..PodDisruptionBudgetSpec::default()
    };
    Object::PodDisruptionBudget(Box::new(PodDisruptionBudget { metadata, spec: Some(spec), status: None }))
}
