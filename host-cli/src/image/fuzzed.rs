//! What has to hold of a layer, whatever archive it is made of. For the targets of `ci/fuzz`, and for the replay of what
//! they found.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::bound::Bound;
use super::droplet::VCAP;
use super::entries::{below_root, each_entry};
use super::layer::{Layer, LayerWriter};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tar::{Archive, EntryType};
use tarball::fuzzed::with_checksums;

/// Bytes of content in an archive that is looked at; a few bytes can ask for gigabytes of zeros.
const MOST: u64 = 1 << 20;
const ROOT: &str = "home/vcap";

/// Something in a layer: where, what, and its content or its link's target.
type Item = (PathBuf, EntryType, Vec<u8>);

/// A tar, as it is and with the checksums of its headers put right, which a fuzzer cannot guess.
pub fn layer(bytes: &[u8]) {
    let right = with_checksums(bytes);
    if right != bytes {
        one(bytes);
    }
    one(&right);
}

/// Another reader than ours, with its own way to read names and sizes, finds in the layer what was put in.
fn one(archive: &[u8]) {
    let Some((layer, put_in)) = made_of(archive) else { return };
    let mut bytes = Vec::new();
    layer.content().read_to_end(&mut bytes).unwrap();
    assert_eq!(layer.bytes, bytes.len() as u64);
    let digest = Sha256::digest(&bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(layer.sha256, digest, "the digest is of something else");
    assert_eq!(read_back(&bytes), put_in);
    let again = made_of(archive).map(|(layer, _)| layer.sha256);
    assert_eq!(again, Some(digest), "the same archive makes another layer");
}

/// `None` where it is refused.
fn made_of(archive: &[u8]) -> Option<(Layer, Vec<Item>)> {
    let mut layer = LayerWriter::new("droplet", ROOT, VCAP, None, Bound::from_option(64 << 20)).unwrap();
    let (mut put_in, mut left) = (Vec::new(), MOST);
    let outcome = each_entry(archive, |entry, content| {
        left = left.checked_sub(entry.size).ok_or(())?;
        let mut kept = Vec::new();
        content.read_to_end(&mut kept).map_err(drop)?;
        layer.add(entry, &mut &kept[..]).map_err(drop)?;
        let path = below_root(&entry.path).unwrap();
        if path.as_os_str().is_empty() {
            return Ok(()); // the root is made by whoever makes the layer
        }
        let what = match entry.kind {
            EntryType::Link => below(&below_root(&entry.link).unwrap()),
            EntryType::Symlink => entry.link.clone(),
            EntryType::Regular => kept,
            _ => Vec::new(), // what a directory holds by its header is nobody's
        };
        if entry.kind != EntryType::Link || what != below(&path) {
            put_in.push((Path::new(ROOT).join(path), entry.kind, what)); // a file's own name is no link to it
        }
        Ok::<(), ()>(())
    });
    outcome.ok()?;
    Some((layer.finish().ok()?, put_in))
}

fn read_back(layer: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    for entry in Archive::new(layer).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = PathBuf::from(OsStr::from_bytes(&entry.path_bytes()));
        assert!(
            below_root(path.as_os_str().as_bytes()).is_some_and(|path| path.starts_with(ROOT)),
            "{}",
            path.display()
        );
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (VCAP.uid, VCAP.gid));
        assert_eq!(header.mode().unwrap() & !0o777, 0);
        let kind = header.entry_type();
        let what = match entry.link_name_bytes() {
            Some(target) if matches!(kind, EntryType::Symlink | EntryType::Link) => target.into_owned(),
            _ => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                content
            }
        };
        items.push((path, kind, what));
    }
    items
}

fn below(path: &Path) -> Vec<u8> {
    Path::new(ROOT).join(path).into_os_string().into_encoded_bytes()
}
