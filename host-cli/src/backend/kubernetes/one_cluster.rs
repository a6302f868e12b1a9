//! One namespace of a cluster as a place to stage: the plan becomes a Job, which is followed to its end.

use super::cache_job::{self, CacheOptions, cache_job};
use super::client::Cluster;
use super::job::OwnJob;
use super::job_follow::{Ended, Outcome, Wanted, follow};
use super::job_pod::ROOM;
use super::job_publisher::{JobPublishing, RegistryLogin};
use super::launch;
use super::manifest::Manifest;
use super::stage_job::{JobOptions, limit, stage_job};
use super::workload::WorkloadOptions;
use crate::backend::registry::Publishing;
use crate::backend::staging::Subject;
use crate::backend::{Backend, StagedImage};
use crate::failure::Failure;
use crate::image::base::BaseSource;
use crate::plan::fetching::Fetching;
use crate::plan::launch::LaunchPlan;
use crate::plan::restage::RestagePlan;
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use crate::session::{Unconnected, millis};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A session's cluster, and what the user decides about a staging there besides the plan.
pub(crate) struct OneCluster<'a> {
    pub(crate) session: &'a Unconnected,
    pub(crate) cluster: Arc<Cluster>,
    /// See [`JobOptions::certificates`].
    pub(crate) certificates: BTreeMap<&'static str, Secret<Vec<u8>>>,
    /// A Secret of the namespace with the login of the registry; `None`: the user's own is given to the Job.
    pub(crate) registry_secret: Option<&'a str>,
    /// How long a staging waits for room.
    pub(crate) room: Duration,
    /// How an app runs there.
    pub(crate) workload: WorkloadOptions<'a>,
}

impl<'a> OneCluster<'a> {
    /// With nothing decided besides the plan.
    pub(crate) fn new(session: &'a Unconnected, cluster: Arc<Cluster>) -> Self {
        let (certificates, workload) = (BTreeMap::new(), WorkloadOptions::default());
        Self { session, cluster, certificates, registry_secret: None, room: ROOM, workload }
    }

    /// Fetches into a claim what requests name.
    ///
    /// # Errors
    /// Not all of it could be fetched.
    pub(crate) fn fill_cache(&self, fetching: &Fetching<'_>, options: &CacheOptions<'_>) -> Result<(), Failure> {
        let subject = Subject { image: fetching.image, memory_mb: 0, for_help: false };
        let wanted = Wanted { subject, publishes: false, limit: cache_job::LIMIT, room: self.room };
        self.carry_out(&cache_job(fetching, options), &wanted).map(drop)
    }

    /// Starts an app as planned, and waits until it is healthy.
    pub(crate) fn launch(&self, plan: &LaunchPlan) -> Result<(), Failure> {
        launch::launch(self.session, &self.cluster, plan, &self.workload)
    }

    /// Makes a Job, and follows it to its end.
    fn carry_out(&self, manifest: &Manifest, wanted: &Wanted<'_>) -> Result<Outcome, Failure> {
        for text in &manifest.notes {
            self.session.emit(Event::Warning { text: text.clone() });
        }
        let job = OwnJob::make(self.session, &self.cluster, manifest)?;
        follow(self.session, &job, wanted).inspect(|_| job.ended(self.session)).map_err(|(ended, failure)| {
            if ended == Ended::ByItself {
                job.ended(self.session);
            }
            failure
        })
    }
}

impl Backend for OneCluster<'_> {
    fn stage(&self, plan: &RestagePlan, publishing: Option<&Publishing>) -> Result<StagedImage, Failure> {
        let session = self.session;
        let job_publishing =
            publishing.map(|publishing| job_publishing(plan, publishing, self.registry_secret)).transpose()?;
        let namespace = Some(self.cluster.namespace());
        let options = JobOptions { namespace, certificates: self.certificates.clone(), publishing: job_publishing };
        let manifest = stage_job(plan, &options);
        let wanted = Wanted {
            subject: Subject { image: &plan.container.image, memory_mb: plan.memory_mb, for_help: plan.for_help },
            publishes: publishing.is_some() && plan.image.is_some(),
            limit: limit(plan),
            room: self.room,
        };
        match (self.carry_out(&manifest, &wanted)?, publishing) {
            (Outcome::Published(words, began), Some(publishing)) => {
                let (pushed, named) = published(&words, &publishing.reference)?;
                session.emit(pushed);
                session.emit(Event::StepEnded { step: Step::Push, ms: millis(began) });
                Ok(StagedImage::Published { reference: named.name().to_owned() })
            }
            _ => Ok(StagedImage::None),
        }
    }
}

/// What a container's last words tell of what it has published: an event, of `reference` and of nothing else; and the image's name for
/// good.
fn published(words: &str, reference: &Reference) -> Result<(Event, Reference), Failure> {
    let event = serde_json::from_str::<Event>(words).ok();
    let told = event.and_then(|event| match &event {
        Event::Pushed { reference: told, digest, .. } if told == reference.name() => {
            let named = reference.with_digest(digest)?;
            Some((event, named))
        }
        _ => None,
    });
    told.ok_or_else(|| {
        let text = format!("the Job has ended well, and does not say what it has published as {reference}");
        let advice = "build the stager image with `docker/build`, from the same version as host-cli";
        Failure::new(ExitCode::Engine, text, advice)
    })
}

/// The registries that the Job speaks to, and who is known there.
///
/// # Errors
/// A cluster does not get the root file system where it is.
pub(crate) fn job_publishing<'a>(
    plan: &RestagePlan,
    publishing: &'a Publishing,
    registry_secret: Option<&'a str>,
) -> Result<JobPublishing<'a>, Failure> {
    let base = plan.image.as_ref().map_or("", |image| &image.plan.base);
    let BaseSource::Registry(base) = BaseSource::parse(base) else {
        let text = format!("a cluster cannot get the root file system {} from an engine", escape_control(base));
        return Err(Failure::new(ExitCode::CommandLine, text, "name it in a registry with --base REGISTRY/REPO[:TAG]"));
    };
    let target = &publishing.reference;
    let login = if let Some(name) = registry_secret {
        RegistryLogin::InCluster(name)
    } else {
        let is_same = base.registry() == target.registry();
        let of_base = if is_same { None } else { Some(publishing.registries.reader(&base)?) };
        let all: Vec<&Credentials> = std::iter::once(&publishing.credentials).chain(&of_base).collect();
        Credentials::docker_config(&all).map_or(RegistryLogin::Anonymous, RegistryLogin::Given)
    };
    Ok(JobPublishing { reference: target.name(), login })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_says_that_it_published_is_believed_of_the_name_that_it_was_given_alone() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let own = Reference::read("r.example.com/a:1").unwrap();
        let pushed = |reference: &str, digest: &str| {
            let (reference, digest) = (reference.to_owned(), digest.to_owned());
            let (bytes, layers_pushed, layers_existing, ms) = (1, 1, 1, 1);
            Event::Pushed { reference, digest, bytes, layers_pushed, layers_existing, ms }.to_json_line()
        };
        let (_, named) = published(&pushed(own.name(), &digest), &own).unwrap();
        assert_eq!(named.name(), format!("r.example.com/a@{digest}"));
        for words in [
            pushed("r.example.com/b:1", &digest),
            pushed(own.name(), "sha256:0a"),
            pushed(own.name(), &digest.to_uppercase()),
            String::new(),
            "{".to_owned(),
            Event::Done { ms: 1 }.to_json_line(),
        ] {
            assert_eq!(published(&words, &own).unwrap_err().code, ExitCode::Engine, "{words}");
        }
    }
}
