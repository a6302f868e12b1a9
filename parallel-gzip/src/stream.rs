//! A stream in blocks, each compressed on its own behind what stands before it, so that all cores have one: the result is one gzip
//! member, as from one core.

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes of a block: what it loses at its edges is a thousandth then.
const BLOCK: usize = 256 << 10;
/// How far deflate looks back.
const WINDOW: usize = 32 << 10;
/// What a block takes at most besides its bytes, where it cannot be made smaller.
const ROOM: usize = 4 << 10;
/// More would wait for the disk, and take memory.
const MOST_THREADS: usize = 16;
/// How many blocks there are for each thread: one in its hands, and one that waits for it or to be written.
const BLOCKS_PER_THREAD: usize = 2;
/// A last block, with nothing in it.
const END: [u8; 2] = [3, 0];

/// Compresses all of `input` as one gzip member without name and time, on up to `cores` threads besides the caller's: fewer where
/// the system gives no more, on the caller's where it gives none. Takes about 1 MiB for each.
///
/// # Errors
/// `input` cannot be read, or `output` not be written; what was written is no whole member then.
pub fn compress(mut input: impl Read, output: impl Write, level: u32, cores: NonZeroUsize) -> io::Result<()> {
    let mut member = Member::begin(output, level)?;
    let (jobs, waiting) = channel::<Job>();
    let waiting = Mutex::new(waiting);
    let mut before: Arc<Vec<u8>> = Arc::default();
    thread::scope(|scope| {
        // Moved in here, so that the threads end when this does.
        let jobs = jobs;
        let work = || {
            while let Some(Job { block, before, reply }) = next(&waiting) {
                // Nobody waits for it where the output is broken.
                let _ = reply.send(pack(level, &block, &before));
            }
        };
        let threads = (0..cores.get().min(MOST_THREADS))
            .take_while(|_| thread::Builder::new().spawn_scoped(scope, work).is_ok())
            .count();
        let mut order: VecDeque<Receiver<io::Result<Packed>>> = VecDeque::new();
        while let Some(block) = read_block(&mut input)? {
            let (reply, packed) = channel();
            if threads == 0 {
                let _ = reply.send(pack(level, &block, &before));
            } else {
                // The threads listen until this is gone.
                let _ = jobs.send(Job { block: block.clone(), before, reply });
            }
            before = block;
            order.push_back(packed);
            while order.len() > threads * BLOCKS_PER_THREAD {
                member.take_next(&mut order)?;
            }
        }
        while !order.is_empty() {
            member.take_next(&mut order)?;
        }
        member.end()
    })
}

/// A block that is to be compressed.
struct Job {
    block: Arc<Vec<u8>>,
    /// The block before it; empty before the first.
    before: Arc<Vec<u8>>,
    reply: Sender<io::Result<Packed>>,
}

/// The next job; `None` when there will be none.
fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// The next block, of [`BLOCK`] bytes but for the last; `None` at the end.
fn read_block(input: &mut impl Read) -> io::Result<Option<Arc<Vec<u8>>>> {
    let mut block = Vec::with_capacity(BLOCK);
    input.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok((!block.is_empty()).then(|| Arc::new(block)))
}

/// A compressed block.
struct Packed {
    bytes: Vec<u8>,
    /// Of what it was.
    sum: Hasher,
    length: u32,
}

/// Compresses `block`, which stands behind `before`. Each is given a compressor of its own: one that was used and reset was seen to
/// find other matches than a new one, and who gets which block is chance.
fn pack(level: u32, block: &[u8], before: &[u8]) -> io::Result<Packed> {
    let mut deflate = Compress::new(Compression::new(level), false);
    if !before.is_empty() {
        deflate.set_dictionary(&before[before.len().saturating_sub(WINDOW)..])?;
    }
    let mut bytes = Vec::with_capacity(block.len() + ROOM);
    // A flush is complete when it leaves room.
    while bytes.len() == bytes.capacity() || bytes.is_empty() {
        bytes.reserve(ROOM);
        let taken = usize::try_from(deflate.total_in()).map_err(io::Error::other)?;
        deflate.compress_vec(&block[taken..], &mut bytes, FlushCompress::Sync)?;
    }
    let mut sum = Hasher::new();
    sum.update(block);
    let length = u32::try_from(block.len()).map_err(io::Error::other)?;
    Ok(Packed { bytes, sum, length })
}

/// The member that is written.
struct Member<W> {
    output: W,
    sum: Hasher,
    /// How many bytes were compressed, modulo 2^32, as the format has it.
    bytes: u32,
}

impl<W: Write> Member<W> {
    fn begin(mut output: W, level: u32) -> io::Result<Self> {
        const UNIX: u8 = 3;
        let effort = match level {
            1 => 4,
            9 => 2,
            _ => 0,
        };
        output.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, effort, UNIX])?;
        Ok(Self { output, sum: Hasher::new(), bytes: 0 })
    }

    /// Waits for the first of `order`, and writes it.
    fn take_next(&mut self, order: &mut VecDeque<Receiver<io::Result<Packed>>>) -> io::Result<()> {
        let Some(packed) = order.pop_front() else { return Ok(()) };
        let Packed { bytes, sum, length } = packed.recv().map_err(io::Error::other)??;
        self.sum.combine(&sum);
        self.bytes = self.bytes.wrapping_add(length);
        self.output.write_all(&bytes)
    }

    fn end(mut self) -> io::Result<()> {
        self.output.write_all(&END)?;
        self.output.write_all(&self.sum.finalize().to_le_bytes())?;
        self.output.write_all(&self.bytes.to_le_bytes())?;
        self.output.flush()
    }
}
