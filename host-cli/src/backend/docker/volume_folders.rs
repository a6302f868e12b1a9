//! The folders that were typed for volumes, as the engine can mount them: it would make one that is not there.

#![expect(clippy::disallowed_methods, reason = "looks at the folders that were named")]

use crate::failure::Failure;
use crate::plan::volumes::VolumeMapping;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The same with whole paths, free of links.
pub(crate) fn folders(typed: &[VolumeMapping]) -> Result<Vec<VolumeMapping>, Failure> {
    typed
        .iter()
        .map(|mapping| Ok(VolumeMapping { folder: whole("--volume-map", &mapping.folder)?, ..mapping.clone() }))
        .collect()
}

/// The folder that was typed behind `option`, by its whole path.
pub(super) fn whole(option: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let found = fs::canonicalize(folder).and_then(|found| match found.to_str() {
        _ if !found.is_dir() => Err(Error::from(ErrorKind::NotADirectory)),
        // Engines part it from the container's path by a colon, and take text.
        Some(path) if !path.contains(':') => Ok(found),
        _ => Err(Error::other("no engine can mount a folder of this name")),
    });
    found.map_err(|error| {
        let text = format!("{option}: {}: {error}", escape_control(&folder.to_string_lossy()));
        Failure::new(
            ExitCode::CommandLine,
            text,
            "name a folder that is here, and under the same path on the engine's machine",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_mounted_by_its_whole_path_and_must_be_one() {
        let here = tempfile::tempdir().unwrap();
        let inside = here.path().join("share");
        fs::create_dir(&inside).unwrap();
        fs::write(here.path().join("file"), "").unwrap();
        fs::create_dir(here.path().join("a:b")).unwrap();
        let typed = |path: &str| [format!("v={}/{path}", here.path().display()).parse::<VolumeMapping>().unwrap()];
        let found = folders(&typed("share/../share")).unwrap();
        assert_eq!(found[0].folder, fs::canonicalize(&inside).unwrap());
        std::os::unix::fs::symlink(here.path().join("a:b"), here.path().join("odd")).unwrap();
        for (path, words) in [("gone", "No such file"), ("file", "not a directory"), ("odd", "no engine can mount")] {
            let failure = folders(&typed(path)).unwrap_err();
            assert_eq!(failure.code, ExitCode::CommandLine);
            assert!(failure.advice.contains("the same path on the engine's machine"), "{}", failure.advice);
            assert!(failure.text.contains(words), "{}", failure.text);
        }
    }
}
