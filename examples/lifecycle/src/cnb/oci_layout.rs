//! Buildpacks as images: an OCI image layout, as Cloud Controller delivers system buildpacks, has them below
//! `/cnb/buildpacks` of its layers, and says in a label which one it is about.

use super::buildpack::Buildpack;
use super::tree;
use crate::go_text::go_text;
use crate::registry::{Descriptor, Manifest, Repository, must_have, read_json};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LABEL: &str = "io.buildpacks.buildpackage.metadata";

/// Where an image's parts come from.
pub(super) enum Blobs<'a, 'b> {
    /// A layout's folder.
    Layout(&'a Path),
    /// A registry.
    Registry(&'a mut Repository<'b>),
}

/// What an image brought: the buildpack that it is about, and all that are in it.
pub(super) struct Package {
    pub(super) about: super::buildpack::Name,
    pub(super) buildpacks: Vec<Buildpack>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    config: Labelled,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Labelled {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct About {
    id: String,
    version: String,
}

/// Whether this folder is an OCI image layout.
pub(super) fn is_layout(folder: &Path) -> bool {
    !folder.is_symlink() && real_file(&folder.join("index.json")).is_ok()
}

/// Unpacks an image's layers into `into`.
pub(super) fn unpack(mut blobs: Blobs, into: &Path) -> Result<Package, String> {
    fs::create_dir_all(into).map_err(|why| go_text(&why))?;
    let manifest = blobs.manifest()?;
    let spool = into.join("blob");
    let config = manifest.config.as_ref().ok_or("the image has no config")?;
    let config: Config = read_json(&blobs.blob(config, &spool)?)?;
    let root = into.join("root");
    for layer in &manifest.layers {
        let file = blobs.blob(layer, &spool)?;
        tree::unpack(&file, &root).map_err(|why| format!("unpacking layer {}: {}", layer.digest, go_text(&why)))?;
    }
    let _ = fs::remove_file(spool); // a layout fills none
    let buildpacks = buildpacks(&root.join("cnb/buildpacks"))?;
    let label = config.config.labels.unwrap_or_default().remove(LABEL);
    let about = match (label, buildpacks.as_slice()) {
        (Some(label), _) => {
            let about: About = serde_json::from_str(&label).map_err(|why| format!("reading label {LABEL}: {why}"))?;
            (about.id, about.version)
        }
        (None, [only]) => only.name.clone(),
        (None, _) => return Err(format!("could not find label {LABEL}")),
    };
    if !buildpacks.iter().any(|one| one.name == about) {
        return Err(format!("the image is about {}@{}, which is not in it", about.0, about.1));
    }
    Ok(Package { about, buildpacks })
}

/// Those of an image: a folder an id, and in it one a version.
fn buildpacks(root: &Path) -> Result<Vec<Buildpack>, String> {
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        found.sort();
        found
    };
    folders(root).iter().flat_map(|id| folders(id)).map(|version| Buildpack::read(&version)).collect()
}

impl Blobs<'_, '_> {
    fn manifest(&mut self) -> Result<Manifest, String> {
        let layout = match self {
            Blobs::Registry(repository) => return repository.manifest(),
            Blobs::Layout(layout) => *layout,
        };
        let index: Manifest = read_json(&real_file(&layout.join("index.json"))?)?;
        let found = index.for_this_machine().or(index.manifests.first()).ok_or("index.json names no manifest")?;
        read_json(&layout_blob(layout, found)?)
    }

    /// The blob as a file; `spool` where it must be fetched.
    fn blob(&mut self, blob: &Descriptor, spool: &Path) -> Result<PathBuf, String> {
        match self {
            Blobs::Layout(layout) => layout_blob(layout, blob),
            Blobs::Registry(repository) => {
                repository.fetch(&format!("blobs/{}", blob.digest), &blob.digest, spool)?;
                Ok(spool.to_owned())
            }
        }
    }
}

fn layout_blob(layout: &Path, blob: &Descriptor) -> Result<PathBuf, String> {
    let hex = blob.digest.strip_prefix("sha256:").filter(|hex| hex.chars().all(|c| c.is_ascii_hexdigit()));
    let hex = hex.ok_or_else(|| format!("unsupported digest {}", blob.digest))?;
    let file = real_file(&layout.join("blobs/sha256").join(hex))?;
    must_have(&file, hex)?;
    Ok(file)
}

/// As one who walks the folder sees it: a link to a file is no file.
fn real_file(file: &Path) -> Result<PathBuf, String> {
    let name = file.file_name().unwrap_or_default().display();
    let found = file.symlink_metadata().is_ok_and(|file| file.is_file());
    if found { Ok(file.to_owned()) } else { Err(format!("could not find entry path '{name}'")) }
}
