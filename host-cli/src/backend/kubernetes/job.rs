//! A Job of ours in a cluster: made with what it owns, and deleted when nobody waits for it any more.

use super::client::{Cluster, Owned, Reason};
use super::manifest::{Manifest, Object};
use crate::failure::Failure;
use crate::session::Unconnected;
use crate::session::cleanup::Elsewhere;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Container, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long an earlier Job of the same name may take to go.
const MAKES_ROOM: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// A Job that is there, with its Secrets.
pub(super) struct OwnJob {
    pub(super) cluster: Arc<Cluster>,
    pub(super) name: String,
    secrets: Vec<String>,
}

impl OwnJob {
    /// Makes the Job first, then the Secrets, which it owns: whoever is killed in between leaves nothing secret behind. Until
    /// [`Self::ended`] it is deleted at the end of the session.
    ///
    /// # Errors
    /// The cluster refuses.
    pub(super) fn make(session: &Unconnected, cluster: &Arc<Cluster>, manifest: &Manifest) -> Result<Self, Failure> {
        let job =
            manifest.objects.iter().find_map(|object| if let Object::Job(job) = object { Some(job) } else { None });
        let Some(job) = job else {
            return Err(Failure::new(ExitCode::Bug, "a staging in a cluster has no Job", "please report this"));
        };
        let name = job.metadata.name.clone().unwrap_or_default();
        let namespace = cluster.namespace();
        let secrets: Vec<Secret> =
            manifest.secrets.iter().map(|secret| secret.object(Some(namespace), &manifest.labels)).collect();
        let names = secrets.iter().filter_map(|secret| secret.metadata.name.clone()).collect();
        let made = Self { cluster: Arc::clone(cluster), name: name.clone(), secrets: names };
        session.cleanup().make_elsewhere(Box::new(Deletion { cluster: Arc::clone(cluster), name }), || {
            let (job, whose) = created(cluster, job)?;
            session.emit(Event::Note { text: whose.told(&job, namespace) });
            let owner = owner(&job);
            for mut secret in secrets {
                secret.metadata.owner_references = Some(vec![owner.clone()]);
                match cluster.create(&secret) {
                    Ok(_) => {}
                    // An answer was lost; nobody else knows the name.
                    Err(error) if error.reason == Reason::Exists => {}
                    Err(error) => return Err(Failure::from(error)),
                }
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// It has ended by itself: it stays, for a while, to be looked at. What is secret goes.
    pub(super) fn ended(&self, session: &Unconnected) {
        for secret in &self.secrets {
            // One that stays goes with the Job.
            let _ = self.cluster.delete::<Secret>(secret, Owned::After);
        }
        session.cleanup().release_elsewhere(&self.name);
    }
}

/// Who has made a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    New,
    /// A run that was broken off, perhaps.
    Earlier,
}

impl Whose {
    fn told(self, job: &Job, namespace: &str) -> String {
        let name = job.metadata.name.as_deref().unwrap_or_default();
        match self {
            Self::New => format!("Job {name} of {namespace} begins"),
            Self::Earlier => format!("Job {name} of {namespace} is there already; going on with it"),
        }
    }
}

/// Removes a Job that nobody needs any more. One that stays is in nobody's way.
pub(crate) fn remove(cluster: &Cluster, name: &str) {
    let _ = cluster.delete::<Job>(name, Owned::After);
}

/// Makes it, or finds the same one: nobody heard that it was made, or an earlier host-cli made it. One that has failed, or is on its
/// way out, makes room first.
fn created(cluster: &Cluster, job: &Job) -> Result<(Job, Whose), Failure> {
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let until = Instant::now() + MAKES_ROOM;
    loop {
        let error = match cluster.create(job) {
            Ok(job) => return Ok((job, Whose::New)),
            Err(error) if error.reason == Reason::Exists => error,
            Err(error) => return Err(error.into()),
        };
        match cluster.get::<Job>(name)? {
            Some(found) if told(&found) != told(job) => return Err(error.into()),
            Some(found) if found.metadata.deletion_timestamp.is_some() => {}
            Some(found) if has_failed(&found) => drop(cluster.delete::<Job>(name, Owned::First)?),
            Some(found) => return Ok((found, Whose::Earlier)),
            None => {}
        }
        if Instant::now() > until {
            return Err(error.into());
        }
        thread::sleep(PAUSE);
    }
}

fn has_failed(job: &Job) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| one.type_ == "Failed" && one.status == "True")
}

/// Of which start a Job is, and what its containers run. A name alone proves nothing: whoever may make Jobs chooses it.
fn told(job: &Job) -> (Option<&String>, Vec<Container>) {
    let instance = job.metadata.labels.as_ref().and_then(|labels| labels.get("stager/instance"));
    let pod = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| pod.init_containers.iter().flatten().chain(&pod.containers));
    let runs = |one: &Container| {
        let Container { name, image, command, args, .. } = one.clone();
        Container { name, image, command, args, ..Container::default() }
    };
    (instance, containers.map(runs).collect())
}

fn owner(job: &Job) -> OwnerReference {
    OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        name: job.metadata.name.clone().unwrap_or_default(),
        uid: job.metadata.uid.clone().unwrap_or_default(),
        ..OwnerReference::default()
    }
}

/// What becomes of a Job that nobody waits for.
struct Deletion {
    cluster: Arc<Cluster>,
    name: String,
}

impl Elsewhere for Deletion {
    fn name(&self) -> &str {
        &self.name
    }

    fn undo(&self) -> Event {
        let (name, namespace) = (&self.name, self.cluster.namespace());
        match self.cluster.delete::<Job>(name, Owned::First) {
            Ok(true) => Event::Note { text: format!("Job {name} is deleted; its pod ends") },
            Ok(false) => Event::Note { text: format!("Job {name} is gone") },
            Err(error) => Event::Warning {
                text: format!(
                    "Job {name} could not be deleted ({}); `kubectl -n {namespace} delete job {name}` deletes it",
                    error.text
                ),
            },
        }
    }
}
