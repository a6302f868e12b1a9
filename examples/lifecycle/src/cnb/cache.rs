//! The cache between stagings: layers with `cache = true`, each a tar named by its digest, and a JSON file that says whose
//! they are. It comes unpacked, and goes as one gzipped tar.

use super::build::Built;
use super::plan::Participant;
use super::tree::{TreeWriter, unpack};
use super::{CnbFailure, Staging};
use crate::go_text::go_text;
use crate::registry::{must_have, read_json, sha256};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

const COMMITTED: &str = "committed";
const METADATA: &str = "io.buildpacks.lifecycle.cache.metadata";

/// Digests of the layers that came.
pub(super) type Kept = BTreeSet<String>;

#[derive(Default, Serialize, Deserialize)]
struct CacheMetadata {
    buildpacks: Vec<OfBuildpack>,
}

#[derive(Serialize, Deserialize)]
struct OfBuildpack {
    key: String,
    version: String,
    layers: BTreeMap<String, OfLayer>,
}

#[derive(Serialize, Deserialize)]
struct OfLayer {
    sha: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<toml::Table>,
    #[serde(default)]
    build: bool,
    #[serde(default)]
    launch: bool,
    #[serde(default)]
    cache: bool,
}

/// Puts the layers of the participating buildpacks back. They are nobody's until their buildpack says what they are for.
pub(super) fn restore(staging: &mut Staging, group: &[Participant]) -> Result<Kept, CnbFailure> {
    let committed = staging.settings.cache_dir.join(COMMITTED);
    let file = committed.join(METADATA);
    if !file.exists() {
        return Ok(Kept::new());
    }
    let metadata: CacheMetadata =
        read_json(&file).map_err(|why| CnbFailure::Restore(format!("reading cache metadata: {why}")))?;
    let mut kept = Kept::new();
    for buildpack in group.iter().map(|participant| participant.buildpack) {
        let id = &buildpack.name.0;
        let layers = metadata.buildpacks.iter().filter(|known| known.key == *id).flat_map(|known| &known.layers);
        for (name, layer) in layers.filter(|(_, layer)| layer.cache) {
            staging.say(format_args!("Restoring metadata for \"{id}:{name}\" from cache"));
            staging.say(format_args!("Restoring data for \"{id}:{name}\" from cache"));
            let folder = staging.settings.layers.join(buildpack.folder());
            restore_layer(&committed, &folder, name, layer)
                .map_err(|why| CnbFailure::Restore(format!("restoring layer {id}:{name}: {why}")))?;
            kept.insert(layer.sha.clone());
        }
    }
    Ok(kept)
}

fn restore_layer(committed: &Path, folder: &Path, name: &str, layer: &OfLayer) -> Result<(), String> {
    let digest = layer.sha.strip_prefix("sha256:").filter(|hex| hex.chars().all(|c| c.is_ascii_hexdigit()));
    let digest = digest.ok_or("its digest is none")?;
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err("its name is none".to_owned());
    }
    let archive = committed.join(format!("sha256:{digest}.tar"));
    must_have(&archive, digest)?;
    // Names in it are absolute, as everywhere with buildpacks.
    unpack(&archive, Path::new("/")).map_err(|why| go_text(&why))?;
    let mut file = toml::Table::new();
    file.extend(layer.data.clone().map(|data| ("metadata".to_owned(), toml::Value::Table(data))));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(format!("{name}.toml")), file.to_string()))
        .map_err(|why| go_text(&why))
}

/// Writes the cache for the next time.
pub(super) fn export(staging: &mut Staging, built: &Built, kept: &Kept) -> Result<(), CnbFailure> {
    write(staging, built, kept).map_err(|why| CnbFailure::Export(format!("writing cache: {}", go_text(&why))))
}

fn write(staging: &mut Staging, built: &Built, kept: &Kept) -> io::Result<()> {
    let owner = staging.owner();
    let output = File::create(&staging.settings.cache_output)?;
    let mut cache = TreeWriter::new(GzEncoder::new(output, Compression::default()), owner);
    let mut metadata = CacheMetadata::default();
    for (buildpack, left) in &built.buildpacks {
        let mut layers = BTreeMap::new();
        for layer in left.layers.iter().filter(|layer| layer.types.cache && layer.folder.is_dir()) {
            let spool = tempfile::NamedTempFile::new()?;
            let mut tar = TreeWriter::new(spool.reopen()?, owner);
            tar.add(&layer.folder, &std::path::absolute(&layer.folder)?.to_string_lossy(), &|_| false)?;
            drop(tar.finish()?);
            let sha = format!("sha256:{}", sha256(spool.reopen()?)?);
            let verb = if kept.contains(&sha) { "Reusing" } else { "Adding" };
            staging.say(format_args!("{verb} cache layer '{}:{}'", buildpack.name.0, layer.name));
            cache.add(spool.path(), &format!("{COMMITTED}/{sha}.tar"), &|_| false)?;
            let super::layers::Types { launch, build, cache } = layer.types;
            let data = (!layer.metadata.is_empty()).then(|| layer.metadata.clone());
            layers.insert(layer.name.clone(), OfLayer { sha, data, build, launch, cache });
        }
        let (key, version) = buildpack.name.clone();
        metadata.buildpacks.push(OfBuildpack { key, version, layers });
    }
    let text = serde_json::to_vec(&metadata).map_err(io::Error::from)?;
    cache.add_text(&format!("{COMMITTED}/{METADATA}"), &text)?;
    cache.finish()?.finish().map(drop)
}
