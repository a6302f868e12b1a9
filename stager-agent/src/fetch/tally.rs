//! Counts, hashes and copies a body while it is read, and says how far it is.

use super::body::Body;
use super::checksum::{Checksum, Digests, Mismatch};
use super::get::BodyInfo;
use crate::session::scope::Scope;
use http_client::TransferError;
use shared_model::event::Event;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::time::{Duration, Instant};

/// Between two events: an eye sees no more, a log needs less.
const NEWS_EVERY: Duration = Duration::from_millis(250);
/// Bytes read at a time where nobody unpacks them.
const GULP: usize = 64 * 1024;

/// A body that is counted, hashed and copied while it is read.
pub(super) struct Tally<'a> {
    body: Body<'a>,
    copy: Option<&'a File>,
    copy_failure: Option<io::Error>,
    scope: &'a Scope<'a>,
    to: Option<String>,
    digests: Digests,
    bytes: u64,
    last_news: Instant,
}

/// What a whole body was.
pub(super) struct BodySummary {
    /// Bytes, as they came.
    pub(super) bytes: u64,
    /// In lower-case hex.
    pub(super) sha256: String,
    /// What the server told of it; the peer is who began to send it.
    pub(super) info: BodyInfo,
}

impl<'a> Tally<'a> {
    /// Reads `body`, which goes to the directory `to`; `None`: nowhere, and nobody hears how far it is. It is compared with
    /// `checksum`; with none, with the MD5 that its ETag may be. `copy` gets every byte as it came.
    pub(super) fn new(
        body: Body<'a>,
        checksum: Option<Checksum>,
        copy: Option<&'a File>,
        to: Option<String>,
        scope: &'a Scope<'a>,
    ) -> Self {
        let digests = Digests::compared_with(checksum, body.info().validators.md5());
        Self { body, copy, copy_failure: None, scope, to, digests, bytes: 0, last_news: Instant::now() }
    }

    /// What went wrong with the transfer, if anything did.
    pub(super) fn failure(&mut self) -> Option<TransferError> {
        self.body.failure()
    }

    /// Why the copy could not be written, if so; the body ended there.
    pub(super) fn copy_failure(&mut self) -> Option<io::Error> {
        self.copy_failure.take()
    }

    /// Reads what is left, where it is not more than `most` bytes, and tells whether that was all: only a whole body has
    /// a checksum, and only its end shows whether it was cut off.
    pub(super) fn read_on(&mut self, most: u64) -> io::Result<bool> {
        let mut buffer = vec![0; GULP];
        let enough = self.bytes.saturating_add(most);
        while self.bytes <= enough {
            if self.read(&mut buffer)? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Compares, and tells what it was. Only of a body that was read to its end.
    pub(super) fn tell(self) -> Result<BodySummary, Mismatch> {
        Ok(BodySummary { bytes: self.bytes, sha256: self.digests.compare()?, info: self.body.info().clone() })
    }
}

impl Read for Tally<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.bytes += count as u64;
        self.digests.update(&buffer[..count]);
        if let Some(Err(cause)) = self.copy.map(|mut copy| copy.write_all(&buffer[..count])) {
            self.copy_failure = Some(cause);
            return Err(io::Error::other("the copy could not be written"));
        }
        if let Some(to) = self.to.as_ref().filter(|_| self.last_news.elapsed() >= NEWS_EVERY) {
            self.last_news = Instant::now();
            let (to, total) = (to.clone(), self.body.info().length);
            self.scope.emit(Event::DownloadProgress { to, bytes: self.bytes, total });
        }
        Ok(count)
    }
}
