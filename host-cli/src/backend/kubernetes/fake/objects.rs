//! Objects as JSON, by kind, namespace and name; and each change that there was, by which watches go on. Pure.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Deployment,
    Event,
    Ingress,
    Job,
    NetworkPolicy,
    Node,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    Secret,
    Service,
    StatefulSet,
}

/// Of each: what it is called in paths, in objects, and of which API it is.
const KINDS: [(Kind, &str, &str, &str); 12] = [
    (Kind::Deployment, "deployments", "Deployment", "apps/v1"),
    (Kind::Event, "events", "Event", "v1"),
    (Kind::Ingress, "ingresses", "Ingress", "networking.k8s.io/v1"),
    (Kind::Job, "jobs", "Job", "batch/v1"),
    (Kind::NetworkPolicy, "networkpolicies", "NetworkPolicy", "networking.k8s.io/v1"),
    (Kind::Node, "nodes", "Node", "v1"),
    (Kind::PersistentVolumeClaim, "persistentvolumeclaims", "PersistentVolumeClaim", "v1"),
    (Kind::Pod, "pods", "Pod", "v1"),
    (Kind::PodDisruptionBudget, "poddisruptionbudgets", "PodDisruptionBudget", "policy/v1"),
    (Kind::Secret, "secrets", "Secret", "v1"),
    (Kind::Service, "services", "Service", "v1"),
    (Kind::StatefulSet, "statefulsets", "StatefulSet", "apps/v1"),
];

impl Kind {
    /// By its API (`v1`, `batch/v1`) and its name in paths (`jobs`).
    pub(super) fn of_path(api: &str, resource: &str) -> Option<Self> {
        KINDS.iter().find(|(_, plural, _, of)| (*plural, *of) == (resource, api)).map(|(kind, ..)| *kind)
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        KINDS.iter().find(|(kind, ..)| *kind == self).unwrap()
    }

    /// What it is called in objects, as `Job`.
    pub(super) fn name(self) -> &'static str {
        self.row().2
    }

    /// Of which API it is, as `batch/v1`.
    pub(super) fn api(self) -> &'static str {
        self.row().3
    }
}

/// What happened to an object, as a watch calls it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) kind: Kind,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) what: &'static str,
    pub(super) object: Value,
}

type Key = (Kind, String, String);

/// See the module's text.
#[derive(Default)]
pub(super) struct Objects {
    by_key: BTreeMap<Key, Value>,
    history: Vec<Change>,
    version: u64,
    made: u64,
    /// The version up to which nobody knows any more what happened.
    forgotten: u64,
}

impl Objects {
    /// The version of the newest change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Adds one, with what a cluster adds to it. `Err`: there is one of that name.
    pub(super) fn insert(&mut self, kind: Kind, namespace: &str, mut object: Value) -> Result<Value, String> {
        let name = text(&object, "/metadata/name").to_owned();
        let key = (kind, namespace.to_owned(), name.clone());
        if self.by_key.contains_key(&key) {
            return Err(name);
        }
        self.made += 1;
        object["kind"] = kind.name().into();
        object["apiVersion"] = kind.api().into();
        let metadata = &mut object["metadata"];
        metadata["namespace"] = namespace.into();
        metadata["uid"] = format!("00000000-0000-4000-8000-{:012}", self.made).into();
        metadata["creationTimestamp"] = "2026-11-30T12:00:00Z".into();
        metadata["generation"] = 1.into();
        self.store(key, object, "ADDED");
        self.get(kind, namespace, &name).cloned().ok_or(name)
    }

    /// One of them.
    pub(super) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.by_key.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// All of a kind; of one namespace or of all.
    pub(super) fn all(&self, kind: Kind, namespace: Option<&str>) -> impl Iterator<Item = &Value> {
        let found = self
            .by_key
            .iter()
            .filter(move |((of, within, _), _)| *of == kind && namespace.is_none_or(|namespace| namespace == within));
        found.map(|(_, object)| object)
    }

    /// Changes one; what it is then. `None`: it is not there.
    pub(super) fn change(
        &mut self,
        kind: Kind,
        namespace: &str,
        name: &str,
        act: impl FnOnce(&mut Value),
    ) -> Option<Value> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        let mut object = self.by_key.get(&key)?.clone();
        let spec = object["spec"].clone();
        act(&mut object);
        if object["spec"] != spec {
            object["metadata"]["generation"] = (object["metadata"]["generation"].as_u64().unwrap_or(0) + 1).into();
        }
        self.store(key, object, "MODIFIED");
        self.get(kind, namespace, name).cloned()
    }

    /// Takes one away, and what it owns; as it was.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let mut object = self.by_key.remove(&(kind, namespace.to_owned(), name.to_owned()))?;
        self.tell(kind, "DELETED", &mut object);
        let uid = text(&object, "/metadata/uid").to_owned();
        let owned = |object: &Value| {
            let owners = object["metadata"]["ownerReferences"].as_array();
            owners.into_iter().flatten().any(|owner| owner["uid"] == *uid)
        };
        let keys: Vec<Key> =
            self.by_key.iter().filter(|(_, object)| owned(object)).map(|(key, _)| key.clone()).collect();
        for (kind, namespace, name) in keys {
            self.remove(kind, &namespace, &name);
        }
        Some(object)
    }

    /// What happened after this version. `None`: nobody knows any more.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        (version >= self.forgotten).then(|| self.history.iter().filter(move |change| change.version > version))
    }

    /// Forgets what happened.
    pub(super) fn forget(&mut self) {
        self.history.clear();
        self.version += 1;
        self.forgotten = self.version;
    }

    fn store(&mut self, key: Key, mut object: Value, what: &'static str) {
        self.tell(key.0, what, &mut object);
        self.by_key.insert(key, object);
    }

    fn tell(&mut self, kind: Kind, what: &'static str, object: &mut Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.history.push(Change { version: self.version, kind, what, object: object.clone() });
    }
}

/// A text of an object; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Changes `into` as RFC 7396 has it, which for what these tests apply is what a cluster makes of an apply, too.
pub(super) fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            into.as_object_mut().map(|into| into.remove(name));
        } else {
            merge(&mut into[name], value);
        }
    }
}
