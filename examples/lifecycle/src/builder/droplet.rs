//! Writes what a staging leaves behind: result file, droplet and build-artifacts cache. The archives are made by the
//! stack's own `cp` and `tar`, as the real builder does: the layout, modes and links are then Diego's, not ours, and
//! memory does not grow with the app.

use super::directories::Directories;
use super::process_types::ProcessTypes;
use super::settings::parent;
use super::staging_result::StagingMetadata;
use super::{BuildFailure, Settings};
use crate::go_text::go_text;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes result file and droplet: `./app ./tmp ./logs ./staging_info.yml` and what the buildpacks put beside them.
pub(super) fn write(
    settings: &Settings,
    directories: &Directories,
    metadata: &StagingMetadata,
    types: &ProcessTypes,
) -> Result<(), BuildFailure> {
    let contents = directories.contents();
    fs::write(contents.join("staging_info.yml"), metadata.staging_info(types))
        .and_then(|()| fs::write(&settings.output_metadata, metadata.result_json(types)))
        .map_err(|why| BuildFailure::other("Failed to encode generated metadata", go_text(&why)))?;
    for name in ["tmp", "logs"] {
        fs::create_dir_all(contents.join(name))
            .map_err(|why| BuildFailure::other("Failed to set up droplet filesystem", go_text(&why)))?;
    }
    run("cp", &[OsStr::new("-a"), settings.build_dir.as_os_str(), contents.join("app").as_os_str()], Stdio::inherit())
        .map_err(|why| BuildFailure::other("Failed to copy compiled droplet", why))?;
    pack(&settings.output_droplet, contents)
        .map_err(|why| BuildFailure::other("Failed to compress droplet filesystem", why))
}

/// Writes the build-artifacts cache: the whole cache directory, or only `./` where the buildpack kept nothing.
pub(super) fn write_cache(settings: &Settings) -> Result<(), BuildFailure> {
    fs::create_dir_all(parent(&settings.output_cache))
        .map_err(|why| BuildFailure::other("Failed to create output build artifacts cache dir", go_text(&why)))?;
    pack(&settings.output_cache, &settings.cache_dir)
        .map_err(|why| BuildFailure::other("Failed to compress build artifacts", why))
}

fn pack(archive: &Path, directory: &Path) -> Result<(), String> {
    let arguments = [OsStr::new("-czf"), archive.as_os_str(), OsStr::new("-C"), directory.as_os_str(), OsStr::new(".")];
    run("tar", &arguments, Stdio::null())
}

fn run(program: &str, arguments: &[&OsStr], words: Stdio) -> Result<(), String> {
    let status = Command::new(program).args(arguments).stdout(words).status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("exec: \"{program}\": executable file not found in $PATH"),
        _ => format!("{program}: {}", go_text(&error)),
    })?;
    if status.success() { Ok(()) } else { Err(status.to_string().replace("exit status: ", "exit status ")) }
}
