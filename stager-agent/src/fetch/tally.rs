//! Counts and hashes a body while it is read, and says how far it is.

use super::body::Body;
use super::checksum::{Checksum, Hasher, Mismatch};
use super::error::TransferError;
use crate::scope::Scope;
use shared_model::event::Event;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// Between two events: an eye sees no more, a log needs less.
const NEWS_EVERY: Duration = Duration::from_millis(250);
/// Bytes read at a time where nobody unpacks them.
const GULP: usize = 64 * 1024;

/// See the module's text.
pub(super) struct Tally<'a> {
    body: Body<'a>,
    scope: &'a Scope<'a>,
    to: String,
    hasher: Option<Hasher>,
    bytes: u64,
    last_news: Instant,
}

impl<'a> Tally<'a> {
    /// Reads `body`, which goes to the directory `to`.
    pub(super) fn new(body: Body<'a>, checksum: Option<&Checksum>, to: String, scope: &'a Scope<'a>) -> Self {
        Self { body, scope, to, hasher: checksum.map(Checksum::hasher), bytes: 0, last_news: Instant::now() }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What went wrong with the transfer, if anything did.
    pub(super) fn failure(&mut self) -> Option<TransferError> {
        self.body.failure()
    }

    /// Reads what is left: only a whole body has a checksum, and only its end shows whether it was cut off.
    pub(super) fn read_to_the_end(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; GULP];
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    /// Compares with `checksum`, the one that this was made with. Call it once, at the end.
    pub(super) fn compare(&mut self, checksum: Option<&Checksum>) -> Result<(), Mismatch> {
        match (checksum, self.hasher.take()) {
            (Some(checksum), Some(hasher)) => checksum.compare(hasher),
            _ => Ok(()),
        }
    }
}

impl Read for Tally<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.bytes += count as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        if self.last_news.elapsed() >= NEWS_EVERY {
            self.last_news = Instant::now();
            let (to, total) = (self.to.clone(), self.body.expected());
            self.scope.emit(Event::DownloadProgress { to, bytes: self.bytes, total });
        }
        Ok(count)
    }
}
