//! The file to send: hashed once, and read anew by every try. So a try sends what its checksum is of.

use super::error::UploadError;
use crate::fetch::AttemptError;
use crate::session::scope::Scope;
use crate::untrusted_file::UntrustedFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha2::Sha256;
use shared_model::hex::hex;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes hashed at a time.
const BLOCK: usize = 256 * 1024;

/// What a file's bytes are known by.
pub(super) struct UploadDigests {
    /// The value of a Content-MD5 header. Cloud Controller compares it.
    pub(super) content_md5: String,
    /// The value of a Content-Digest header (RFC 9530). Today's Cloud Controller prefers it.
    pub(super) content_digest: String,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl UploadDigests {
    /// Of `file`, which is called `path`.
    ///
    /// # Errors
    /// It cannot be read, or the scope was stopped.
    pub(super) fn read(file: &UntrustedFile, path: &Path, scope: &Scope) -> Result<Self, AttemptError<UploadError>> {
        let (mut md5, mut sha256, mut block) = (Md5::new(), Sha256::new(), vec![0; BLOCK]);
        let mut reader = BodyReader::new(file);
        loop {
            scope.go_on().map_err(AttemptError::Stopped)?;
            match reader.read(&mut block) {
                Ok(0) => {
                    let (content_md5, sha256) = (STANDARD.encode(md5.finalize()), sha256.finalize());
                    let content_digest = format!("sha-256=:{}:", STANDARD.encode(sha256));
                    return Ok(Self { content_md5, content_digest, sha256: hex(&sha256) });
                }
                Ok(count) => {
                    md5.update(&block[..count]);
                    sha256.update(&block[..count]);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(AttemptError::Final(UploadError::File { path: path.to_owned(), cause })),
            }
        }
    }
}

/// A file on its way. It reads at places of its own, so that a try that was given up disturbs no other.
pub(super) struct BodyReader {
    file: Arc<File>,
    at: u64,
    end: u64,
    state: SendState,
}

/// What is known of a [`BodyReader`] while another thread reads it.
#[derive(Clone, Default)]
pub(super) struct SendState(Arc<(AtomicBool, AtomicU64)>);

impl SendState {
    /// Lets the file end with an error, and with it the request: an upload that nobody waits for must not replace a
    /// droplet.
    pub(super) fn give_up(&self) {
        self.0.0.store(true, Ordering::SeqCst);
    }

    /// Bytes read so far.
    pub(super) fn gone(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl BodyReader {
    /// Reads `file`, which has at least one byte, from its start.
    pub(super) fn new(file: &UntrustedFile) -> Self {
        Self { file: Arc::clone(&file.file), at: 0, end: file.bytes, state: SendState::default() }
    }

    /// To look after it from another thread.
    pub(super) fn state(&self) -> SendState {
        self.state.clone()
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.state.0.0.load(Ordering::SeqCst) {
            return Err(io::Error::other("given up"));
        }
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        if left == 0 {
            return Ok(0);
        }
        let count = self.file.read_at(&mut buffer[..left], self.at)?;
        if count == 0 {
            return Err(io::Error::other("the file became shorter while it was sent"));
        }
        self.at += count as u64;
        self.state.0.1.store(self.at, Ordering::SeqCst);
        Ok(count)
    }
}
