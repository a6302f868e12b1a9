//! The body of an answer, read by a thread of its own, so that a stop need not wait for the network: whoever reads
//! here looks up every now and then, and walks away when told to. The thread then ends with its next chunk or its
//! patience. As a gift, receiving and decrypting go on while a chunk is hashed and unpacked.

use super::address::Address;
use super::error::TransferError;
use super::http::Http;
use super::retry::Trouble;
use crate::scope::Scope;
use shared_model::safe_url::SafeUrl;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use ureq::http::{Response, header};

/// Bytes in one message at most.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait: 1 MiB.
const CHUNKS: usize = 16;
/// How soon a stop is noticed when nothing comes.
const LOOK_UP: Duration = Duration::from_millis(100);

enum Message {
    /// It begins, and will have so many bytes.
    Length(Option<u64>),
    Chunk(Vec<u8>),
    End,
    Failed(TransferError),
}

/// See the module's text.
pub(super) struct Body<'a> {
    scope: &'a Scope<'a>,
    messages: Receiver<Message>,
    chunk: Vec<u8>,
    used: usize,
    received: u64,
    expected: Option<u64>,
    ended: bool,
    failed: Option<TransferError>,
}

impl<'a> Body<'a> {
    /// Asks for `url` and waits for the answer.
    ///
    /// # Errors
    /// There was none, or its status is not 200, or the scope was stopped.
    pub(super) fn open<E>(http: &Http, url: &SafeUrl, scope: &'a Scope<'a>) -> Result<Self, Trouble<E>> {
        let address = Address::of(url)?;
        let (to_here, messages) = sync_channel(CHUNKS);
        let (http, expires, host) = (http.clone(), url.expires(), address.host.clone());
        let thread = thread::Builder::new().name("download".to_owned());
        let spawned = thread.spawn(move || receive(&http, address, expires, &to_here));
        spawned.map_err(|cause| TransferError::Connect { host, cause })?;

        let (chunk, used, received, expected, ended, failed) = (Vec::new(), 0, 0, None, false, None);
        let mut body = Self { scope, messages, chunk, used, received, expected, ended, failed };
        match body.next_message() {
            Ok(Message::Length(expected)) => body.expected = expected,
            Ok(Message::Failed(cause)) => return Err(cause.into()),
            _ => match scope.stopped() {
                Some(why) => return Err(Trouble::Stopped(why)),
                None => return Err(TransferError::CutOff { received: 0, expected: None }.into()),
            },
        }
        Ok(body)
    }

    /// Bytes that the server announced; `None`: it did not.
    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// What went wrong with the transfer while it was read, if anything.
    pub(super) fn failure(&mut self) -> Option<TransferError> {
        self.failed.take()
    }

    fn next_message(&mut self) -> io::Result<Message> {
        loop {
            // Also when data keeps flowing.
            if self.scope.stopped().is_some() {
                return Err(io::Error::other("stopped"));
            }
            match self.messages.recv_timeout(LOOK_UP) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Message::Failed(TransferError::CutOff { received: 0, expected: None }));
                }
            }
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() && !self.ended {
            match self.next_message()? {
                Message::Chunk(chunk) => {
                    self.received += chunk.len() as u64;
                    (self.chunk, self.used) = (chunk, 0);
                }
                Message::End | Message::Length(_) => self.ended = true,
                Message::Failed(cause) => {
                    let (received, expected) = (self.received, self.expected);
                    self.failed = Some(match cause {
                        TransferError::CutOff { .. } => TransferError::CutOff { received, expected },
                        other => other,
                    });
                    self.ended = true;
                    return Err(io::Error::other("the transfer failed"));
                }
            }
        }
        let count = (&self.chunk[self.used..]).read(buffer)?;
        self.used += count;
        Ok(count)
    }
}

/// The thread: asks, receives, tells. Ends when nobody listens any more.
fn receive(http: &Http, address: Address, expires: Option<i64>, to_reader: &SyncSender<Message>) {
    let host = address.host.clone();
    let last = match http.get(address).and_then(|answer| judge(answer, expires)) {
        Err(cause) => Message::Failed(cause),
        Ok(answer) => {
            let length = answer.body().content_length();
            if to_reader.send(Message::Length(length)).is_err() {
                return;
            }
            match pass_on(answer, to_reader) {
                Ok(()) => Message::End,
                Err(error) => Message::Failed(super::blame::blame(error.into(), &host, http.patience())),
            }
        }
    };
    let _ = to_reader.send(last); // the reader may have walked away
}

fn pass_on(answer: Response<ureq::Body>, to_reader: &SyncSender<Message>) -> io::Result<()> {
    let mut body = answer.into_body().into_reader();
    let mut buffer = vec![0; CHUNK];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if to_reader.send(Message::Chunk(buffer[..count].to_vec())).is_err() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Only 200 brings a body that can be used.
fn judge(answer: Response<ureq::Body>, expires: Option<i64>) -> Result<Response<ureq::Body>, TransferError> {
    let status = answer.status().as_u16();
    match status {
        200 => Ok(answer),
        403 | 410 => Err(TransferError::Refused { status, expires }),
        404 => Err(TransferError::NotFound),
        _ => {
            let after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(TransferError::Status { status, text: String::new(), retry_after: after.map(Duration::from_secs) })
        }
    }
}
