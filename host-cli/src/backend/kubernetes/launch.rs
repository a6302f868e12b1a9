//! Carries a launch out in a cluster: its objects are applied, the rollout is awaited, and taken back where it comes to nothing.

use super::app_pod::Index;
use super::client::{Cluster, ClusterError, Reason};
use super::manifest::{Manifest, Object};
use super::names::stem;
use super::objects::{delete_around, delete_secret, delete_workload};
use super::rollout::{self, Rollout};
use super::workload::{WorkloadOptions, workload};
use crate::failure::Failure;
use crate::plan::launch::LaunchPlan;
use crate::session::Unconnected;
use crate::session::cleanup::Elsewhere;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use shared_model::event::{Event, EventSink, Purpose, Step};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Starts the app, or rolls it, and waits until all instances are ready and the earlier ones gone.
pub(super) fn launch(
    session: &Unconnected,
    cluster: &Arc<Cluster>,
    plan: &LaunchPlan,
    options: &WorkloadOptions<'_>,
) -> Result<(), Failure> {
    let name = stem(&plan.app, &plan.app_guid, &plan.process.process_type);
    let manifest = workload(plan, options)?;
    session.emit(Event::Launching {
        app_name: plan.app.clone(),
        app_guid: plan.app_guid.clone(),
        process: plan.process.process_type.clone(),
        image: options.image.to_owned(),
    });
    for text in plan.not_done.warnings.iter().chain(&manifest.notes) {
        session.emit(Event::Warning { text: text.clone() });
    }
    let earlier = Earlier::find(cluster, &name)?;
    let pods = rollout::pods(cluster, &name)?;
    let own = manifest.secrets.iter().map(|secret| secret.name.clone()).collect();
    session.step(Step::Launch, || {
        let undo = Undo { cluster: Arc::clone(cluster), name: name.clone(), earlier: earlier.clone(), own };
        let unwanted: Vec<String> = earlier.secrets(&name).difference(&undo.own).cloned().collect();
        session.cleanup().make_elsewhere(Box::new(undo), || apply(session, cluster, &manifest))?;
        let rollout = Rollout {
            name: &name,
            index: options.index,
            subject: plan.subject(),
            memory_mb: plan.memory_mb,
            start_timeout: plan.start_timeout,
            earlier: pods,
        };
        rollout::wait(session, cluster, &rollout)?;
        session.cleanup().release_elsewhere(&name);
        forget(session, cluster, (&name, &earlier), options.index, &unwanted);
        Ok(())
    })?;
    let namespace = cluster.namespace();
    let url = plan.ports.first().map(|port| format!("http://{name}.{namespace}.svc:{}", port.container));
    session.emit(Event::Running { url: url.unwrap_or_default(), container: String::new(), name: name.clone() });
    let kind = kind(options.index);
    session
        .emit(Event::Next { purpose: Purpose::Log, command: format!("kubectl -n {namespace} logs -f {kind}/{name}") });
    Ok(())
}

const fn kind(index: Index) -> &'static str {
    match index {
        Index::Unknown => "deployment",
        Index::Known => "statefulset",
    }
}

fn apply(session: &Unconnected, cluster: &Cluster, manifest: &Manifest) -> Result<(), Failure> {
    for secret in &manifest.secrets {
        let object = secret.object(manifest.namespace.as_deref(), &manifest.labels);
        cluster.apply(&object)?;
    }
    for object in &manifest.objects {
        match (object.apply(cluster), object) {
            (Ok(()), _) => {}
            // Clusters before 1.21 have another one.
            (Err(ClusterError { reason: Reason::Missing, .. }), Object::PodDisruptionBudget(_)) => {
                let text = "this cluster has no PodDisruptionBudget of policy/v1; left out".to_owned();
                session.emit(Event::Warning { text });
            }
            (Err(error), _) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What of the earlier start has no use any more. What stays costs nothing but room.
fn forget(
    session: &Unconnected,
    cluster: &Cluster,
    (name, earlier): (&str, &Earlier),
    index: Index,
    secrets: &[String],
) {
    let gone = match (index, &earlier.deployment, &earlier.stateful_set) {
        // It counts its instances now, or no longer.
        (Index::Known, Some(_), _) => cluster.delete::<Deployment>(name, super::client::Owned::After).map(drop),
        (Index::Unknown, _, Some(_)) => cluster.delete::<StatefulSet>(name, super::client::Owned::After).map(drop),
        _ => Ok(()),
    };
    let gone = secrets.iter().fold(gone, |gone, secret| gone.and(delete_secret(cluster, secret).map(drop)));
    if let Err(error) = gone {
        session.emit(Event::Warning { text: format!("something of the earlier start stays: {}", error.text) });
    }
}

/// What runs of the process already.
#[derive(Clone, Debug, Default)]
struct Earlier {
    deployment: Option<Deployment>,
    stateful_set: Option<StatefulSet>,
}

impl Earlier {
    fn find(cluster: &Cluster, name: &str) -> Result<Self, ClusterError> {
        Ok(Self { deployment: cluster.get(name)?, stateful_set: cluster.get(name)? })
    }

    fn is_there(&self) -> bool {
        self.deployment.is_some() || self.stateful_set.is_some()
    }

    /// The Secrets that it names and that were made for it: others' do not begin with its name.
    fn secrets(&self, name: &str) -> BTreeSet<String> {
        let of_deployment = self.deployment.iter().filter_map(|it| Some(&it.spec.as_ref()?.template));
        let of_set = self.stateful_set.iter().filter_map(|it| Some(&it.spec.as_ref()?.template));
        let specs = of_deployment.chain(of_set).filter_map(|template: &PodTemplateSpec| template.spec.as_ref());
        let prefix = format!("{name}-");
        specs.flat_map(named).filter(|secret| secret.starts_with(&prefix)).collect()
    }

    /// Makes it again what it was.
    fn restore(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        if let Some(Deployment { metadata, spec, .. }) = self.deployment.clone() {
            cluster.apply(&Deployment { metadata: own(metadata), spec, status: None })?;
        }
        if let Some(StatefulSet { metadata, spec, .. }) = self.stateful_set.clone() {
            cluster.apply(&StatefulSet { metadata: own(metadata), spec, status: None })?;
        }
        Ok(())
    }
}

/// The Secrets that a pod names.
fn named(spec: &PodSpec) -> Vec<String> {
    let containers = spec.containers.iter();
    let of_environment = containers
        .flat_map(|one| one.env_from.iter().flatten())
        .filter_map(|from| Some(from.secret_ref.as_ref()?.name.clone()));
    let volumes = spec.volumes.iter().flatten();
    let of_volumes = volumes.filter_map(|volume| volume.secret.as_ref()?.secret_name.clone());
    of_environment.chain(of_volumes).collect()
}

/// What of it was ours to say.
fn own(metadata: ObjectMeta) -> ObjectMeta {
    let ObjectMeta { name, namespace, labels, annotations, .. } = metadata;
    let mut annotations = annotations.unwrap_or_default();
    annotations.remove("deployment.kubernetes.io/revision"); // the cluster's
    ObjectMeta { name, namespace, labels, annotations: Some(annotations), ..ObjectMeta::default() }
}

/// What becomes of a start that comes to nothing.
struct Undo {
    cluster: Arc<Cluster>,
    name: String,
    earlier: Earlier,
    own: BTreeSet<String>,
}

impl Undo {
    fn go(&self) -> Result<&'static str, ClusterError> {
        let cluster = &*self.cluster;
        let said = if self.earlier.is_there() {
            self.earlier.restore(cluster)?;
            "The earlier instances go on"
        } else {
            delete_workload(cluster, &self.name)?;
            delete_around(cluster, &self.name)?;
            "What was made of it is removed"
        };
        for secret in self.own.difference(&self.earlier.secrets(&self.name)) {
            delete_secret(cluster, secret)?;
        }
        Ok(said)
    }
}

impl Elsewhere for Undo {
    fn name(&self) -> &str {
        &self.name
    }

    fn undo(&self) -> Event {
        match self.go() {
            Ok(said) => Event::Note { text: said.to_owned() },
            Err(error) => {
                let (name, namespace, error) = (&self.name, self.cluster.namespace(), error.text);
                let kind = if self.earlier.stateful_set.is_some() { "statefulset" } else { "deployment" };
                let text = if self.earlier.is_there() {
                    format!("{name} could not be taken back ({error}); `kubectl -n {namespace} rollout undo {kind}/{name}` does it")
                } else {
                    format!(
                        "what was made of {name} could not be removed ({error}); `kubectl -n {namespace} delete deployment,statefulset,\
                         service,ingress,networkpolicy,pdb {name} --ignore-not-found` removes it, but for its Secrets"
                    )
                };
                Event::Warning { text }
            }
        }
    }
}
