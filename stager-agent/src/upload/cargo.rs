//! The file to send: opened once and hashed once, for all tries. So whoever swaps or relinks it in the meantime changes
//! nothing, and a try sends what its checksum is of.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads the files to send")]

use super::UploadError;
use crate::fetch::Trouble;
use crate::scope::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes hashed at a time.
const BLOCK: usize = 256 * 1024;

/// See the module's text.
pub(super) struct Cargo {
    file: Arc<File>,
    /// Its size when it was opened; at least 1.
    pub(super) bytes: u64,
}

impl Cargo {
    /// Opens the file `path`.
    ///
    /// # Errors
    /// There is no such file, or nothing in it, or it is no regular file. A symbolic link is none: the builder makes
    /// this file, and could name one of the agent's own that way.
    pub(super) fn open(path: &Path) -> Result<Self, UploadError> {
        // Without waiting for whoever would write into a pipe.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened =
            OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|cause| match cause.raw_os_error() {
                Some(number) if number == Errno::LOOP.raw_os_error() => UploadError::NotAFile { path: path.to_owned() },
                _ => UploadError::File { path: path.to_owned(), cause },
            });
        let file = opened?;
        let metadata = file.metadata().map_err(|cause| UploadError::File { path: path.to_owned(), cause })?;
        match metadata.len() {
            _ if !metadata.is_file() => Err(UploadError::NotAFile { path: path.to_owned() }),
            0 => Err(UploadError::Empty { path: path.to_owned() }),
            bytes => Ok(Self { file: Arc::new(file), bytes }),
        }
    }

    /// The value of a Content-MD5 header. Cloud Controller compares it.
    ///
    /// # Errors
    /// It cannot be read, or the scope was stopped.
    pub(super) fn content_md5(&self, path: &Path, scope: &Scope) -> Result<String, Trouble<UploadError>> {
        let (mut hasher, mut block, mut reader) = (Md5::new(), vec![0; BLOCK], self.reader());
        loop {
            if let Some(why) = scope.stopped() {
                return Err(Trouble::Stopped(why));
            }
            match reader.read(&mut block) {
                Ok(0) => return Ok(STANDARD.encode(hasher.finalize())),
                Ok(count) => hasher.update(&block[..count]),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Trouble::Final(UploadError::File { path: path.to_owned(), cause })),
            }
        }
    }

    /// Reads it from its start, for one try.
    pub(super) fn reader(&self) -> Sending {
        Sending { file: Arc::clone(&self.file), at: 0, end: self.bytes, way: Way::default() }
    }
}

/// A file on its way. It reads at places of its own, so that a try that was given up disturbs no other.
pub(super) struct Sending {
    file: Arc<File>,
    at: u64,
    end: u64,
    way: Way,
}

/// What is known of a [`Sending`] while another thread reads it.
#[derive(Clone, Default)]
pub(super) struct Way(Arc<(AtomicBool, AtomicU64)>);

impl Way {
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

impl Sending {
    /// To look after it from another thread.
    pub(super) fn way(&self) -> Way {
        self.way.clone()
    }
}

impl Read for Sending {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.way.0.0.load(Ordering::SeqCst) {
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
        self.way.0.1.store(self.at, Ordering::SeqCst);
        Ok(count)
    }
}
