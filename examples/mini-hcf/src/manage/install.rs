//! What an operator does: installs buildpacks and the lifecycle.

use std::fs::{self, File};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::digest;
use crate::failure::Failure;
use crate::manage::archive::zip_folder;
use crate::request::lifecycle::Kind;
use crate::request::signature::blob_path;
use crate::state::{InstalledBuildpack, State};

/// Puts a buildpack (folder or zip; of Cloud Native ones their image as a tgz) into the blobstore. One of the same name is
/// replaced and keeps its place; `position` counts from 1 and moves it; without it a new one comes last.
pub(crate) fn add_buildpack(
    state: &State,
    name: &str,
    source: &Path,
    lifecycle: Kind,
    position: Option<usize>,
) -> Result<InstalledBuildpack, Failure> {
    let mut settings = state.settled()?;
    if lifecycle == Kind::Docker {
        return Err(Failure::CommandLine("docker apps are staged without buildpacks".to_owned()));
    }
    if lifecycle == Kind::Cnb && source.is_dir() {
        let folder = source.display();
        let text = format!(
            "a Cloud Native Buildpack is installed as an image; examples/buildpacks/pack {folder} FILE.tgz makes one"
        );
        return Err(Failure::CommandLine(text));
    }
    let old = settings.buildpacks.iter().position(|buildpack| buildpack.name == name);
    let guid = match old.map(|index| settings.buildpacks.remove(index)) {
        Some(old) => old.key.split('_').next().unwrap_or_default().to_owned(),
        None => uuid::Uuid::new_v4().to_string(),
    };
    let packed = state.path("tmp").join(format!("{guid}.zip"));
    pack(source, &packed)?;
    let sums = digest::sums_of_file(&packed).map_err(Failure::file("read", &packed))?;
    let key = format!("{guid}_{}", if lifecycle == Kind::Cnb { &sums.sha256 } else { &sums.sha1 });
    state.move_to_blob(&packed, &blob_path("cc-buildpacks", &key))?;
    let installed = InstalledBuildpack { name: name.to_owned(), key, sha256: sums.sha256, lifecycle };
    let last = settings.buildpacks.len();
    let place = position.map(|position| position.saturating_sub(1)).or(old).unwrap_or(last).min(last);
    settings.buildpacks.insert(place, installed.clone());
    state.keep(&settings)?;
    Ok(installed)
}

/// A folder is packed, a file copied as it is.
pub(crate) fn pack(source: &Path, target: &Path) -> Result<(), Failure> {
    let metadata = fs::metadata(source).map_err(Failure::file("read", source))?;
    if metadata.is_dir() {
        return zip_folder(source, target);
    }
    fs::copy(source, target).map(drop).map_err(Failure::file("copy", source))
}

/// Puts a lifecycle (folder or tgz) where the file server shows it.
pub(crate) fn lifecycle(state: &State, source: &Path, kind: Kind) -> Result<(), Failure> {
    state.settled()?;
    let target = state.path("static").join(kind.archive());
    let folder = target.parent().unwrap_or(&target);
    fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
    let beside = target.with_extension("new");
    let metadata = fs::metadata(source).map_err(Failure::file("read", source))?;
    if metadata.is_dir() {
        let file = File::create(&beside).map_err(Failure::file("write", &beside))?;
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        tar.follow_symlinks(false);
        let written = tar.append_dir_all(".", source).and_then(|()| tar.into_inner()?.finish());
        written.map_err(Failure::file("pack", source))?;
    } else {
        fs::copy(source, &beside).map_err(Failure::file("copy", source))?;
    }
    fs::rename(&beside, &target).map_err(Failure::file("replace", &target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;

    #[test]
    fn a_buildpack_keeps_its_place_when_replaced_and_moves_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(&folder.path().join("state"));
        state.create().unwrap();
        state.keep(&Settings::fresh()).unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(&source).unwrap();
        let names = |state: &State| -> Vec<String> {
            state.settled().unwrap().buildpacks.into_iter().map(|buildpack| buildpack.name).collect()
        };
        let first = add_buildpack(&state, "a", &source, Kind::Buildpack, None).unwrap();
        add_buildpack(&state, "b", &source, Kind::Buildpack, None).unwrap();
        add_buildpack(&state, "c", &source, Kind::Buildpack, Some(1)).unwrap();
        assert_eq!(names(&state), ["c", "a", "b"]);
        fs::write(source.join("new"), "x").unwrap();
        let again = add_buildpack(&state, "a", &source, Kind::Buildpack, None).unwrap();
        assert_eq!(names(&state), ["c", "a", "b"]);
        assert_eq!(first.key[..36], again.key[..36], "same guid");
        assert_ne!(first.key, again.key, "another checksum");
        assert!(state.blob(&blob_path("cc-buildpacks", &again.key)).is_file());
        add_buildpack(&state, "b", &source, Kind::Buildpack, Some(99)).unwrap();
        assert_eq!(names(&state), ["c", "a", "b"]);
        let refused = add_buildpack(&state, "d", &source, Kind::Cnb, None).unwrap_err();
        assert!(refused.to_string().contains("examples/buildpacks/pack"), "{refused}");
    }
}
