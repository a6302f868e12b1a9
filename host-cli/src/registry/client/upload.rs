//! A blob on its way to a registry: begun, sent in one stream, closed with its digest, which is made on the way. What breaks
//! off goes on where the registry has got to, then in pieces: whatever stands between may bound what it lets pass at once. Where a
//! registry takes no pieces, or makes something else of them, all of it is begun anew in one.

use super::conversation::{Conversation, DIGEST};
use super::outgoing::{self, Outgoing, unreadable};
use super::retry::Tries;
use super::transport::{Sent, Transport};
use super::trouble::Trouble;
use crate::registry::refusal::Refusal;
use crate::registry::registry_error::RegistryError;
use crate::registry::repository::{BlobDigest, BlobSource};
use http_client::{Address, Answer, TransferError};
use shared_model::safe_url::SafeUrl;
use std::io::{self, Read};
use ureq::http::{HeaderName, Method, header};

/// Bytes of a piece; the registry may ask for larger ones.
const PIECE: usize = 8 << 20;
/// Where that is too much for somebody.
const SMALLEST_PIECE: usize = 1 << 20;
/// A registry that asks for larger pieces is not asked for our memory.
const LARGEST_PIECE: usize = 32 << 20;
/// How small a piece may be that is not the last.
const SMALLEST_ASKED_FOR: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// A registry takes no pieces that refuses two: the first may have come to where another had ended, or to an upload that it has
/// forgotten. What is plainly wrong with it is told at once.
const PIECES_REFUSED: u32 = 2;
/// How often bytes are sent anew that did not come together in the registry.
const RENEWALS: u32 = 1;
/// Rounds of one upload in all, whatever a registry says of its progress.
const MOST_ROUNDS: u32 = 50;

/// Has a blob of another repository here too, where the registry does that. Whoever does not, or not for us, is sent it.
pub(super) fn mount(inner: &Conversation, digest: &str, from: &str) -> Result<bool, RegistryError> {
    let path = format!("/v2/{}/blobs/uploads/?mount={digest}&from={from}", inner.path);
    inner.persist(|| match inner.transport.ask(&Method::POST, &inner.transport.at(&path)?, &[], Sent::Bytes(&[])) {
        // 202: it has begun an upload in its place, which nobody will go on with.
        Ok(answer) => Ok(answer.http.status().as_u16() == 201),
        Err(Trouble::Refused { .. }) => Ok(false),
        Err(trouble) => Err(trouble),
    })
}

/// A blob that is being sent.
pub(super) struct Upload<'a> {
    inner: &'a Conversation,
    blob: &'a dyn BlobSource,
    /// Where its next bytes go; `None`: it is not begun, or the registry has forgotten it.
    place: Option<Address>,
    /// Whether `offset` is to be asked for.
    is_unsure: bool,
    /// Bytes that the registry has got.
    offset: u64,
    /// The most bytes that were sent at any time.
    sent: u64,
    /// Bytes of a piece; `None`: all at once.
    piece: Option<usize>,
    /// Pieces are not to be smaller.
    smallest: usize,
    /// Whether all at once is too much for somebody.
    is_too_large: bool,
    /// How sure it is that the registry takes no pieces; see [`PIECES_REFUSED`].
    refused: u32,
    /// Whether it goes on where an earlier try broke off.
    is_resumed: bool,
    /// How often it was begun anew because what had come in parts was not the whole.
    renewals: u32,
}

impl<'a> Upload<'a> {
    /// Nothing is sent yet.
    pub(super) fn new(inner: &'a Conversation, blob: &'a dyn BlobSource) -> Self {
        Self {
            inner,
            blob,
            place: None,
            is_unsure: false,
            offset: 0,
            sent: 0,
            piece: None,
            smallest: SMALLEST_PIECE,
            is_too_large: false,
            refused: 0,
            is_resumed: false,
            renewals: 0,
        }
    }

    /// Sends it.
    pub(super) fn run(mut self) -> Result<BlobDigest, RegistryError> {
        let mut tries = self.inner.tries();
        let mut rounds = 0;
        loop {
            match self.attempt() {
                Ok(sent) => return Ok(sent),
                Err(trouble) => {
                    rounds += 1;
                    // What begins anew each time and breaks at its end gets no further.
                    tries.reached(self.offset);
                    let outcome = if rounds < MOST_ROUNDS { self.recover(&mut tries, trouble) } else { Err(trouble) };
                    outcome.map_err(|trouble| self.inner.error(&trouble))?;
                }
            }
        }
    }

    /// After `trouble`: waits; the registry is asked then what it has got. Or all of it is begun anew, at once.
    fn recover(&mut self, tries: &mut Tries<'_>, trouble: Trouble) -> Result<(), Trouble> {
        let is_too_large = trouble.refusal() == Refusal::TooLarge;
        self.is_too_large |= is_too_large && self.piece.is_none();
        let takes_no_pieces = self.refused >= PIECES_REFUSED && !self.is_too_large;
        let is_garbled = self.is_garbled(&trouble);
        if takes_no_pieces || is_garbled {
            tries.without_pause(trouble)?;
            self.renewals += u32::from(is_garbled);
            (self.place, self.is_unsure, self.refused) = (None, false, 0);
            self.piece = self.piece.filter(|_| self.is_too_large);
            return Ok(());
        }
        let can_shrink = self.piece.is_none_or(|piece| piece > self.smallest);
        // A token that was good a moment ago: others may have used it up. Whose login is wrong does not come so far.
        let is_expired = matches!(&trouble, Trouble::Refused { status: 401, by_login_service: false, said, .. }
            if said.refusal == Refusal::Unauthorized);
        let is_elsewhere = matches!(&trouble, Trouble::Refused { status: 404 | 416, .. });
        let goes_on = (is_too_large && can_shrink) || is_expired || (is_elsewhere && self.place.is_some());
        if goes_on {
            // Not for ever: each of these counts as a try, and costs no pause.
            tries.without_pause(trouble)?;
        } else {
            tries.again(trouble)?;
        }
        let half = self.piece.map_or(PIECE, |piece| piece / if is_too_large { 2 } else { 1 });
        self.piece = Some(half.max(self.smallest));
        self.is_unsure = self.place.is_some();
        Ok(())
    }

    /// Whether the registry has other bytes than were sent, and that may be because they came in parts.
    fn is_garbled(&self, trouble: &Trouble) -> bool {
        let is_refused = matches!(trouble, Trouble::Refused { said, .. } if said.refusal == Refusal::Digest);
        is_refused && self.is_resumed && self.renewals < RENEWALS
    }

    /// What the registry has got. Where it has forgotten the upload, or says what cannot be, all of it is sent again.
    fn ask_how_far(&mut self) -> Result<(), Trouble> {
        let Some(place) = self.place.clone().filter(|_| self.is_unsure) else { return Ok(()) };
        let answer = self.inner.transport.ask(&Method::GET, &place, &[], Sent::Bytes(&[]))?;
        let status = answer.http.status().as_u16();
        if status >= 500 || status == 429 {
            return Err(self.inner.refused(answer));
        }
        self.is_unsure = false;
        if let Some(got) = got(&answer).filter(|got| status == 204 && *got <= self.sent) {
            self.offset = got;
            self.place = Some(Self::next_place(&answer, &place).unwrap_or(place));
        } else {
            (self.offset, self.place) = (0, None);
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Address, Trouble> {
        let address = self.inner.transport.at(&format!("/v2/{}/blobs/uploads/", self.inner.path))?;
        let answer = self.inner.transport.ask(&Method::POST, &address, &[], Sent::Bytes(&[]))?;
        if answer.http.status().as_u16() != 202 {
            return Err(self.inner.refused(answer));
        }
        let asked = answer.http.headers().get(SMALLEST_ASKED_FOR).and_then(|value| value.to_str().ok()?.parse().ok());
        self.smallest = asked.unwrap_or(SMALLEST_PIECE).clamp(1, LARGEST_PIECE);
        Self::next_place(&answer, &address)
    }

    /// Where an answer says that the next bytes go.
    fn next_place(answer: &Answer, from: &Address) -> Result<Address, Trouble> {
        let location = answer.http.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let nowhere =
            || Trouble::Wrong { refusal: Refusal::Other, what: "it does not say where to send a layer".to_owned() };
        Transport::next(from, location.ok_or_else(nowhere)?)
    }

    /// Sends what is left, and closes.
    fn attempt(&mut self) -> Result<BlobDigest, Trouble> {
        self.ask_how_far()?;
        if self.place.is_none() {
            self.offset = 0;
            self.place = Some(self.begin()?);
        }
        self.is_resumed = self.offset > 0;
        outgoing::read(self.blob, |source| {
            let outcome = self.send(source).and_then(|()| self.close(source));
            self.sent = self.sent.max(source.count());
            outcome
        })
    }

    fn send(&mut self, source: &mut Outgoing) -> Result<(), Trouble> {
        let offset = self.offset;
        io::copy(&mut source.by_ref().take(offset), &mut io::sink()).map_err(|error| unreadable(&error))?;
        match self.piece {
            None => self.send_all(source),
            Some(length) => self.send_pieces(source, length),
        }
    }

    fn send_all(&mut self, source: &mut Outgoing) -> Result<(), Trouble> {
        let length = self.blob.known().map(|known| known.size.saturating_sub(self.offset));
        let Some(place) = self.place.clone() else { return Ok(()) };
        let answer =
            self.inner.transport.ask(&Method::PATCH, &place, &content(None), Sent::Stream(&mut *source, length))?;
        self.take(answer, &place, source.count())
    }

    fn send_pieces(&mut self, source: &mut Outgoing, length: usize) -> Result<(), Trouble> {
        loop {
            let mut piece = Vec::new();
            source.by_ref().take(length as u64).read_to_end(&mut piece).map_err(|error| unreadable(&error))?;
            let Some(place) = self.place.clone().filter(|_| !piece.is_empty()) else { return Ok(()) };
            let last = self.offset + piece.len() as u64 - 1;
            let range = content(Some((self.offset, last)));
            self.sent = self.sent.max(last + 1);
            let answer = self.inner.transport.ask(&Method::PATCH, &place, &range, Sent::Bytes(&piece))?;
            self.refused += refused_as_a_piece(answer.http.status().as_u16());
            self.take(answer, &place, last + 1)?;
        }
    }

    /// The answer to bytes that came to `place`, up to `offset`. Some registries answer 201.
    fn take(&mut self, answer: Answer, place: &Address, offset: u64) -> Result<(), Trouble> {
        if !answer.http.status().is_success() {
            return Err(self.inner.refused(answer));
        }
        self.offset = offset;
        let has_next = answer.http.headers().contains_key(header::LOCATION);
        self.place = Some(if has_next { Self::next_place(&answer, place)? } else { place.clone() });
        Ok(())
    }

    fn close(&mut self, source: &mut Outgoing) -> Result<BlobDigest, Trouble> {
        let sent = source.name();
        if let Some(known) = self.blob.known().filter(|known| *known != sent) {
            let what = format!("a layer is not what it should be: {} in place of {}", sent.digest, known.digest);
            return Err(Trouble::Source { what });
        }
        let Some(place) = &self.place else { return Err(TransferError::BadUrl.into()) };
        let separator = if place.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}digest={}", place.url, sent.digest);
        let closing = Address::parse(&SafeUrl::new(url)).map_err(TransferError::from)?;
        let closed = self.inner.transport.ask(&Method::PUT, &closing, &[], Sent::Bytes(&[]));
        let answer = match closed {
            Ok(answer) if answer.http.status().as_u16() == 201 => answer,
            // The answer may be lost of what went well, and some registries are done before they are told.
            other => match self.inner.has_blob(&sent.digest) {
                Ok(true) => return Ok(sent),
                _ => return Err(other.map_or_else(|trouble| trouble, |answer| self.inner.refused(answer))),
            },
        };
        match answer.http.headers().get(DIGEST).and_then(|value| value.to_str().ok()) {
            Some(got) if got != sent.digest => {
                let what = format!("{} was sent, and it got {got}", sent.digest);
                self.place = None;
                Err(Trouble::Wrong { refusal: Refusal::Digest, what })
            }
            _ => Ok(sent),
        }
    }
}

/// How much an answer to a piece says that the registry takes none.
fn refused_as_a_piece(status: u16) -> u32 {
    match status {
        400 | 405 => PIECES_REFUSED,
        404 | 416 => 1,
        _ => 0,
    }
}

/// How many bytes an answer says that the registry has got: `Range: 0-99`. `None`: it does not say.
fn got(answer: &Answer) -> Option<u64> {
    bytes_of_range(answer.http.headers().get(header::RANGE)?.to_str().ok()?)
}

fn bytes_of_range(range: &str) -> Option<u64> {
    let (_, last) = range.trim().trim_start_matches("bytes=").split_once('-')?;
    // Some say `0-0` of nothing; nobody has one byte and no more.
    last.parse::<u64>().ok().map(|last| if last == 0 { 0 } else { last.saturating_add(1) })
}

fn content(range: Option<(u64, u64)>) -> Vec<(HeaderName, String)> {
    let range = range.map(|(first, last)| (header::CONTENT_RANGE, format!("{first}-{last}")));
    [(header::CONTENT_TYPE, "application/octet-stream".to_owned())].into_iter().chain(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_has_got_is_what_its_range_says() {
        for (range, bytes) in [
            ("0-99", Some(100)),
            ("bytes=0-99", Some(100)),
            ("0-0", Some(0)),
            ("", None),
            ("0-", None),
            ("0--1", None),
            ("99", None),
            ("0-18446744073709551615", Some(u64::MAX)),
        ] {
            assert_eq!(bytes_of_range(range), bytes, "{range}");
        }
    }
}
