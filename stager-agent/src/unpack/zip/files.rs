//! Makes the files of a zip, by several threads.
//!
//! The directories are there, the links are not yet, and no two files have one name: so it does not matter which file
//! is made first. The work is cut into batches of some MiB, the files that have to be streamed each by itself and
//! first, so that no thread begins a long one when the others are done. For every batch a thread waits for an inflater.

use super::inflater::{Inflater, as_stated, in_memory, stream};
use super::inflaters::Inflaters;
use super::plan::{ZipEntry, ZipPlan};
use super::record::ZipEntryKind;
use super::spool::Spool;
use crate::session::scope::Scope;
use crate::unpack::error::UnpackError;
use crate::unpack::tree::Tree;
use crate::unpack::unpacked::unless_stopped;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// Bytes that come out of a batch: some milliseconds' work.
const BATCH_BYTES: u64 = 4 << 20;
/// Files in a batch: as long, where they are small.
const BATCH_FILES: usize = 128;

/// Makes the files of `plan` in `tree`.
///
/// # Errors
/// See [`UnpackError`]; of several the one that comes first in the archive.
pub(super) fn make(
    plan: &ZipPlan,
    spool: &Spool,
    inflaters: &Inflaters,
    tree: &mut Tree,
    scope: &Scope,
) -> Result<(), UnpackError> {
    let mut files: Vec<&ZipEntry> = plan.entries().iter().filter(|entry| entry.kind == ZipEntryKind::File).collect();
    files.sort_unstable_by_key(|entry| entry.contents.header);
    let batches = batches(&files, inflaters.memory_of_one());
    let helpers = inflaters.count.min(batches.len()).saturating_sub(1);
    let trees: Vec<Tree> = (0..helpers).map(|_| tree.for_another_thread()).collect::<Result<_, _>>()?;
    let job =
        InflateJob { batches, next: AtomicUsize::new(0), failed: AtomicBool::new(false), spool, inflaters, scope };
    let failures = thread::scope(|threads| {
        let job = &job;
        let spawn = |mut tree| Builder::new().spawn_scoped(threads, move || job.work(&mut tree).map(|()| tree));
        // A thread that the system does not give leaves its part to the others.
        let helpers: Vec<_> = trees.into_iter().flat_map(spawn).collect();
        let mut failures: Vec<_> = job.work(tree).err().into_iter().collect();
        for helper in helpers {
            match helper.join().unwrap_or_else(|bug| panic::resume_unwind(bug)) {
                Ok(other) => tree.join(other),
                Err(failure) => failures.push(failure),
            }
        }
        failures
    });
    match failures.into_iter().min_by_key(|(batch, _)| *batch) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Files that one thread makes at one go.
struct Batch<'a> {
    files: Vec<&'a ZipEntry>,
    how: How,
}

/// How the files of a batch are inflated: each at once in memory, or bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Whole,
    Streamed,
}

/// Cuts `files` into batches; those that take more than `memory` bytes first.
fn batches<'a>(files: &[&'a ZipEntry], memory: u64) -> Vec<Batch<'a>> {
    let fits = |entry: &&ZipEntry| in_memory(&entry.contents) <= memory;
    let (small, mut large): (Vec<&ZipEntry>, Vec<&ZipEntry>) = files.iter().copied().partition(fits);
    large.sort_by_key(|entry| std::cmp::Reverse(entry.contents.size));
    let mut batches: Vec<_> = large.into_iter().map(|file| Batch { files: vec![file], how: How::Streamed }).collect();
    let (mut bytes, mut files) = (0, Vec::new());
    for file in small {
        bytes += file.contents.size;
        files.push(file);
        if bytes >= BATCH_BYTES || files.len() == BATCH_FILES {
            bytes = 0;
            batches.push(Batch { files: std::mem::take(&mut files), how: How::Whole });
        }
    }
    if !files.is_empty() {
        batches.push(Batch { files, how: How::Whole });
    }
    batches
}

/// What the threads share.
struct InflateJob<'a> {
    batches: Vec<Batch<'a>>,
    /// The first batch that nobody has taken.
    next: AtomicUsize,
    /// Whether a thread has failed, and the others need not go on.
    failed: AtomicBool,
    spool: &'a Spool,
    inflaters: &'a Inflaters,
    scope: &'a Scope<'a>,
}

impl InflateJob<'_> {
    /// Makes batch after batch until none is left. An error comes with the number of its batch.
    fn work(&self, tree: &mut Tree) -> Result<(), (usize, UnpackError)> {
        while self.next.load(Ordering::Relaxed) < self.batches.len() && !self.failed.load(Ordering::Relaxed) {
            let mut taken = 0;
            let done = self.inflaters.with_one(self.scope, |inflater| {
                taken = self.next.fetch_add(1, Ordering::Relaxed);
                self.batches.get(taken).map_or(Ok(()), |batch| self.make_batch(batch, inflater, tree))
            });
            done.map_err(|error| {
                self.failed.store(true, Ordering::Relaxed);
                (taken, error)
            })?;
        }
        Ok(())
    }

    fn make_batch(&self, batch: &Batch, inflater: &mut Inflater, tree: &mut Tree) -> Result<(), UnpackError> {
        for ZipEntry { name, mode, contents, .. } in &batch.files {
            unless_stopped(self.scope)?;
            if self.failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let corrupt = |cause| UnpackError::Corrupt { entry: Some(name.shown()), cause };
            match batch.how {
                How::Whole => {
                    let whole = inflater.whole(self.spool, contents).map_err(corrupt)?;
                    tree.whole_file(name, *mode, whole, contents.crc)?;
                }
                How::Streamed => {
                    let mut stream = stream(self.spool, contents);
                    let out = tree.file(name, *mode, &mut stream, self.scope)?;
                    as_stated(contents, out).map_err(corrupt)?;
                }
            }
        }
        Ok(())
    }
}
