//! How an engine with containerd's store keeps the layers of a base: as they came, mostly compressed, under the digests
//! of those bytes. A manifest must name them so. Only an export of the base tells them; what it told is kept in the
//! user's cache, by the base's id, which is a digest of it all. Podman keeps layers as they are when unpacked, and exports
//! them so, in Docker's older form.

#![expect(clippy::disallowed_methods, reason = "the one place that keeps and reads what an export told")]

use super::ImageError;
use super::oci::Descriptor;
use crate::engine::{EngineError, Image, ImageTransfer};
use crate::unfinished;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How a file is called that is being written.
const UNFINISHED: &str = ".unfinished-";
/// The most bytes of a blob that may be a document; the longest are configs, with their history.
const LONGEST_DOCUMENT: u64 = 1 << 20;
/// The most bytes of all documents of an export.
const ALL_DOCUMENTS: u64 = 16 << 20;
/// Indexes within indexes that are looked through.
const DEEPEST: usize = 4;

#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    /// A manifest's is a descriptor; a config has one of its own kind.
    #[serde(default)]
    config: serde_json::Value,
    #[serde(default)]
    layers: Vec<Descriptor>,
    rootfs: Option<RootFs>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

/// Of Docker's older form the list of images, `manifest.json`.
#[derive(Deserialize)]
struct OlderManifest {
    #[serde(default, rename = "Config")]
    config: String,
    #[serde(default, rename = "Layers")]
    layers: Vec<String>,
}

/// The base's layers from the lowest on.
pub(super) fn base_layers(engine: &dyn ImageTransfer, base: &Image) -> Result<Vec<Descriptor>, ImageError> {
    let kept = kept_at(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"), &base.id.0);
    if let Some(layers) = kept.as_deref().and_then(read).filter(|layers| layers.len() == base.details.layers.len()) {
        return Ok(layers);
    }
    let layers = of_export(engine.save(&base.id)?, &base.details.layers).map_err(|error| EngineError::Refused {
        doing: "looking how the root file system's layers are kept".to_owned(),
        reason: error.to_string(),
    })?;
    if let Some(kept) = kept {
        // Without it the export is read again next time.
        let _ = keep(&kept, &layers);
    }
    Ok(layers)
}

/// Looks through an export for the manifest of these layers (digests of what is uncompressed).
fn of_export(export: impl Read, diff_ids: &[String]) -> io::Result<Vec<Descriptor>> {
    let (mut documents, mut sizes, mut older) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut room = ALL_DOCUMENTS;
    let mut archive = tar::Archive::new(export);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let size = entry.size();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        sizes.insert(name.clone(), size);
        if size > LONGEST_DOCUMENT.min(room) {
            continue;
        }
        room -= size;
        let mut text = Vec::new();
        entry.read_to_end(&mut text)?;
        if name == "manifest.json" {
            older = serde_json::from_slice::<Vec<OlderManifest>>(&text).unwrap_or_default();
        } else if let Ok(document) = serde_json::from_slice::<Document>(&text) {
            documents.insert(name, document);
        }
    }
    let found = match documents.get("index.json") {
        Some(index) => layers(index, &documents, diff_ids, DEEPEST),
        None => older.iter().find_map(|image| unpacked_layers(image, &documents, &sizes, diff_ids)),
    };
    found.ok_or_else(|| io::Error::other("its export does not tell"))
}

/// Of an export in Docker's older form: its layers are files as they are when unpacked.
fn unpacked_layers(
    image: &OlderManifest,
    documents: &BTreeMap<String, Document>,
    sizes: &BTreeMap<String, u64>,
    diff_ids: &[String],
) -> Option<Vec<Descriptor>> {
    let rootfs = documents.get(&image.config)?.rootfs.as_ref()?;
    if rootfs.diff_ids != diff_ids || image.layers.len() != diff_ids.len() {
        return None;
    }
    let descriptor = |(file, digest): (&String, &String)| {
        let size = *sizes.get(file)?;
        Some(Descriptor::layer(digest.clone(), size))
    };
    image.layers.iter().zip(diff_ids).map(descriptor).collect()
}

fn layers(
    document: &Document,
    documents: &BTreeMap<String, Document>,
    diff_ids: &[String],
    depth: usize,
) -> Option<Vec<Descriptor>> {
    let blob = |digest: &str| documents.get(&format!("blobs/{}", digest.replace(':', "/")));
    let config = document.config["digest"].as_str().and_then(blob);
    let is_it = config.and_then(|config| config.rootfs.as_ref()).is_some_and(|rootfs| rootfs.diff_ids == diff_ids);
    if is_it && document.layers.len() == diff_ids.len() {
        return Some(document.layers.iter().cloned().map(Descriptor::in_words_of_oci).collect());
    }
    let below = document.manifests.iter().filter(|_| depth > 0).filter_map(|descriptor| blob(&descriptor.digest));
    below.into_iter().find_map(|found| layers(found, documents, diff_ids, depth - 1))
}

/// Where the layers of the base of this id are kept; `None` where there is no place for it.
fn kept_at(cache: Option<std::ffi::OsString>, home: Option<std::ffi::OsString>, id: &str) -> Option<PathBuf> {
    let cache = cache.map(PathBuf::from).filter(|cache| cache.is_absolute());
    let cache = cache.or_else(|| Some(Path::new(&home?).join(".cache")).filter(|cache| cache.is_absolute()))?;
    let digest = id
        .strip_prefix("sha256:")
        .filter(|digest| !digest.is_empty() && digest.chars().all(|c| c.is_ascii_hexdigit()))?;
    Some(cache.join("stager/base-layers").join(format!("{digest}.json")))
}

fn read(path: &Path) -> Option<Vec<Descriptor>> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn keep(path: &Path, layers: &[Descriptor]) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder)?;
    unfinished::replace(path, UNFINISHED, |file| file.write_all(&serde_json::to_vec(layers)?))
}

#[cfg(test)]
pub(super) mod samples;

#[cfg(test)]
mod tests {
    use super::samples::{export, older_export};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_manifest_of_the_bases_layers_is_found_in_its_export() {
        let diff_ids = ["sha256:plain".to_owned()];
        let found = of_export(&*export(&json!(diff_ids)), &diff_ids).unwrap();
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip".to_owned();
        assert_eq!(found, [Descriptor { media_type, digest: "sha256:packed".into(), size: 7 }]);
    }

    #[test]
    fn an_export_in_dockers_older_form_tells_the_layers_as_they_are_when_unpacked() {
        let diff_ids = ["sha256:a".to_owned(), "sha256:b".to_owned()];
        let layer = |digest: &str, size| Descriptor::layer(digest.into(), size);
        let found = of_export(&*older_export(&diff_ids), &diff_ids).unwrap();
        assert_eq!(found, [layer("sha256:a", 2 << 20), layer("sha256:b", 2 << 20)]);
        of_export(&*older_export(&diff_ids), &diff_ids[..1]).unwrap_err();
        let cut = &older_export(&diff_ids)[..(2 << 20) + 512];
        of_export(cut, &diff_ids).unwrap_err();
    }

    #[test]
    fn an_export_that_does_not_tell_is_an_error() {
        let wanted = ["sha256:plain".to_owned()];
        of_export(&*export(&json!(["sha256:none-of-it"])), &wanted).unwrap_err();
        of_export(&b"no tar at all, but long enough to be one"[..], &wanted).unwrap_err();
        of_export(&[][..], &wanted).unwrap_err();
    }

    #[test]
    fn what_was_told_is_kept_in_the_users_cache() {
        let folder = tempfile::tempdir().unwrap();
        let home = Some(folder.path().as_os_str().to_owned());
        let path = kept_at(None, home.clone(), "sha256:00ff").unwrap();
        assert_eq!(path, folder.path().join(".cache/stager/base-layers/00ff.json"));
        assert_eq!(read(&path), None);
        let layers = vec![Descriptor::from_bytes("m", b"x")];
        keep(&path, &layers).unwrap();
        assert_eq!(read(&path), Some(layers));
        assert_eq!(kept_at(Some("relative".into()), None, "sha256:00ff"), None);
        for nothing in ["sha256:../../x", "sha256:"] {
            assert_eq!(kept_at(home.clone(), None, nothing), None);
        }
    }
}
