//! What the tests of unpacking share: the real tar and zip, and looking at what came out.
#![allow(clippy::disallowed_methods, reason = "tests look at real directories and run the real tar and zip")]

mod bombs;
mod contents;
mod escapes;
mod handmade_zip;
mod tar_damage;
mod tar_forms;
mod zip_forms;
mod zip_lies;
mod zip_threads;

use super::*;
use crate::session::scope::Stop;
use crate::unpack::Owner;
use shared_model::event::{Event, EventSink};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

struct Nobody;
impl EventSink for Nobody {
    fn emit(&self, _: Event) {}
}

/// A directory `inside` to unpack into, in a directory that must not change.
struct Target {
    home: TempDir,
    limits: Limits,
}

impl Target {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join("inside")).unwrap();
        fs::write(home.path().join("canary"), "alive").unwrap();
        Self { home, limits: Limits::GENEROUS }
    }

    fn inside(&self) -> PathBuf {
        self.home.path().join("inside")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.inside().join(name)
    }

    fn unpack(&self, archive: &[u8]) -> Result<Unpacked, UnpackError> {
        self.unpack_for(archive, None)
    }

    fn unpack_for(&self, mut archive: &[u8], owner: Option<Owner>) -> Result<Unpacked, UnpackError> {
        let stop = Stop::default();
        let mut tree = Tree::open(&self.inside(), owner).unwrap();
        unpack(&mut archive, None, &mut tree, &self.limits, &Scope::new(&Nobody, "STG", &stop))
    }

    /// Unpacks a zip with so many threads.
    fn unzip(&self, mut archive: &[u8], threads: usize) -> Result<Unpacked, UnpackError> {
        let (stop, budget) = (Stop::default(), Budget::new(&self.limits));
        budget.packed(archive.len() as u64).unwrap();
        let mut tree = Tree::open(&self.inside(), None).unwrap();
        let inflaters = zip::Inflaters::new(threads);
        let scope = Scope::new(&Nobody, "STG", &stop);
        let mut unpacked = zip::unpack(&inflaters, &mut archive, None, &mut tree, &budget, &scope)?;
        tree.finish()?;
        unpacked.contents = tree.contents();
        Ok(unpacked)
    }

    fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Everything outside of `inside`, to be compared.
    fn outside(&self) -> Vec<String> {
        let mut found: Vec<String> = fs::read_dir(self.home.path())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                let text = if meta.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let links = if meta.is_file() { meta.nlink() } else { 0 };
                format!("{name} {:o} {} {links} {text}", meta.mode(), meta.uid())
            })
            .collect();
        found.sort();
        found
    }
}

/// One entry of a tar made byte by byte, so that it may lie.
struct Made<'a> {
    kind: u8,
    name: &'a str,
    link: &'a str,
    mode: u32,
    text: &'a str,
}

impl Default for Made<'_> {
    fn default() -> Self {
        Self { kind: b'0', name: "", link: "", mode: 0o644, text: "" }
    }
}

fn file<'a>(name: &'a str, text: &'a str) -> Made<'a> {
    Made { name, text, ..Made::default() }
}

fn link<'a>(kind: u8, name: &'a str, target: &'a str) -> Made<'a> {
    Made { kind, name, link: target, mode: 0o777, ..Made::default() }
}

fn directory(name: &str, mode: u32) -> Made<'_> {
    Made { kind: b'5', name, mode, ..Made::default() }
}

const SYMLINK: u8 = b'2';
const HARD_LINK: u8 = b'1';

fn tar_of(entries: &[Made]) -> Vec<u8> {
    let mut archive = Vec::new();
    for made in entries {
        let mut header = ::tar::Header::new_ustar();
        let old = header.as_old_mut();
        old.name[..made.name.len()].copy_from_slice(made.name.as_bytes());
        old.linkname[..made.link.len()].copy_from_slice(made.link.as_bytes());
        header.as_ustar_mut().unwrap().typeflag = [made.kind];
        header.set_mode(made.mode);
        header.set_size(made.text.len() as u64);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(made.text.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.finish().unwrap()
}

/// Runs a program in `folder` and gives what it printed.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Name, kind, mode, link target and contents of everything in `folder`.
fn listing(folder: &Path) -> String {
    let script = "find . -mindepth 1 -printf '%p %y %m %n %l\\n' | sort; find . -type f | sort | xargs -d '\\n' cksum";
    String::from_utf8(run(folder, "sh", &["-c", script])).unwrap()
}
