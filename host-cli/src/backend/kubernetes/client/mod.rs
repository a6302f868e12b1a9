//! The one leaf that talks to a cluster: objects of one namespace are made, read, watched and removed, and logs are read. Blocking;
//! what is awaited has an end, and what may pass by itself is asked again within that time.

mod config;
mod error;
mod log;
mod patience;
mod watch;

pub(crate) use error::{ClusterError, Reason, shown};
pub(crate) use log::{Following, LogNews};
pub(crate) use patience::Patience;
pub(crate) use watch::Seen;

use crate::arguments::ClusterPlace;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// The pauses between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Events of one object; a cluster itself makes few of what happens again and again.
const MOST_EVENTS: u32 = 500;
/// In whose name fields of objects are set.
const MANAGER: &str = "stager";

/// An object of a namespace.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + 'static
{
}

/// What becomes of the objects that one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    /// They go first, and it stays until then.
    First,
    /// It goes at once, they after it.
    After,
}

impl Owned {
    fn params(self) -> DeleteParams {
        match self {
            Self::First => DeleteParams::foreground(),
            Self::After => DeleteParams::background(),
        }
    }
}

/// One namespace of a cluster.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
    namespace: String,
    patience: Patience,
}

impl Cluster {
    /// As the kubeconfig says (`KUBECONFIG`, else `~/.kube/config`), or the service account of the pod that this program runs in.
    ///
    /// # Errors
    /// Neither is there, or it is of no use. Nobody is asked yet.
    pub(crate) fn connect(place: &ClusterPlace) -> Result<Self, ClusterError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| ClusterError::here(&error.to_string()))?;
        let config = runtime.block_on(config::config(place))?;
        let namespace = place.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = {
            let _within = runtime.enter();
            Client::try_from(config).map_err(|error| ClusterError::of("", error))?
        };
        Ok(Self { runtime, client, namespace, patience: Patience::default() })
    }

    /// How long things of it are waited for.
    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The namespace of all objects.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Makes it, and gives it as the cluster has it. Asked again where nobody knows whether the first time was heard: then the one
    /// that is there may be ours ([`Reason::Exists`]).
    pub(crate) fn create<K: Kind>(&self, object: &K) -> Result<K, ClusterError> {
        let (api, params) = (self.api::<K>(), PostParams { field_manager: Some(MANAGER.to_owned()), dry_run: false });
        self.ask(&named(object), || api.create(&params, object))
    }

    /// Makes it as it is here, whether it is there or not (server-side apply). What others have set against us is set anew.
    pub(crate) fn apply<K: Kind>(&self, object: &K) -> Result<K, ClusterError> {
        let (api, params) = (self.api::<K>(), PatchParams::apply(MANAGER).force());
        let name = object.meta().name.clone().unwrap_or_default();
        let (mut value, bug) =
            (serde_json::to_value(object), |error: serde_json::Error| ClusterError::here(&error.to_string()));
        if let Ok(serde_json::Value::Object(fields)) = &mut value {
            fields.insert("apiVersion".to_owned(), K::api_version(&()).into());
            fields.insert("kind".to_owned(), K::kind(&()).into());
        }
        let patch = Patch::Apply(value.map_err(bug)?);
        self.ask(&named(object), || api.patch(&name, &params, &patch))
    }

    /// Changes these fields of it, and no other (a merge patch).
    pub(crate) fn change<K: Kind>(&self, name: &str, fields: &serde_json::Value) -> Result<K, ClusterError> {
        let (api, params, patch) = (self.api::<K>(), PatchParams::default(), Patch::Merge(fields));
        self.ask(&called::<K>(name), || api.patch(name, &params, &patch))
    }

    /// `None`: there is none.
    pub(crate) fn get<K: Kind>(&self, name: &str) -> Result<Option<K>, ClusterError> {
        let api = self.api::<K>();
        self.ask(&called::<K>(name), || api.get_opt(name))
    }

    /// All with these labels (`a=b,c=d`).
    pub(crate) fn list<K: Kind>(&self, labels: &str) -> Result<Vec<K>, ClusterError> {
        self.listed(&ListParams::default().labels(labels))
    }

    /// What the cluster tells of the object with this uid, [`MOST_EVENTS`] events at most. A name alone would not do: who may write
    /// events chooses one.
    pub(crate) fn events_of(&self, uid: &str) -> Result<Vec<Event>, ClusterError> {
        let fields = format!("involvedObject.uid={uid}");
        self.listed(&ListParams::default().fields(&fields).limit(MOST_EVENTS))
    }

    fn listed<K: Kind>(&self, params: &ListParams) -> Result<Vec<K>, ClusterError> {
        let api = self.api::<K>();
        self.ask(&K::plural(&()), || api.list(params)).map(|list| list.items)
    }

    /// Removes it. Whether it was there.
    pub(crate) fn delete<K: Kind>(&self, name: &str, owned: Owned) -> Result<bool, ClusterError> {
        self.deleted::<K>(name, &owned.params())
    }

    /// Removes this very object, and no other of its name. Whether it was there.
    pub(crate) fn delete_this<K: Kind>(&self, object: &K, owned: Owned) -> Result<bool, ClusterError> {
        let (name, uid) = (object.meta().name.clone().unwrap_or_default(), object.meta().uid.clone());
        let params =
            DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..owned.params() };
        self.deleted::<K>(&name, &params)
    }

    fn deleted<K: Kind>(&self, name: &str, params: &DeleteParams) -> Result<bool, ClusterError> {
        let api = self.api::<K>();
        match self.ask(&called::<K>(name), || api.delete(name, params)) {
            Ok(_) => Ok(true),
            Err(error) if error.reason == Reason::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn api<K: Kind>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Asks, again and again within bounds where it may be that the cluster answers later.
    fn ask<T, F: Future<Output = kube::Result<T>>>(
        &self,
        what: &str,
        attempt: impl Fn() -> F,
    ) -> Result<T, ClusterError> {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let outcome = self.runtime.block_on(async { timeout(self.patience.answer, attempt()).await });
            let error = match outcome {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => ClusterError::of(what, error),
                Err(_) => ClusterError::silent(what, self.patience.answer),
            };
            let wait = error.wait.unwrap_or(pause);
            if !error.may_pass() || began.elapsed() + wait > self.patience.away {
                return Err(error);
            }
            thread::sleep(wait);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// `jobs/stage-x`.
fn called<K: Kind>(name: &str) -> String {
    format!("{}/{name}", K::plural(&()))
}

fn named<K: Kind>(object: &K) -> String {
    called::<K>(object.meta().name.as_deref().unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests;
