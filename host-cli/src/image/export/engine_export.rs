//! What an engine exports: a tar of documents and layers, in whatever form and order. Foreign bytes, all of it.

use crate::image::ImageError;
use crate::image::entries::{Entry, Stopped, each_entry};
use crate::image::read_ahead::read_ahead;
use flate2::read::MultiGzDecoder;
use shared_model::event::{Event, EventSink};
use std::io::{self, Cursor, Read};
use std::thread;
use std::time::{Duration, Instant};
use tar::EntryType;

/// The most bytes that one layer is read for; see `admission.rs`.
const LARGEST_LAYER: u64 = 16 << 30;
/// How often somebody is told how far it is.
const TELLS: Duration = Duration::from_millis(250); // a bar moves, and a log does not fill
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Shows every regular file of an export to `visit`, in order, with its name and content. `visit` may end it early.
pub(in crate::image) fn each_file<E: From<ImageError>>(
    export: impl Read + Send,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let outcome = thread::scope(|scope| {
        each_entry(read_ahead(scope, export), |entry, content| match entry.kind {
            EntryType::Regular | EntryType::Continuous => visit(entry, content),
            _ => Ok(()),
        })
    });
    outcome.map_err(|stopped| match stopped {
        Stopped::Visitor(ended) => ended,
        Stopped::Archive(error) => unusable(format!("it broke off: {error}")).into(),
    })
}

/// A file's bytes as a layer has them: without compression. `None` for a compression that nobody here can undo.
pub(in crate::image) fn inflated(content: &mut dyn Read) -> io::Result<Option<Box<dyn Read + '_>>> {
    let mut beginning = Vec::new();
    Read::take(&mut *content, 4).read_to_end(&mut beginning)?;
    let kind = beginning.clone();
    let whole = Cursor::new(beginning).chain(content);
    Ok(if kind.starts_with(GZIP) {
        Some(Box::new(MultiGzDecoder::new(whole).take(LARGEST_LAYER)))
    } else if kind.starts_with(ZSTD) {
        None
    } else {
        Some(Box::new(whole.take(LARGEST_LAYER)))
    })
}

/// The error for an export that is not what it should be.
pub(in crate::image) fn unusable(reason: String) -> ImageError {
    ImageError::Export { reason }
}

/// Tells how much of an export has come.
pub(super) struct Progress<'a> {
    export: Box<dyn Read + Send>,
    events: &'a dyn EventSink,
    path: String,
    bytes: u64,
    total: Option<u64>,
    last: Instant,
}

impl<'a> Progress<'a> {
    /// `path` is where it goes; about `image_bytes` will come, 0 where nobody knows.
    pub(super) fn new(export: Box<dyn Read + Send>, events: &'a dyn EventSink, path: String, image_bytes: u64) -> Self {
        let total = Some(image_bytes).filter(|bytes| *bytes > 0);
        Self { export, events, path, bytes: 0, total, last: Instant::now() }
    }
}

impl Read for Progress<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.export.read(buffer)?;
        self.bytes += length as u64;
        if self.last.elapsed() >= TELLS {
            self.last = Instant::now();
            // What the engine calls the image's size is without the tar around it.
            let total = self.total.map(|total| total.max(self.bytes));
            self.events.emit(Event::ExportProgress { path: self.path.clone(), bytes: self.bytes, total });
        }
        Ok(length)
    }
}
