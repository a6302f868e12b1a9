//! A folder as the zip that `cf push` or `cf create-buildpack` would send.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::failure::Failure;

/// Writes everything below `folder` into a zip at `target`, with modes and symlinks, in the order of
/// names. An empty folder gives an empty zip. Sockets and the like are left out.
pub(crate) fn zip_folder(folder: &Path, target: &Path) -> Result<(), Failure> {
    let file = File::create(target).map_err(Failure::file("write", target))?;
    let mut zip = ZipWriter::new(file);
    add(&mut zip, folder, "")?;
    zip.finish().map(drop).map_err(|cause| Failure::Archive { path: target.to_owned(), cause })
}

fn add(zip: &mut ZipWriter<File>, folder: &Path, prefix: &str) -> Result<(), Failure> {
    let listing = fs::read_dir(folder).map_err(Failure::file("list", folder))?;
    let entries: Result<Vec<_>, _> = listing.collect();
    let mut entries = entries.map_err(Failure::file("list", folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = fs::symlink_metadata(&path).map_err(Failure::file("read", &path))?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(metadata.permissions().mode() & 0o7777);
        let packed = |cause| Failure::Archive { path: path.clone(), cause };
        if metadata.is_symlink() {
            let target = fs::read_link(&path).map_err(Failure::file("read", &path))?;
            zip.add_symlink(&*name, target.to_string_lossy(), options).map_err(packed)?;
        } else if metadata.is_dir() {
            zip.add_directory(&*name, options).map_err(packed)?;
            add(zip, &path, &format!("{name}/"))?;
        } else if metadata.is_file() {
            zip.start_file(&*name, options).map_err(packed)?;
            let mut file = File::open(&path).map_err(Failure::file("read", &path))?;
            io::copy(&mut file, zip).map_err(Failure::file("pack", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn modes_symlinks_and_empty_folders_get_into_the_zip() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("bin/empty")).unwrap();
        fs::write(source.join("bin/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(source.join("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("run", source.join("bin/link")).unwrap();
        let target = folder.path().join("out.zip");
        zip_folder(&source, &target).unwrap();

        let mut zip = zip::ZipArchive::new(File::open(&target).unwrap()).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["bin/", "bin/empty/", "bin/link", "bin/run"]);
        assert_eq!(zip.by_name("bin/run").unwrap().unix_mode().unwrap() & 0o777, 0o755);
        let mut link = zip.by_name("bin/link").unwrap();
        assert!(link.is_symlink());
        let mut text = String::new();
        link.read_to_string(&mut text).unwrap();
        assert_eq!(text, "run");
    }
}
