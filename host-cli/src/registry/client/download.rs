//! A blob on its way here. It goes on where it breaks off, and ends well only with the bytes that its digest names.

use super::conversation::Conversation;
use super::retry::Tries;
use super::trouble::Trouble;
use crate::registry::refusal::Refusal;
use crate::registry::registry_error::RegistryError;
use crate::registry::repository::BlobDigest;
use http_client::TransferError;
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use std::io::{self, Read};
use ureq::http::{Method, header};

/// A blob that is being read.
pub(super) struct Download<'a> {
    inner: &'a Conversation,
    blob: BlobDigest,
    body: Box<dyn Read + Send>,
    tries: Tries<'a>,
    hash: Sha256,
    received: u64,
}

impl<'a> Download<'a> {
    /// Waits for its first byte.
    pub(super) fn open(inner: &'a Conversation, blob: &BlobDigest) -> Result<Self, RegistryError> {
        let body = inner.persist(|| body(inner, blob, 0))?;
        let (tries, hash) = (inner.tries(), Sha256::new());
        Ok(Self { inner, blob: blob.clone(), body, tries, hash, received: 0 })
    }

    /// Makes another connection for the rest, if that may help.
    fn go_on(&mut self, mut trouble: Trouble) -> io::Result<()> {
        self.tries.reached(self.received);
        loop {
            self.tries.again(trouble).map_err(|trouble| io::Error::other(self.inner.error(&trouble).text))?;
            match body(self.inner, &self.blob, self.received) {
                Ok(body) => {
                    self.body = body;
                    return Ok(());
                }
                Err(next) => trouble = next,
            }
        }
    }

    fn end(&self) -> io::Result<usize> {
        let found = format!("sha256:{}", hex(&self.hash.clone().finalize()));
        if found == self.blob.digest {
            return Ok(0);
        }
        let registry = self.inner.reference.registry();
        let text = format!("{registry} sent other data than was asked for: {found} in place of {}", self.blob.digest);
        Err(io::Error::other(text))
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.size.saturating_sub(self.received);
        if left == 0 {
            return self.end();
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        loop {
            match self.body.read(&mut buffer[..most]) {
                Ok(0) if most > 0 => {
                    let (received, expected) = (self.received, Some(self.blob.size));
                    self.go_on(TransferError::CutOff { received, expected }.into())?;
                }
                Ok(length) => {
                    self.hash.update(&buffer[..length]);
                    self.received += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = self.inner.transport.client.broken(error, self.inner.reference.registry());
                    self.go_on(error.into())?;
                }
            }
        }
    }
}

/// The blob from its byte `from` on.
fn body(inner: &Conversation, blob: &BlobDigest, from: u64) -> Result<Box<dyn Read + Send>, Trouble> {
    let address = inner.transport.at(&inner.blob_path(&blob.digest))?;
    let range = (from > 0).then(|| (header::RANGE, format!("bytes={from}-")));
    let answer = inner.transport.get(&Method::GET, &address, range.as_slice())?;
    let status = answer.http.status().as_u16();
    let starts_at = answer.http.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let starts_there = starts_at.is_some_and(|range| range.starts_with(&format!("bytes {from}-")));
    match status {
        206 if from > 0 && starts_there => Ok(Box::new(answer.http.into_body().into_reader())),
        200 => {
            let mut whole = answer.http.into_body().into_reader();
            let skipped = io::copy(&mut whole.by_ref().take(from), &mut io::sink());
            match skipped {
                Ok(skipped) if skipped == from => Ok(Box::new(whole)),
                Ok(received) => Err(TransferError::CutOff { received, expected: Some(blob.size) }.into()),
                Err(error) => Err(inner.transport.client.broken(error, inner.reference.registry()).into()),
            }
        }
        206 => {
            let what = "it sends another part of a layer than was asked for".to_owned();
            Err(Trouble::Wrong { refusal: Refusal::Other, what })
        }
        _ => Err(inner.refused(answer)),
    }
}
