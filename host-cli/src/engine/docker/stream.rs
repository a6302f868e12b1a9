//! Bytes between blocking code and async bodies, a few chunks at a time, so that a slow reader holds up the engine
//! instead of filling the memory.

use containers_api::conn::hyper::body::{Bytes, Sender};
use containers_api::conn::hyper::{self, Body};
use futures_util::{Stream, StreamExt};
use std::io::{self, Read};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Chunks that may lie between the two sides.
const CHUNKS: usize = 8;
/// Bytes that a request's body is read in.
const CHUNK: usize = 256 << 10; // fewer wake-ups than the usual 8 KiB; costs nothing that matters

/// A body that is being received, as a reader. Dropping it ends the transfer.
pub(super) struct BodyReader {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl BodyReader {
    /// Must be called on the runtime.
    pub(super) fn new(mut body: impl Stream<Item = hyper::Result<Bytes>> + Send + Unpin + 'static) -> Self {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        tokio::spawn(async move {
            while let Some(chunk) = body.next().await {
                if sender.send(chunk.map_err(io::Error::other)).await.is_err() {
                    break;
                }
            }
        });
        Self { chunks, current: Bytes::new() }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.current = chunk?,
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

/// A reader as a body that is being sent, and how the reading ends. Must be called on the runtime.
pub(super) fn body_from(reader: Box<dyn Read + Send>) -> (Body, JoinHandle<io::Result<()>>) {
    let (sender, body) = Body::channel();
    let runtime = Handle::current();
    (body, tokio::task::spawn_blocking(move || pump(reader, sender, &runtime)))
}

fn pump(mut reader: Box<dyn Read + Send>, mut sender: Sender, runtime: &Handle) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                let chunk = Bytes::copy_from_slice(&buffer[..length]);
                if runtime.block_on(sender.send_data(chunk)).is_err() {
                    return Ok(()); // The engine hung up; its answer says why.
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                sender.abort();
                return Err(error);
            }
        }
    }
}
