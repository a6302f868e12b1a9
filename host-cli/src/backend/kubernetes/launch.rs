//! Carries a launch out in a cluster: its objects are applied, the rollout is awaited, and taken back where it comes to nothing.

use super::app_pod::Index;
use super::client::{Cluster, ClusterError, Kind, Owned, Reason};
use super::manifest::{Manifest, Object};
use super::names::stem;
use super::rollout::{self, Rollout};
use super::workload::{WorkloadOptions, workload};
use crate::failure::Failure;
use crate::image::Stop;
use crate::plan::launch::LaunchPlan;
use crate::session::Unconnected;
use crate::session::cleanup::Elsewhere;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use shared_model::event::{Event, EventSink, Purpose, Step};
use shared_model::exit_code::ExitCode;
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
    session.emit(Event::Launching {
        app_name: plan.app.clone(),
        app_guid: plan.app_guid.clone(),
        process: plan.process.process_type.clone(),
        image: options.image.to_owned(),
    });
    let earlier = Earlier::find(cluster, &name)?;
    if options.index == Index::Unknown && earlier.is_paused() {
        let text = format!("deployment/{name} is paused: nothing new of {} would start", plan.subject());
        let advice = format!("{}, then launch it again", rollout::resume(cluster.namespace(), &name));
        return Err(Failure::new(ExitCode::Launch, text, advice));
    }
    // What an autoscaler has chosen, it has chosen for a reason.
    let options = &WorkloadOptions { instances: options.instances.or_else(|| earlier.scaled()), ..*options };
    let manifest = workload(plan, options)?;
    for text in plan.not_done.warnings.iter().chain(&manifest.notes) {
        session.emit(Event::Warning { text: text.clone() });
    }
    let pods = rollout::pods(cluster, &name)?;
    let own = manifest.secrets.iter().map(|secret| secret.name.clone()).collect();
    session.step(Step::Launch, || {
        let undo = Undo { cluster: Arc::clone(cluster), name: name.clone(), earlier: earlier.clone(), own };
        let unwanted: Vec<String> = earlier.secrets(&name).difference(&undo.own).cloned().collect();
        session.cleanup().make_elsewhere(Box::new(undo), |stop| apply(session, cluster, &manifest, stop))?;
        let rollout = Rollout {
            name: &name,
            index: options.index,
            subject: plan.subject(),
            memory_mb: plan.memory_mb,
            start_timeout: plan.start_timeout,
            earlier: pods,
        };
        rollout::wait(session, cluster, &rollout)?;
        session.cleanup().release_elsewhere(&name)?;
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

fn apply(session: &Unconnected, cluster: &Cluster, manifest: &Manifest, stop: &Stop) -> Result<(), Failure> {
    for secret in &manifest.secrets {
        let object = secret.object(manifest.namespace.as_deref(), &manifest.labels);
        cluster.apply(&object)?;
    }
    for object in &manifest.objects {
        if stop.is_stopped() {
            return Ok(()); // whoever ended the session takes back what was made
        }
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
        (Index::Known, Some(_), _) => cluster.delete::<Deployment>(name, Owned::After).map(drop),
        (Index::Unknown, _, Some(_)) => cluster.delete::<StatefulSet>(name, Owned::After).map(drop),
        _ => Ok(()),
    };
    let gone =
        secrets.iter().fold(gone, |gone, secret| gone.and(cluster.delete::<Secret>(secret, Owned::After).map(drop)));
    if let Err(error) = gone {
        session.emit(Event::Warning { text: format!("something of the earlier start stays: {}", error.text) });
    }
}

/// What of the process is there already.
#[derive(Clone, Debug, Default)]
struct Earlier {
    deployment: Option<Deployment>,
    stateful_set: Option<StatefulSet>,
    service: Option<Service>,
    ingress: Option<Ingress>,
    policy: Option<NetworkPolicy>,
    budget: Option<PodDisruptionBudget>,
}

impl Earlier {
    fn find(cluster: &Cluster, name: &str) -> Result<Self, ClusterError> {
        Ok(Self {
            deployment: cluster.get(name)?,
            stateful_set: cluster.get(name)?,
            service: cluster.get(name)?,
            ingress: cluster.get(name)?,
            policy: cluster.get(name)?,
            budget: cluster.get(name)?,
        })
    }

    fn is_there(&self) -> bool {
        self.deployment.is_some() || self.stateful_set.is_some()
    }

    /// Somebody wants its rollout to stand still (`kubectl rollout pause`): a new start would wait until all its time is over.
    fn is_paused(&self) -> bool {
        self.deployment.as_ref().is_some_and(|set| set.spec.as_ref().is_some_and(|spec| spec.paused == Some(true)))
    }

    /// The Secrets that it names and that were made for it: others' do not begin with its name.
    fn secrets(&self, name: &str) -> BTreeSet<String> {
        let of_deployment = self.deployment.iter().filter_map(|it| Some(&it.spec.as_ref()?.template));
        let of_set = self.stateful_set.iter().filter_map(|it| Some(&it.spec.as_ref()?.template));
        let specs = of_deployment.chain(of_set).filter_map(|template: &PodTemplateSpec| template.spec.as_ref());
        let prefix = format!("{name}-");
        specs.flat_map(named).filter(|secret| secret.starts_with(&prefix)).collect()
    }

    /// How many instances an autoscaler has chosen; `None`: none chooses.
    fn scaled(&self) -> Option<i32> {
        let deployment = self.deployment.as_ref()?;
        let managers = deployment.metadata.managed_fields.iter().flatten();
        let is_scaled = managers.into_iter().any(|manager| manager.subresource.as_deref() == Some("scale"));
        deployment.spec.as_ref()?.replicas.filter(|replicas| is_scaled && *replicas > 0)
    }

    /// Makes all of it again what it was. What was not there goes.
    fn restore(&self, cluster: &Cluster, name: &str) -> Result<(), ClusterError> {
        again(cluster, name, self.policy.as_ref())?;
        again(cluster, name, self.service.as_ref())?;
        again(cluster, name, self.ingress.as_ref())?;
        again(cluster, name, self.budget.as_ref())?;
        again(cluster, name, self.deployment.as_ref())?;
        again(cluster, name, self.stateful_set.as_ref())
    }
}

/// Makes an object what it was; `None`: it was not there.
fn again<K: Kind>(cluster: &Cluster, name: &str, earlier: Option<&K>) -> Result<(), ClusterError> {
    let Some(earlier) = earlier else {
        return cluster.delete::<K>(name, Owned::After).map(drop);
    };
    let mut earlier = earlier.clone();
    *earlier.meta_mut() = own(std::mem::take(earlier.meta_mut()));
    cluster.apply(&earlier).map(drop)
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
        let now = Earlier::find(cluster, &self.name)?;
        let (ours, before) = (now.secrets(&self.name), self.earlier.secrets(&self.name));
        // A later launch has put its own in the place of ours, and knows what it does.
        let said = if now.is_there() && ours.is_disjoint(&self.own) && ours != before {
            "Another launch has taken the place of this one; what it runs goes on"
        } else {
            self.earlier.restore(cluster, &self.name)?;
            if self.earlier.is_there() { "The earlier instances go on" } else { "What was made of it is removed" }
        };
        for secret in self.own.difference(&before) {
            cluster.delete::<Secret>(secret, Owned::After)?;
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
                    format!(
                        "{name} could not be taken back ({error}); `kubectl -n {namespace} rollout undo {kind}/{name}` does it"
                    )
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
