//! Objects as one text that `kubectl apply` takes: YAML, a document each. Secrets stand apart and are left out unless they are
//! asked for. Pure.

use super::secrets::SecretFiles;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One object; it says itself of what kind it is.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Object {
    Deployment(Box<Deployment>),
    Ingress(Box<Ingress>),
    Job(Box<Job>),
    NetworkPolicy(Box<NetworkPolicy>),
    PodDisruptionBudget(Box<PodDisruptionBudget>),
    Secret(Box<v1::Secret>),
    Service(Box<v1::Service>),
    StatefulSet(Box<StatefulSet>),
}

/// What a plan becomes in a cluster.
pub(crate) struct Manifest {
    /// The objects but for the Secrets; none of them holds anything secret.
    pub(crate) objects: Vec<Object>,
    /// The Secrets that they name and that are made for them.
    pub(crate) secrets: Vec<SecretFiles>,
    /// The labels of all of them.
    pub(crate) labels: BTreeMap<String, String>,
    /// The namespace of all of them; `None`: whoever applies them says.
    pub(crate) namespace: Option<String>,
    /// What a cluster does otherwise than was asked, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Whether Secrets are printed with what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    Named,
    Whole,
}

impl Manifest {
    /// The text. Secrets come first, so that no pod waits for one.
    ///
    /// # Errors
    /// An object cannot be written: a bug.
    pub(crate) fn yaml(&self, secrets: Secrets) -> Result<String, serde_saphyr::ser::Error> {
        let mut text = String::new();
        if secrets == Secrets::Whole {
            for secret in &self.secrets {
                let object = secret.object(self.namespace.as_deref(), &self.labels);
                append(&mut text, &Object::Secret(Box::new(object)))?;
            }
        }
        for object in &self.objects {
            append(&mut text, object)?;
        }
        Ok(text)
    }

    /// What has to be made besides, where Secrets are only named; `None`: nothing.
    pub(crate) fn left_out(&self) -> Option<String> {
        let list: Vec<String> = self.secrets.iter().map(SecretFiles::described).collect();
        (!list.is_empty())
            .then(|| format!("not printed: Secret {}; --with-secrets prints what they hold", list.join(", ")))
    }
}

fn append(text: &mut String, object: &Object) -> Result<(), serde_saphyr::ser::Error> {
    // Long texts stay on their line: whoever reads YAML need not agree with us on how lines are folded.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let document = serde_saphyr::to_string_with_options(object, options)?;
    let _ = writeln!(text, "---\n{}", document.trim_end()); // a String takes everything
    Ok(())
}
