//! The body of an answer, read by a thread of its own, so that a stop need not wait for the network: whoever reads
//! here looks up every now and then, and walks away when told to. The thread then ends with its next chunk or its
//! timeout. As a gift, receiving and decrypting go on while a chunk is hashed and unpacked.
//!
//! A body that breaks off goes on where it broke off, by another request for the rest, and whoever reads does not
//! notice; only where the server would not give the very same body, the transfer has failed.

use super::client::Http;
use super::get::{BodyInfo, Get};
use super::retry::{AttemptError, Retries};
use crate::clock;
use crate::session::semaphore::Permit;
use http_client::Address;
use http_client::TransferError;
use shared_model::safe_url::SafeUrl;
use std::convert::Infallible;
use std::io::{self, Read};
use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;
use ureq::http::Response;

/// Bytes in one message at most.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait: 1 MiB.
const CHUNKS: usize = 16;
/// How soon a stop is noticed when nothing comes.
const LOOK_UP: Duration = Duration::from_millis(100);

enum Message {
    Begins(BodyInfo),
    /// What is known is still right.
    Unchanged,
    Chunk(Vec<u8>),
    End,
    Failed(TransferError),
}

/// A thread that receives, seen from here.
struct Download {
    messages: Receiver<Message>,
    /// Takes chunks that are done with: filled again and again, they stay in the processor's cache.
    spent: Sender<Vec<u8>>,
}

/// The body of one GET, which goes on by itself where it breaks off.
pub(super) struct Body<'a> {
    http: &'a Http,
    url: &'a SafeUrl,
    retries: &'a Retries<'a>,
    download: Download,
    chunk: Vec<u8>,
    used: usize,
    received: u64,
    info: BodyInfo,
    ended: bool,
    failed: Option<TransferError>,
    /// Given back as soon as nothing more is to come: unpacking may take longer.
    permit: Option<Permit>,
}

impl<'a> Body<'a> {
    /// Waits for its turn, asks `get` of `url` and waits for the answer. `None`: the body is still the one that the
    /// question is about.
    ///
    /// # Errors
    /// There was no answer, or [`Get::judge`] cannot use it; or the scope was stopped.
    pub(super) fn open<E>(
        http: &'a Http,
        url: &'a SafeUrl,
        get: Get,
        retries: &'a Retries<'a>,
    ) -> Result<Option<Self>, AttemptError<E>> {
        let permit = Some(retries.enter(http.semaphore())?);
        let download = ask(http, url, get)?;
        let (chunk, used, info) = (Vec::new(), 0, BodyInfo::default());
        let (received, ended, failed) = (0, false, None);
        let body = Self { http, url, retries, download, chunk, used, received, info, ended, failed, permit };
        Ok(match body.next_message()? {
            Message::Begins(info) => Some(Self { info, ..body }),
            _ => None,
        })
    }

    /// What the server told of it.
    pub(super) fn info(&self) -> &BodyInfo {
        &self.info
    }

    /// What went wrong with the transfer while it was read, if anything.
    pub(super) fn failure(&mut self) -> Option<TransferError> {
        self.failed.take()
    }

    fn next_message<E>(&self) -> Result<Message, AttemptError<E>> {
        loop {
            // Also when data keeps flowing.
            if let Some(error) = self.retries.ended() {
                return Err(error);
            }
            match self.download.messages.recv_timeout(LOOK_UP) {
                Ok(Message::Failed(cause)) => return Err(self.so_far(cause).into()),
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.so_far(TransferError::CutOff { received: 0, expected: None }).into());
                }
            }
        }
    }

    fn so_far(&self, cause: TransferError) -> TransferError {
        match cause {
            TransferError::CutOff { .. } => {
                TransferError::CutOff { received: self.received, expected: self.info.length }
            }
            other => other,
        }
    }

    /// Goes on where the body broke off because of `cause`, as often as that happens on the way there.
    fn resume(&mut self, mut cause: TransferError) -> Result<(), AttemptError<Infallible>> {
        loop {
            let rest = self.info.rest(self.received).filter(|_| cause.breaks_off() && self.received > 0);
            let Some(rest) = rest else { return Err(cause.into()) };
            self.retries.reached(self.received);
            self.retries.again(cause)?;
            self.download = ask(self.http, self.url, rest)?;
            match self.next_message() {
                // As much verified as the first part: the URL is the same, and https never leads to http then.
                Ok(Message::Begins(_)) => return Ok(()),
                Ok(_) => return Err(TransferError::NotResumed { from: self.received }.into()),
                Err(AttemptError::Transfer(next)) => cause = next,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.chunk.len() && !self.ended {
            let went_on = match self.next_message() {
                Ok(Message::Chunk(chunk)) => {
                    self.received += chunk.len() as u64;
                    self.used = 0;
                    let spent = mem::replace(&mut self.chunk, chunk);
                    let _ = self.download.spent.send(spent); // the thread may have ended
                    Ok(())
                }
                Ok(_) => {
                    (self.ended, self.permit) = (true, None);
                    Ok(())
                }
                Err(AttemptError::Transfer(cause)) => self.resume(cause),
                Err(error) => Err(error),
            };
            match went_on {
                Ok(()) => {}
                // Stopped for good; who reads asks the scope why.
                Err(AttemptError::Stopped(_)) => return Err(io::Error::other("stopped")),
                Err(AttemptError::Transfer(cause)) => {
                    (self.failed, self.ended) = (Some(cause), true);
                    return Err(io::Error::other("the transfer failed"));
                }
                Err(AttemptError::Final(never)) => match never {},
            }
        }
        let count = (&self.chunk[self.used..]).read(buffer)?;
        self.used += count;
        Ok(count)
    }
}

/// Starts the thread that asks and receives.
fn ask(http: &Http, url: &SafeUrl, get: Get) -> Result<Download, TransferError> {
    let address = Address::parse(url).map_err(TransferError::from)?;
    let (to_here, messages) = sync_channel(CHUNKS);
    let (spent, empty) = channel();
    let (http, expires, host) = (http.clone(), url.expires(), address.host.clone());
    let thread = thread::Builder::new().name("download".to_owned());
    let spawned = thread.spawn(move || receive(&http, address, &get, expires, &to_here, &empty));
    spawned.map_err(|cause| TransferError::Connect { host, cause })?;
    Ok(Download { messages, spent })
}

/// The thread: asks, receives, tells. Ends when nobody listens any more.
fn receive(
    http: &Http,
    address: Address,
    get: &Get,
    expires: Option<i64>,
    to_reader: &SyncSender<Message>,
    empty: &Receiver<Vec<u8>>,
) {
    let host = address.host.clone();
    let answered = http.get(address, get).and_then(|answer| get.judge(answer, expires, clock::now()));
    let last = match answered {
        Err(cause) => Message::Failed(cause),
        Ok(None) => Message::Unchanged,
        Ok(Some((info, answer))) => {
            if to_reader.send(Message::Begins(info)).is_err() {
                return;
            }
            let expected = answer.http.body().content_length();
            match pass_on(answer.http, to_reader, empty) {
                Ok(()) if answer.connection.has_more() => Message::Failed(TransferError::Surplus { expected }),
                Ok(()) => Message::End,
                Err(error) => Message::Failed(http.broken(error, &host)),
            }
        }
    };
    let _ = to_reader.send(last); // the reader may have walked away
}

fn pass_on(answer: Response<ureq::Body>, to_reader: &SyncSender<Message>, empty: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut body = answer.into_body().into_reader();
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let count = loop {
            match body.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if count == 0 {
            return Ok(());
        }
        chunk.truncate(count);
        if to_reader.send(Message::Chunk(chunk)).is_err() {
            return Ok(());
        }
    }
}
