//! A digest of every byte of a tree's files, cheap enough to be gathered while they are unpacked: an archive's reader
//! has the CRC-32 of each file at hand. It finds what a disk gets wrong; it is not against people.

use super::digest::Digest;
use super::walk::{Item, walk};
use crc32fast::Hasher;
use rustix::fs::FileType;
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;

impl Digest {
    /// Takes in the regular file `path` (from the tree's top, without `./`), each once.
    pub(crate) fn add_file(&mut self, path: &[u8], size: u64, crc32: u32) {
        self.add(&[size, crc32.into()], path, b"");
    }

    /// That of the paths, sizes and CRC-32s of all files in `tree`, which are read for it. `go_on` is asked between blocks.
    ///
    /// # Errors
    /// Something cannot be read, or `go_on` gave an error.
    pub(crate) fn of_files(tree: &Path, go_on: &dyn Fn() -> io::Result<()>) -> io::Result<Self> {
        let mut all = Self::default();
        let mut block = vec![0; BLOCK];
        walk(tree, &mut |item| {
            if item.kind() != FileType::RegularFile {
                return Ok(());
            }
            let (mut hasher, mut size) = (Hasher::new(), 0);
            each_block(item, &mut block, go_on, &mut |bytes| {
                hasher.update(bytes);
                size += bytes.len() as u64;
            })?;
            all.add_file(item.path, size, hasher.finalize());
            Ok(())
        })?;
        Ok(all)
    }
}

/// The sha256 of a file: 64 hex digits. `go_on` is asked between blocks.
///
/// # Errors
/// It cannot be read, or `go_on` gave an error.
pub(crate) fn sha256_of(file: &Path, go_on: &dyn Fn() -> io::Result<()>) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    walk(file, &mut |item| each_block(item, &mut block, go_on, &mut |bytes| hasher.update(bytes)))?;
    Ok(hex(&hasher.finalize()))
}

/// Reads the regular file `item` and gives it to `take` block by block. `go_on` is asked after each.
fn each_block(
    item: &Item,
    block: &mut [u8],
    go_on: &dyn Fn() -> io::Result<()>,
    take: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let mut file = File::from(item.open()?);
    loop {
        let count = file.read(block)?;
        if count == 0 {
            return Ok(());
        }
        take(&block[..count]);
        go_on()?;
    }
}
