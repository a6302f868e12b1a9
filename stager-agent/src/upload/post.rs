//! One try of an upload, in a thread of its own, so that a stop need not wait for the network. When it is given up
//! the thread's file ends with an error, and with it the request: an upload that nobody waits for must not replace
//! a droplet.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads the files to send")]

use super::UploadError;
use super::answer;
use crate::fetch::{Address, Http, TransferError, Trouble};
use crate::scope::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use shared_model::safe_url::SafeUrl;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How soon a stop is noticed.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How long the receiver may think. Diego: 10 min.
const ANSWER: Duration = Duration::from_secs(600);
/// Bytes hashed at a time.
const BLOCK: usize = 64 * 1024;

/// The size of the file to send.
///
/// # Errors
/// There is no such file, or nothing in it, or it is no file.
pub(super) fn size(path: &Path) -> Result<u64, UploadError> {
    let metadata = std::fs::metadata(path).map_err(|cause| UploadError::File { path: path.to_owned(), cause })?;
    match metadata.len() {
        _ if !metadata.is_file() => Err(UploadError::NotAFile { path: path.to_owned() }),
        0 => Err(UploadError::Empty { path: path.to_owned() }),
        bytes => Ok(bytes),
    }
}

/// Sends the first `bytes` of the file `path` to `to`.
///
/// # Errors
/// The receiver did not take it, or the scope was stopped.
pub(super) fn post(
    http: &Http,
    path: &Path,
    bytes: u64,
    to: &SafeUrl,
    scope: &Scope,
) -> Result<(), Trouble<UploadError>> {
    let unreadable = |cause| Trouble::Final(UploadError::File { path: path.to_owned(), cause });
    let address = Address::of(to)?;
    let mut file = File::open(path).map_err(unreadable)?;
    let md5 = content_md5(&mut (&file).take(bytes), scope).map_err(unreadable)?;
    if let Some(why) = scope.stopped() {
        return Err(Trouble::Stopped(why));
    }
    file.rewind().map_err(unreadable)?;

    let given_up = Arc::new(AtomicBool::new(false));
    let body = Sending { file, left: bytes, given_up: Arc::clone(&given_up) };
    let (tell, told) = sync_channel(1);
    let (http, host) = (http.clone(), address.host.clone());
    let thread = thread::Builder::new().name("upload".to_owned());
    let spawned = thread.spawn(move || {
        let length = bytes.to_string();
        // Without Content-Length the HTTP library would send chunks, which cc-uploader answers with 411.
        let headers =
            [("content-type", "application/octet-stream"), ("content-length", &length), ("content-md5", &md5)];
        let _ = tell.send(http.post(&address, &headers, body, ANSWER).and_then(answer::judge)); // nobody may be waiting
    });
    spawned.map_err(|cause| TransferError::Connect { host, cause })?;

    loop {
        match told.recv_timeout(LOOK_UP) {
            Ok(result) => return result.map_err(Trouble::Transfer),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(TransferError::CutOff { received: 0, expected: None }.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(why) = scope.stopped() {
            given_up.store(true, Ordering::SeqCst);
            return Err(Trouble::Stopped(why));
        }
    }
}

/// The value of a Content-MD5 header. Cloud Controller compares it.
fn content_md5(file: &mut dyn Read, scope: &Scope) -> io::Result<String> {
    let (mut hasher, mut block) = (Md5::new(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(STANDARD.encode(hasher.finalize())),
            _ if scope.stopped().is_some() => return Ok(String::new()), // the caller asks, too
            count => hasher.update(&block[..count]),
        }
    }
}

/// A file on its way.
struct Sending {
    file: File,
    left: u64,
    given_up: Arc<AtomicBool>,
}

impl Read for Sending {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given_up.load(Ordering::SeqCst) {
            return Err(io::Error::other("given up"));
        }
        let count = (&self.file).take(self.left).read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("the file became shorter while it was sent"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}
