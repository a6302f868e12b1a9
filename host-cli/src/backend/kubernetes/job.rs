//! A Job of ours in a cluster: made with what it owns, and deleted when nobody waits for it any more.

use super::client::{Cluster, ClusterError, Owned, Reason};
use super::manifest::{Manifest, Object};
use crate::failure::Failure;
use crate::image::Stop;
use crate::session::Unconnected;
use crate::session::cleanup::Elsewhere;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, PodSpec, Secret, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long an earlier Job of the same name, or its Secret, may take to go.
const MAKES_ROOM: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// A Job that is there, with its Secrets.
pub(super) struct OwnJob {
    pub(super) cluster: Arc<Cluster>,
    pub(super) name: String,
    uid: Arc<OnceLock<String>>,
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
        let made = Self { cluster: Arc::clone(cluster), name, uid: Arc::default(), secrets: names };
        let deletion = Deletion { cluster: Arc::clone(cluster), wanted: (**job).clone(), uid: Arc::clone(&made.uid) };
        session.cleanup().make_elsewhere(Box::new(deletion), |stop| {
            let (job, whose) = created(cluster, job, stop)?;
            let _ = made.uid.set(job.metadata.uid.clone().unwrap_or_default());
            session.emit(Event::Note { text: whose.told(&job, namespace) });
            let owner = owner(&job);
            for mut secret in secrets {
                secret.metadata.owner_references = Some(vec![owner.clone()]);
                give(cluster, &secret, whose, stop)?;
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// Whether the Job has made this pod: anybody can give one its label.
    pub(super) fn has(&self, pod: &Pod) -> bool {
        let owners = pod.metadata.owner_references.iter().flatten();
        owners.into_iter().any(|owner| owner.controller == Some(true) && Some(&owner.uid) == self.uid.get())
    }

    /// What tells it from any other.
    pub(super) fn uid(&self) -> Option<&String> {
        self.uid.get()
    }

    /// As the cluster has it; `None`: it is gone, or going.
    pub(super) fn now(&self) -> Result<Option<Job>, ClusterError> {
        let job = self.cluster.get::<Job>(&self.name)?;
        Ok(job.filter(|job| job.metadata.deletion_timestamp.is_none() && job.metadata.uid.as_ref() == self.uid.get()))
    }

    /// It has ended by itself: it stays, for a while, to be looked at. What is secret goes.
    pub(super) fn ended(&self, session: &Unconnected) {
        for secret in &self.secrets {
            // One that stays goes with the Job.
            let _ = self.cluster.delete::<Secret>(secret, Owned::After);
        }
        // Where the session has ended meanwhile, the Job goes, too.
        let _ = session.cleanup().release_elsewhere(&self.name);
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
fn created(cluster: &Cluster, job: &Job, stop: &Stop) -> Result<(Job, Whose), Failure> {
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let until = Instant::now() + MAKES_ROOM;
    loop {
        let error = match cluster.create(job) {
            Ok(job) => return Ok((job, Whose::New)),
            Err(error) if error.reason == Reason::Exists => error,
            Err(error) => return Err(error.into()),
        };
        match cluster.get::<Job>(name)? {
            Some(found) if !is_same(&found, job) => return Err(anothers(error)),
            Some(found) if found.metadata.deletion_timestamp.is_some() => {}
            Some(found) if has_failed(&found) => drop(cluster.delete_this(&found, Owned::First)?),
            Some(found) => return Ok((found, Whose::Earlier)),
            None => {}
        }
        if stop.is_stopped() || Instant::now() > until {
            return Err(error.into());
        }
        thread::sleep(PAUSE);
    }
}

/// Makes a Secret of the Job. One of that name which is there already is not taken for it, unless an earlier run made both: it may be
/// on its way out with an earlier Job, or somebody else's.
fn give(cluster: &Cluster, secret: &Secret, whose: Whose, stop: &Stop) -> Result<(), Failure> {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let until = Instant::now() + MAKES_ROOM;
    loop {
        let error = match cluster.create(secret) {
            Ok(_) => return Ok(()),
            Err(error) if error.reason == Reason::Exists => error,
            Err(error) => return Err(error.into()),
        };
        if whose == Whose::Earlier {
            return Ok(());
        }
        if stop.is_stopped() || Instant::now() > until {
            return Err(anothers(error));
        }
        cluster.delete::<Secret>(name, Owned::After)?;
        thread::sleep(PAUSE);
    }
}

fn anothers(error: ClusterError) -> Failure {
    let advice = "somebody else has made it, or one with other options did; `kubectl describe` shows whose it is";
    Failure { advice: advice.to_owned(), ..Failure::from(error) }
}

fn has_failed(job: &Job) -> bool {
    condition(job, "Failed").is_some()
}

/// What a Job's condition of this type says, where it holds: its reason and message.
pub(super) fn condition(job: &Job, kind: &str) -> Option<(String, String)> {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    let found = conditions.into_iter().flatten().find(|one| one.type_ == kind && one.status == "True")?;
    Some((found.reason.clone().unwrap_or_default(), found.message.clone().unwrap_or_default()))
}

/// Whether a Job that was found is of the same start, and does the same. A name and a label alone prove nothing: whoever may make
/// Jobs chooses them.
fn is_same(found: &Job, wanted: &Job) -> bool {
    let instance = |metadata: &ObjectMeta| metadata.labels.as_ref()?.get("stager/instance").cloned();
    let pod = |job: &Job| job.spec.as_ref()?.template.spec.clone();
    instance(&found.metadata) == instance(&wanted.metadata)
        && pod(found).zip(pod(wanted)).is_some_and(|(found, wanted)| {
            said(&found) == said(&wanted) && sources(found.volumes) == sources(wanted.volumes)
        })
}

/// What containers run, with what and as whom: all that a cluster adds nothing to by itself.
fn said(pod: &PodSpec) -> Vec<serde_json::Value> {
    const OURS: [&str; 9] =
        ["name", "image", "command", "args", "env", "envFrom", "volumeMounts", "securityContext", "lifecycle"];
    let containers = pod.init_containers.iter().flatten().chain(&pod.containers);
    let ours = |container| {
        let mut value = serde_json::to_value(container).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|field, _| OURS.contains(&field.as_str()));
        }
        value
    };
    containers.map(ours).collect()
}

/// Where volumes come from: a Secret, a claim, or nothing. Modes are defaulted.
fn sources(volumes: Option<Vec<Volume>>) -> Vec<(String, Option<String>, Option<String>, bool)> {
    let source = |volume: Volume| {
        let claim = volume.persistent_volume_claim.map(|claim| claim.claim_name);
        let secret = volume.secret.and_then(|secret| secret.secret_name);
        (volume.name, secret, claim, volume.empty_dir.is_some())
    };
    volumes.unwrap_or_default().into_iter().map(source).collect()
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
    wanted: Job,
    /// The Job that was made or gone on with; none yet: nobody knows whether it was made.
    uid: Arc<OnceLock<String>>,
}

impl Deletion {
    /// The Job, where it is there and ours.
    fn found(&self) -> Result<Option<Job>, ClusterError> {
        let found = self.cluster.get::<Job>(self.name())?;
        Ok(found.filter(|found| match self.uid.get() {
            Some(uid) => found.metadata.uid.as_ref() == Some(uid),
            None => is_same(found, &self.wanted),
        }))
    }
}

impl Elsewhere for Deletion {
    fn name(&self) -> &str {
        self.wanted.metadata.name.as_deref().unwrap_or_default()
    }

    fn undo(&self) -> Event {
        let (name, namespace) = (self.name(), self.cluster.namespace());
        let deleted = self.found().and_then(|found| match found {
            Some(job) => self.cluster.delete_this(&job, Owned::First),
            None => Ok(false),
        });
        match deleted {
            Ok(true) => Event::Note { text: format!("Job {name} is deleted; its pod ends") },
            Ok(false) => Event::Note { text: format!("There is no Job {name} of this run") },
            Err(error) => Event::Warning {
                text: format!(
                    "Job {name} could not be deleted ({}); `kubectl -n {namespace} delete job {name}` deletes it",
                    error.text
                ),
            },
        }
    }
}
