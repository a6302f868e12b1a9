//! What an entry is a copy of. A cache key alone says too little: every deployment calls its lifecycle
//! `buildpack-cflinuxfs4-lifecycle`. So the place where it came from belongs to it.

use http_client::origin;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use shared_model::safe_url::SafeUrl;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EntryKind {
    /// A cached dependency: the unpacked tree.
    Tree,
    /// An app's package: the archive as it came.
    Package,
}

impl EntryKind {
    /// As in the index: `tree`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Package => "package",
        }
    }
}

/// What an entry is a copy of. Never empty, and without secrets: userinfo, query and fragment of the URL are left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) kind: EntryKind,
    /// The cache key of a dependency, the app's guid of a package.
    pub(crate) key: String,
    /// Scheme, host, port and path of the URL, in one spelling: `https://blobstore/read/k`.
    pub(crate) origin: String,
}

impl Identity {
    /// Of what `key` and `from` name. `None` where nothing may be kept: an empty key, or a URL that is no http or https URL.
    pub(crate) fn new(kind: EntryKind, key: &str, from: &SafeUrl) -> Option<Self> {
        if key.is_empty() {
            return None;
        }
        Some(Self { kind, key: key.to_owned(), origin: origin(from)? })
    }

    /// A name for files: 64 hex digits, another one for every other identity.
    pub(super) fn id(&self) -> String {
        let mut hasher = Sha256::new();
        for part in [self.kind.name(), &self.key, &self.origin] {
            // With its length, so that no two parts can be cut in two ways.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hex(&hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<String> {
        Identity::new(EntryKind::Tree, "k", &SafeUrl::new(url)).map(|identity| identity.origin)
    }

    #[test]
    fn an_origin_is_written_in_one_way() {
        for (url, origin) in [
            ("https://blobstore/read/k?md5=x&expires=1", "https://blobstore/read/k"),
            ("HTTPS://BlobStore:443/read/k#x", "https://blobstore/read/k"),
            ("https://blobstore:80/read/K", "https://blobstore:80/read/K"),
            ("http://u:p@api.hcf:9022/v2?x", "http://api.hcf:9022/v2"),
            ("http://api:80", "http://api/"),
            ("http://api?x", "http://api/"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ] {
            assert_eq!(of(url).as_deref(), Some(origin), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_or_has_no_key_has_no_identity() {
        for url in ["", "ftp://h/x", "file:///etc/passwd", "http://", "/x"] {
            assert_eq!(of(url), None, "{url}");
        }
        assert_eq!(Identity::new(EntryKind::Tree, "", &SafeUrl::new("http://h/x")), None);
        assert_eq!(Identity::new(EntryKind::Package, "", &SafeUrl::new("http://h/x")), None);
    }

    #[test]
    fn every_part_of_an_identity_counts() {
        let url = SafeUrl::new("http://h/x");
        let one = Identity::new(EntryKind::Tree, "k", &url).unwrap();
        let others = [
            Identity::new(EntryKind::Tree, "k2", &url),
            Identity::new(EntryKind::Tree, "k", &SafeUrl::new("http://h/y")),
            Identity::new(EntryKind::Tree, "k", &SafeUrl::new("https://h/x")),
            Identity::new(EntryKind::Tree, "k", &SafeUrl::new("http://h:81/x")),
            Identity::new(EntryKind::Package, "k", &url),
        ];
        for other in others {
            assert_ne!(one.id(), other.unwrap().id());
        }
        assert_eq!(one.id(), Identity::new(EntryKind::Tree, "k", &SafeUrl::new("http://u:p@H:80/x?s")).unwrap().id());
    }

    #[test]
    fn no_secret_of_a_url_is_in_an_identity() {
        let identity =
            Identity::new(EntryKind::Tree, "k", &SafeUrl::new("https://u:SECRET@h/x?md5=SECRET#SECRET")).unwrap();
        assert!(!format!("{identity:?}").contains("SECRET"), "{identity:?}");
    }
}
