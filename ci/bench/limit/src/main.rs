//! How fast archives can be unpacked at all on this machine; the mark that `ci/bench/fetch` measures the agent against.
//!
//! ```text
//! limit DIR ARCHIVE...      unpacks each ARCHIVE (zip or tgz) into a directory of its own in DIR, which is new
//! ```
//!
//! All archives are in memory before the clock starts. There is no network, nothing is hashed or checked, each entry is
//! inflated in one go by libdeflate and written by one call, by one thread a core. The archives are trusted: this is a
//! measuring device, not something to unpack other people's files with. Prints the milliseconds that it took.

mod entries;

use flate2 as _; // chooses the back end that the zip library insists on

use entries::{Entry, Packing, entries};
use libdeflater::Decompressor;
use rustix::fs::{CWD, Mode, OFlags};
use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs, thread};

/// Entries that a thread takes at a time: neighbours mostly lie in one directory, which two threads should not share.
const PORTION: usize = 64;

type Anything = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Anything> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let into = arguments.next().ok_or("usage: limit DIR ARCHIVE...")?;
    let archives = arguments.map(|path| Ok((fs::read(&path)?, path))).collect::<io::Result<Vec<_>>>()?;

    let started = Instant::now();
    // A tgz is one stream: it is inflated first, its entries are then like any others.
    let tars = on_all_cores(&archives, || (), |(), (bytes, _)| gunzipped(bytes))?;
    let listed = on_all_cores(
        &archives.iter().zip(&tars).collect::<Vec<_>>(),
        || (),
        |(), ((bytes, path), tar)| {
            entries(tar.as_ref().unwrap_or(bytes), &into.join(path.file_stem().unwrap_or_default()))
        },
    )?;
    let portions: Vec<&[Entry]> = listed.iter().flat_map(|entries| entries.chunks(PORTION)).collect();
    on_all_cores(&portions, Writer::new, |writer, portion| portion.iter().try_for_each(|entry| writer.write(entry)))?;
    writeln!(io::stdout(), "{}", started.elapsed().as_millis())?;
    Ok(())
}

/// Does `one` for each item, by one thread a core; each thread has a `tool` of its own. The results are in order.
fn on_all_cores<I: Sync, T, R: Send>(
    items: &[I],
    tool: impl Fn() -> T + Sync,
    one: impl Fn(&mut T, &I) -> Result<R, Anything> + Sync,
) -> Result<Vec<R>, Anything> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<_, Anything> {
        let (mut tool, mut done) = (tool(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(done) };
            done.push((index, one(&mut tool, item)?));
        }
    };
    let threads = thread::available_parallelism()?.get();
    let mut results = thread::scope(|scope| -> Result<Vec<_>, Anything> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut results = Vec::with_capacity(items.len());
        for worker in workers {
            results.extend(worker.join().map_err(|_| "a thread panicked")??);
        }
        Ok(results)
    })?;
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// The tar in a tgz; `None` for anything else.
fn gunzipped(bytes: &[u8]) -> Result<Option<Vec<u8>>, Anything> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(None);
    }
    let size = bytes.last_chunk().map_or(0, |size| u32::from_le_bytes(*size));
    let mut tar = vec![0; size.try_into()?];
    Decompressor::new().gzip_decompress(bytes, &mut tar)?;
    Ok(Some(tar))
}

/// What a thread keeps from entry to entry.
struct Writer {
    inflater: Decompressor,
    buffer: Vec<u8>,
    directories: HashMap<PathBuf, OwnedFd>,
}

impl Writer {
    fn new() -> Self {
        Self { inflater: Decompressor::new(), buffer: Vec::new(), directories: HashMap::new() }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Anything> {
        let contents = match entry.packing {
            Packing::Stored => entry.data,
            Packing::Deflated => {
                if self.buffer.len() < entry.size {
                    self.buffer.resize(entry.size, 0);
                }
                let count = self.inflater.deflate_decompress(entry.data, &mut self.buffer[..entry.size])?;
                &self.buffer[..count]
            }
        };
        let name = entry.path.file_name().ok_or("an entry without a name")?;
        let parent = entry.path.parent().unwrap_or(Path::new("/"));
        if !self.directories.contains_key(parent) {
            fs::create_dir_all(parent)?;
            let opened = rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
            self.directories.insert(parent.to_owned(), opened);
        }
        let parent = self.directories.get(parent).map_or(CWD, |directory| directory.as_fd());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(entry.mode))?;
        Ok(fs::File::from(file).write_all(contents)?)
    }
}
