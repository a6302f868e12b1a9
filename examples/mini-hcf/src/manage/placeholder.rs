//! Something to serve at the URLs of a recorded request, whose files nobody has.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::digest::{self, Sums};
use crate::failure::Failure;
use crate::manage::install::pack;
use crate::request::renew::{BlobKind, NamedBlob};
use crate::request::signature::blob_path;
use crate::state::{Settings, State};

/// A buildpack that never wants an app; forced upon one, it fails.
const BUILDPACK: [(&str, &str); 3] = [
    ("detect", "#!/bin/sh\nexit 1\n"),
    ("compile", "#!/bin/sh\necho 'this buildpack is a placeholder of mini-hcf replay' >&2\nexit 1\n"),
    ("release", "#!/bin/sh\nexit 1\n"),
];

/// Where the files come from.
pub(crate) struct Shelf<'a> {
    /// Whose blobstore is filled.
    pub(crate) state: &'a State,
    /// Which buildpacks are installed.
    pub(crate) settings: &'a Settings,
    /// The app package, if one was given.
    pub(crate) package: Option<&'a Path>,
}

impl Shelf<'_> {
    /// Puts a file at the blob's place and tells its checksums; `None` for a droplet: that is for others to make.
    pub(crate) fn place(&self, blob: &NamedBlob) -> Result<Option<Sums>, Failure> {
        let work = tempfile::tempdir_in(self.state.path("tmp"));
        let work = work.map_err(Failure::file("make a folder in", &self.state.path("tmp")))?;
        let file = work.path().join("blob");
        match &blob.kind {
            BlobKind::Package => match self.package {
                Some(package) => pack(package, &file)?,
                None => pack(&page(work.path())?, &file)?,
            },
            BlobKind::Buildpack(name) => {
                match self.settings.buildpacks.iter().find(|buildpack| buildpack.name == *name) {
                    Some(installed) => {
                        pack(&self.state.blob(&blob_path("cc-buildpacks", &installed.key)), &file)?;
                    }
                    None => pack(&buildpack(work.path())?, &file)?,
                }
            }
            BlobKind::BuildArtifacts => empty_tgz(&file).map_err(Failure::file("write", &file))?,
            BlobKind::Other => return Ok(None),
        }
        let sums = digest::sums_of_file(&file).map_err(Failure::file("read", &file))?;
        self.state.move_to_blob(&file, &blob.path)?;
        Ok(Some(sums))
    }
}

fn page(work: &Path) -> Result<std::path::PathBuf, Failure> {
    let folder = work.join("page");
    write_all(&folder, &[("index.html", "<h1>replayed</h1>\n")])?;
    Ok(folder)
}

fn buildpack(work: &Path) -> Result<std::path::PathBuf, Failure> {
    let folder = work.join("buildpack");
    write_all(&folder.join("bin"), &BUILDPACK)?;
    Ok(folder)
}

fn write_all(folder: &Path, files: &[(&str, &str)]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).map_err(Failure::file("write", &file))?;
        fs::set_permissions(&file, Permissions::from_mode(0o755)).map_err(Failure::file("open up", &file))?;
    }
    Ok(())
}

/// As a builder makes it of an empty cache: `./` alone.
fn empty_tgz(file: &Path) -> io::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(File::create(file)?, Compression::default()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    tar.append_data(&mut header, "./", io::empty())?;
    tar.into_inner()?.finish().map(drop)
}
