//! The body of an answer, read by a thread of its own, so that a stop need not wait for the network: whoever reads
//! here looks up every now and then, and walks away when told to. The thread then ends with its next chunk or its
//! patience. As a gift, receiving and decrypting go on while a chunk is hashed and unpacked.

use super::address::Address;
use super::error::TransferError;
use super::http::{Answer, Http};
use super::retry::Trouble;
use super::validators::Validators;
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
    Begins(Head),
    /// What is known is still right.
    Unchanged,
    Chunk(Vec<u8>),
    End,
    Failed(TransferError),
}

/// What is known of a body before it comes.
#[derive(Default)]
struct Head {
    /// Bytes; `None`: the server does not say.
    length: Option<u64>,
    validators: Validators,
    verified: bool,
}

/// See the module's text.
pub(super) struct Body<'a> {
    scope: &'a Scope<'a>,
    messages: Receiver<Message>,
    chunk: Vec<u8>,
    used: usize,
    received: u64,
    head: Head,
    ended: bool,
    failed: Option<TransferError>,
}

impl<'a> Body<'a> {
    /// Asks for `url` and waits for the answer. `None`: the body is still the one that `known` is about.
    ///
    /// # Errors
    /// There was no answer, or its status is neither 200 nor, where something is known, 304; or the scope was stopped.
    pub(super) fn open<E>(
        http: &Http,
        url: &SafeUrl,
        known: Option<&Validators>,
        scope: &'a Scope<'a>,
    ) -> Result<Option<Self>, Trouble<E>> {
        let address = Address::of(url)?;
        let (to_here, messages) = sync_channel(CHUNKS);
        let (http, expires, host) = (http.clone(), url.expires(), address.host.clone());
        let known = known.cloned();
        let thread = thread::Builder::new().name("download".to_owned());
        let spawned = thread.spawn(move || receive(&http, address, known.as_ref(), expires, &to_here));
        spawned.map_err(|cause| TransferError::Connect { host, cause })?;

        let (chunk, used, received, head, ended, failed) = (Vec::new(), 0, 0, Head::default(), false, None);
        let mut body = Self { scope, messages, chunk, used, received, head, ended, failed };
        match body.next_message() {
            Ok(Message::Begins(head)) => body.head = head,
            Ok(Message::Unchanged) => return Ok(None),
            Ok(Message::Failed(cause)) => return Err(cause.into()),
            _ => match scope.stopped() {
                Some(why) => return Err(Trouble::Stopped(why)),
                None => return Err(TransferError::CutOff { received: 0, expected: None }.into()),
            },
        }
        Ok(Some(body))
    }

    /// Bytes that the server announced; `None`: it did not.
    pub(super) fn expected(&self) -> Option<u64> {
        self.head.length
    }

    /// What the server gave to know it again by.
    pub(super) fn validators(&self) -> &Validators {
        &self.head.validators
    }

    /// Whether it comes over TLS from servers whose certificates were verified.
    pub(super) fn verified(&self) -> bool {
        self.head.verified
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
                Message::End | Message::Begins(_) | Message::Unchanged => self.ended = true,
                Message::Failed(cause) => {
                    let (received, expected) = (self.received, self.expected());
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
fn receive(
    http: &Http,
    address: Address,
    known: Option<&Validators>,
    expires: Option<i64>,
    to_reader: &SyncSender<Message>,
) {
    let host = address.host.clone();
    let last = match http.get(address, known).and_then(|answer| judge(answer, known.is_some(), expires)) {
        Err(cause) => Message::Failed(cause),
        Ok(None) => Message::Unchanged,
        Ok(Some(answer)) => {
            if to_reader.send(Message::Begins(head(&answer))).is_err() {
                return;
            }
            match pass_on(answer.response, to_reader) {
                Ok(()) => Message::End,
                Err(error) => Message::Failed(super::blame::blame(error.into(), &host, http.patience())),
            }
        }
    };
    let _ = to_reader.send(last); // the reader may have walked away
}

fn head(answer: &Answer) -> Head {
    let text = |name| answer.response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    Head { length: answer.response.body().content_length(), validators, verified: answer.verified }
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

/// Only 200 brings a body that can be used; `None` is 304, which is an answer only to who has asked for it.
fn judge(answer: Answer, known: bool, expires: Option<i64>) -> Result<Option<Answer>, TransferError> {
    let status = answer.response.status().as_u16();
    match status {
        200 => Ok(Some(answer)),
        304 if known => Ok(None),
        403 | 410 => Err(TransferError::Refused { status, expires }),
        404 => Err(TransferError::NotFound),
        _ => {
            let after = answer.response.headers().get(header::RETRY_AFTER);
            let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
            Err(TransferError::Status { status, text: String::new(), retry_after: after.map(Duration::from_secs) })
        }
    }
}
