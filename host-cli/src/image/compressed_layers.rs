//! What a layer is called once it is compressed, and in which repositories that was seen: so that a layer which a registry has need
//! not be compressed to find that out, and one that another repository has need not be sent. Kept in the user's state folder, by the
//! digest of the uncompressed layer, or of one that goes as it is.

#![expect(clippy::disallowed_methods, reason = "the one place that keeps and reads what layers are called")]

use super::oci::is_digest;
use super::records;
use crate::registry::repository::BlobDigest;
use crate::state_folder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How layers are compressed: format, level, and which compressor of ours. Another way gives other bytes, and records of its own.
const WAY: &str = "gzip-4-1";
/// Where it is kept what is known of layers that go as they are.
const AS_THEY_ARE: &str = "as-they-are";
/// The level of that way: gzip's usual sixth takes a third longer and saves a hundredth.
pub(super) const LEVEL: u32 = 4;
/// The most bytes of a record; with as many registries as are kept it has less.
const LONGEST: u64 = 64 << 10;
/// Registries of which a record tells.
const MOST_REGISTRIES: usize = 32;

/// What is remembered of compressed layers.
#[derive(Clone, Debug)]
pub(crate) struct CompressedLayers {
    /// `None`: there is no place for it.
    folder: Option<PathBuf>,
}

/// A layer, by its digest: `sha256:…`.
#[derive(Clone, Copy, Debug)]
pub(super) enum LayerKey<'a> {
    /// It is unpacked, and goes compressed.
    Unpacked(&'a str),
    /// It goes as it is.
    Kept(&'a str),
}

impl<'a> LayerKey<'a> {
    fn file(self, folder: &Path) -> Option<(PathBuf, &'a str)> {
        let (kind, digest) = match self {
            Self::Unpacked(digest) => (WAY, digest),
            Self::Kept(digest) => (AS_THEY_ARE, digest),
        };
        Some((folder.join(kind), file_name(digest)?))
    }
}

/// What one layer is, as it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CompressedLayer {
    digest: String,
    size: u64,
    /// By registry, the repository there in which it was seen last.
    seen: BTreeMap<String, String>,
}

impl CompressedLayer {
    /// Its name in registries.
    pub(super) fn blob(&self) -> BlobDigest {
        BlobDigest { digest: self.digest.clone(), size: self.size }
    }

    /// A repository of this registry that had it.
    pub(super) fn seen_in(&self, registry: &str) -> Option<&str> {
        self.seen.get(registry).map(String::as_str)
    }
}

impl CompressedLayers {
    /// Those of this user.
    pub(crate) fn of_user() -> Self {
        Self { folder: state_folder::of_layers() }
    }

    /// Those in this folder.
    #[cfg(test)]
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()) }
    }

    /// What the layer is called as it goes; `None`: that is not remembered.
    pub(super) fn of(&self, layer: LayerKey<'_>) -> Option<CompressedLayer> {
        let (folder, name) = layer.file(self.folder.as_deref()?)?;
        if !state_folder::is_ours(&folder) {
            return None;
        }
        let mut text = Vec::new();
        File::open(folder.join(name)).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok().filter(|found: &CompressedLayer| is_digest(&found.digest))
    }

    /// Writes down that it is in this repository under that name. Where that cannot be written, it is compressed again.
    pub(super) fn remember(&self, layer: LayerKey<'_>, blob: &BlobDigest, registry: &str, path: &str) {
        let Some((folder, name)) = self.folder.as_deref().and_then(|folder| layer.file(folder)) else { return };
        let known = self.of(layer).filter(|known| known.blob() == *blob);
        if known.as_ref().is_some_and(|known| known.seen_in(registry) == Some(path)) {
            return;
        }
        let mut seen = known.map(|known| known.seen).unwrap_or_default();
        seen.insert(registry.to_owned(), path.to_owned());
        while seen.len() > MOST_REGISTRIES {
            let other = seen.keys().find(|other| *other != registry).cloned().unwrap_or_default();
            seen.remove(&other);
        }
        let layer = CompressedLayer { digest: blob.digest.clone(), size: blob.size, seen };
        if let Ok(text) = serde_json::to_string(&layer) {
            let _ = records::write(&folder, name, &text);
        }
    }
}

fn file_name(diff_id: &str) -> Option<&str> {
    records::file_name(diff_id.strip_prefix("sha256:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn blob(number: u64) -> BlobDigest {
        BlobDigest { digest: format!("sha256:{number:064x}"), size: number }
    }

    fn key(digest: &str) -> LayerKey<'_> {
        LayerKey::Unpacked(digest)
    }

    #[test]
    fn a_layers_name_and_where_it_was_seen_are_remembered_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let layers = CompressedLayers::at(folder.path());
        let id = blob(1).digest;
        assert_eq!(layers.of(key(&id)), None);
        layers.remember(key(&id), &blob(2), "r.io", "team/a");
        layers.remember(key(&id), &blob(2), "s.io", "b");
        layers.remember(key(&id), &blob(2), "r.io", "team/c");
        let found = layers.of(key(&id)).unwrap();
        assert_eq!(found.blob(), blob(2));
        assert_eq!(
            [found.seen_in("r.io"), found.seen_in("s.io"), found.seen_in("t.io")],
            [Some("team/c"), Some("b"), None]
        );
        layers.remember(key(&id), &blob(3), "s.io", "b");
        assert_eq!(layers.of(key(&id)).unwrap().seen_in("r.io"), None, "that was of other bytes");
        assert_eq!(layers.of(LayerKey::Kept(&id)), None, "that is another layer");
        let file = folder.path().join(WAY).join(file_name(&id).unwrap());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "{").unwrap();
        assert_eq!(layers.of(key(&id)), None);
        layers.remember(key("sha256:../../x"), &blob(2), "r.io", "a");
        assert_eq!(fs::read_dir(folder.path().join(WAY)).unwrap().count(), 1);
    }

    #[test]
    fn a_record_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let layers = CompressedLayers::at(folder.path());
        for number in 0..MOST_REGISTRIES + 9 {
            layers.remember(key(&blob(1).digest), &blob(2), &format!("r{number:03}.io"), "a");
        }
        let found = layers.of(key(&blob(1).digest)).unwrap();
        assert_eq!((found.seen.len(), found.seen_in("r040.io")), (MOST_REGISTRIES, Some("a")));
    }
}
