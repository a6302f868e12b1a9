//! A layer that is compressed while it is still being written: on two cores the one and the other take about as long. What comes of
//! it lies in a file, from which it is sent as often as that takes.

use super::compressed_layers::LEVEL;
use super::growing::{Content, Growing};
use super::stop::Stop;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What comes of it. Dropped, it ends.
pub(crate) struct CompressedAhead {
    compressed: Arc<Growing>,
    /// Bytes of the layer that were taken in.
    taken: Arc<AtomicU64>,
    stop: Stop,
}

impl CompressedAhead {
    /// Begins, on so many threads; `None`: there is no room for the file, or no thread. Then it is compressed when it is sent.
    pub(super) fn begin(layer: Content, cores: NonZeroUsize) -> Option<Self> {
        let (mut writer, compressed) = Growing::begin().ok()?;
        let ahead = Self { compressed, taken: Arc::default(), stop: Stop::default() };
        let layer = ahead.stop.over(Counted { inner: layer, taken: Arc::clone(&ahead.taken) });
        let compress = move || {
            // What goes wrong those hear who read it.
            match parallel_gzip::compress(layer, &mut writer, LEVEL, cores) {
                Ok(()) => drop(writer.finish()),
                Err(error) => writer.broken(&error),
            }
        };
        thread::Builder::new().spawn(compress).ok()?;
        Some(ahead)
    }

    /// The compressed bytes from the start; who reads faster than they come waits.
    pub(super) fn content(&self) -> Content {
        self.compressed.content()
    }

    /// How many bytes of the layer so many compressed ones stand for, about.
    pub(super) fn unpacked(&self, compressed: u64) -> u64 {
        let taken = u128::from(self.taken.load(Ordering::Relaxed));
        let unpacked = u128::from(compressed) * taken / u128::from(self.compressed.bytes().max(1));
        u64::try_from(unpacked).unwrap_or(u64::MAX)
    }
}

impl Drop for CompressedAhead {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

struct Counted {
    inner: Content,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.taken.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Write;

    fn cores(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    #[test]
    fn it_is_what_the_whole_layer_would_have_become() {
        let bytes: Vec<u8> = (0..900_000_u32).map(|number| u8::try_from(number / 7 % 251).unwrap()).collect();
        let mut wanted = Vec::new();
        parallel_gzip::compress(&*bytes, &mut wanted, LEVEL, cores(1)).unwrap();
        let (mut writer, layer) = Growing::begin().unwrap();
        let ahead = CompressedAhead::begin(layer.content(), cores(2)).unwrap();
        for part in bytes.chunks(77_777) {
            writer.write_all(part).unwrap();
        }
        writer.finish();
        for _ in 0..2 {
            let mut read = Vec::new();
            ahead.content().read_to_end(&mut read).unwrap();
            assert!(read == wanted);
        }
        assert_eq!(ahead.unpacked(wanted.len() as u64), bytes.len() as u64);
    }

    #[test]
    fn a_layer_that_is_never_finished_becomes_none() {
        let (mut writer, layer) = Growing::begin().unwrap();
        let ahead = CompressedAhead::begin(layer.content(), cores(1)).unwrap();
        writer.write_all(b"half").unwrap();
        drop(writer);
        let mut read = Vec::new();
        ahead.content().read_to_end(&mut read).unwrap_err();
        GzDecoder::new(&*read).read_to_end(&mut Vec::new()).unwrap_err();
    }
}
