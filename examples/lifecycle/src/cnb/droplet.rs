//! Writes what a staging leaves behind: what the launcher reads, the result file, and the droplet, which is the folder
//! that workspace and layers lie in, without the layers that are only for building.

use super::build::Built;
use super::tree::TreeWriter;
use super::{CnbFailure, Staging, result};
use crate::go_text::go_text;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Files of a buildpack's folder that nobody reads later.
const OF_BUILDING: [&str; 2] = ["build.toml", "store.toml"];

/// No image was analysed: there is none.
const ANALYZED: &str = "[run-image]\n  reference = \"\"\n";

/// No bill of materials in the form of old buildpacks.
const NO_MATERIALS: &str = "[]";

pub(super) fn write(staging: &mut Staging, built: &Built) -> Result<(), CnbFailure> {
    let settings = staging.settings;
    let failed = |what: &str, why: &io::Error| CnbFailure::Export(format!("{what}: {}", go_text(why)));
    write_notes(&settings.layers, built).map_err(|why| failed("writing metadata", &why))?;
    fs::write(&settings.result, result::result_json(built)).map_err(|why| failed("writing result", &why))?;
    staging.say(format_args!("result file saved to \"{}\"", settings.result.display()));
    let home = settings.workspace.parent().unwrap_or(Path::new("/"));
    let not_for_the_app = not_for_the_app(&settings.layers, built);
    let owner = staging.owner();
    let pack = || {
        let mut tar = TreeWriter::new(GzEncoder::new(File::create(&settings.droplet)?, Compression::default()), owner);
        tar.add(home, ".", &|path| not_for_the_app.contains(path))?;
        tar.finish()?.finish().map(drop)
    };
    pack().map_err(|why| failed("writing droplet", &why))?;
    staging.say(format_args!("droplet archive saved to \"{}\"", settings.droplet.display()));
    Ok(())
}

fn write_notes(layers: &Path, built: &Built) -> io::Result<()> {
    let notes = [
        ("analyzed.toml", ANALYZED.to_owned()),
        ("config/metadata.toml", result::metadata_toml(built)),
        ("sbom/build/sbom.legacy.json", NO_MATERIALS.to_owned()),
        ("sbom/launch/sbom.legacy.json", NO_MATERIALS.to_owned()),
    ];
    for (name, text) in notes {
        let file = layers.join(name);
        fs::create_dir_all(file.parent().unwrap_or(layers))?;
        fs::write(file, text)?;
    }
    Ok(())
}

fn not_for_the_app(layers: &Path, built: &Built) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    for (buildpack, left) in &built.buildpacks {
        let folder = layers.join(buildpack.folder());
        paths.extend(OF_BUILDING.iter().map(|name| folder.join(name)));
        for layer in left.layers.iter().filter(|layer| !layer.types.launch) {
            paths.extend([layer.folder.clone(), folder.join(format!("{}.toml", layer.name))]);
        }
    }
    paths
}
