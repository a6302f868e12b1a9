//! What has to hold whatever bytes are unpacked. For the targets of `ci/fuzz`, and for the replay of what they found.
#![allow(clippy::disallowed_methods, reason = "looks at what was unpacked")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::zip::{self, Inflaters};
use super::{Limits, Tree, UnpackError, Unpacked, unpack};
use crate::causes::with_causes;
use crate::session::scope::{Scope, Stop};
use crate::tree_digest::Digest;
use crate::unpack::limits::Budget;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use shared_model::event::{Event, EventSink};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufReader, Read, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tarball::fuzzed::with_checksums;
use tarball::gzip::Inflated;
use tempfile::TempDir;

/// Small enough to be reached by a fuzzer's few kilobytes.
const NARROW: Limits = Limits { bytes: 256 << 10, entries: 40, ratio: 200, depth: 12, name: 300 };

/// Bits that no mode of what was unpacked may have: set-user-id and its kin, and writing by group and others.
const UNLAWFUL: u32 = 0o7022;

/// A zip, by one thread; what it makes is what two threads make.
pub fn zip(bytes: &[u8]) {
    let by = |threads| {
        move |tree: &mut Tree, scope: &Scope| {
            let budget = Budget::new(&NARROW);
            budget.packed(bytes.len() as u64)?;
            let mut archive = bytes;
            let mut unpacked = zip::unpack(&Inflaters::new(threads), &mut archive, None, tree, &budget, scope)?;
            tree.finish()?;
            unpacked.contents = tree.contents();
            Ok(unpacked)
        }
    };
    if let Some(alone) = unpacked(by(1)) {
        assert_eq!(Some(alone), unpacked(by(2)), "two threads make something else");
    }
}

/// A tar, as it is and with the checksums of its headers put right, which a fuzzer cannot guess; what it makes is what
/// it makes when it is packed.
pub fn tar(bytes: &[u8]) {
    let right = with_checksums(bytes);
    if right != bytes {
        whatever_it_is(bytes);
    }
    if let Some(made) = whatever_it_is(&right) {
        let (front, back) = right.split_at(right.len() / 2);
        assert_eq!(Some(made), whatever_it_is(&[packed(front), packed(back)].concat()), "packed it is another");
    }
}

/// A gzip file, tar in it or not; it inflates to what another reader makes of it.
pub fn gzip(bytes: &[u8]) {
    whatever_it_is(bytes);
    let mut ours = Vec::new();
    let inflated = Inflated::new(BufReader::with_capacity(7, bytes)).take(NARROW.bytes).read_to_end(&mut ours);
    if inflated.is_ok() {
        let mut other = Vec::new();
        // It takes zeros behind the end for damage, but has given all by then.
        let _ = MultiGzDecoder::new(bytes).take(NARROW.bytes).read_to_end(&mut other);
        assert!(ours == other, "{} bytes, not {}", ours.len(), other.len());
    }
}

fn whatever_it_is(bytes: &[u8]) -> Option<BTreeMap<PathBuf, Made>> {
    unpacked(|tree, scope| {
        let mut archive = bytes;
        unpack(&mut archive, None, tree, &NARROW, scope)
    })
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::none());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Unpacks in a new directory and judges what came of it; `None` where the archive was refused.
fn unpacked(how: impl Fn(&mut Tree, &Scope) -> Result<Unpacked, UnpackError>) -> Option<BTreeMap<PathBuf, Made>> {
    let home = TempDir::new().unwrap();
    let (inside, canary) = (home.path().join("inside"), home.path().join("canary"));
    fs::create_dir(&inside).unwrap();
    fs::write(&canary, "alive").unwrap();

    let stop = Stop::default();
    let mut tree = Tree::open(&inside, None).unwrap();
    let outcome = how(&mut tree, &Scope::new(&Nobody, "STG", &stop));

    let mut outside: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    outside.sort();
    assert_eq!(outside, ["canary", "inside"], "something was made outside");
    assert_eq!(fs::read(&canary).unwrap(), b"alive");
    assert_eq!(fs::symlink_metadata(&canary).unwrap().nlink(), 1, "something was linked from outside");
    let told = outcome.as_ref().ok().and_then(|unpacked| unpacked.contents);
    // Nobody but root may read it where a directory is closed to its owner.
    if let (Some(told), Ok(read)) = (told, Digest::of_files(&inside, &|| Ok(()))) {
        assert_eq!(told, read, "the digest is of something else");
    }
    let made = all_in(&inside);
    judge(&made);
    match outcome {
        Ok(unpacked) => {
            assert!(unpacked.entries <= NARROW.entries);
            Some(made)
        }
        Err(error) => {
            let text = with_causes(&error);
            assert!(!text.chars().any(char::is_control), "what a terminal obeys in {text:?}");
            assert!(text.len() < 4096, "a text without end: {text}");
            None
        }
    }
}

fn judge(made: &BTreeMap<PathBuf, Made>) {
    let mut bytes = BTreeMap::new();
    for (path, made) in made {
        assert!(path.as_os_str().len() as u64 <= NARROW.name, "a name too long: {}", path.display());
        assert!(path.components().count() as u64 <= NARROW.depth, "too deep: {}", path.display());
        match made.kind {
            Kind::Other => panic!("neither file, directory nor link: {}", path.display()),
            Kind::Link => {}
            Kind::File | Kind::Directory => {
                assert_eq!(made.mode & UNLAWFUL, 0, "{} has mode {:o}", path.display(), made.mode);
            }
        }
        if made.kind == Kind::File {
            bytes.insert(made.inode, made.contents.len() as u64);
        }
    }
    assert!(bytes.values().sum::<u64>() <= NARROW.bytes, "more bytes than allowed");
}

/// Something in a tree.
#[derive(Debug)]
struct Made {
    kind: Kind,
    mode: u32,
    /// Of a file its bytes, of a link its target, of a directory nothing.
    contents: Vec<u8>,
    inode: u64,
}

/// In two trees the same thing has two inodes.
impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.mode, &self.contents) == (other.kind, other.mode, &other.contents)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Link,
    Other,
}

/// All that lies in `top`, which is opened as far as that is necessary.
fn all_in(top: &Path) -> BTreeMap<PathBuf, Made> {
    let mut all = BTreeMap::new();
    let mut left = vec![top.to_owned()];
    while let Some(directory) = left.pop() {
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let (mode, inode) = (meta.mode() & 0o7777, meta.ino());
            let (kind, contents) = if meta.is_file() {
                assert!(meta.len() <= NARROW.bytes, "a file of {} bytes", meta.len());
                fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
                (Kind::File, fs::read(&path).unwrap())
            } else if meta.is_symlink() {
                (Kind::Link, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
            } else if meta.is_dir() {
                left.push(path.clone());
                (Kind::Directory, Vec::new())
            } else {
                (Kind::Other, Vec::new())
            };
            all.insert(path.strip_prefix(top).unwrap().to_owned(), Made { kind, mode, contents, inode });
        }
    }
    all
}

struct Nobody;
impl EventSink for Nobody {
    fn emit(&self, _: Event) {}
}
