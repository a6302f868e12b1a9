//! What is secret, as objects of their own: named where it is used, and printed only where that is asked for. Pure.

use super::names::metadata;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// The type of a Secret that holds a login of a registry, and its one key.
const LOGIN: &str = "kubernetes.io/dockerconfigjson";
pub(super) const LOGIN_KEY: &str = ".dockerconfigjson";

/// A Secret to be: its name, and a file's content by its key.
pub(crate) struct SecretFiles {
    /// The object's name.
    pub(crate) name: String,
    /// Its keys with what they hold.
    pub(crate) files: BTreeMap<String, Secret<Vec<u8>>>,
}

impl SecretFiles {
    /// With one file.
    pub(super) fn of_one(name: String, key: &str, content: Secret<Vec<u8>>) -> Self {
        Self { name, files: [(key.to_owned(), content)].into() }
    }

    /// The object.
    pub(super) fn object(&self, namespace: Option<&str>, labels: &BTreeMap<String, String>) -> v1::Secret {
        let data = self.files.iter().map(|(key, content)| (key.clone(), ByteString(content.reveal().clone())));
        let type_ = if self.files.contains_key(LOGIN_KEY) { LOGIN } else { "Opaque" };
        v1::Secret {
            metadata: metadata(&self.name, namespace, labels),
            type_: Some(type_.to_owned()),
            data: Some(data.collect()),
            ..v1::Secret::default()
        }
    }

    /// For people: `NAME (KEY)`, or how many keys it has.
    pub(super) fn described(&self) -> String {
        match self.files.keys().next() {
            Some(key) if self.files.len() == 1 => format!("{} ({key})", self.name),
            _ => format!("{} ({} keys)", self.name, self.files.len()),
        }
    }
}
