//! What is asked of a server, and what its answer says of the body behind it. Decides alone which answers can be used:
//! the whole body, the rest of one that broke off, or "not modified".

use super::refusal::refusal;
use super::validators::Validators;
use http_client::ConnectionHandle;
use http_client::TransferError;
use jiff::Timestamp;
use std::net::SocketAddr;
use ureq::Body;
use ureq::http::{self, HeaderMap, HeaderName, header};

/// What a GET asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Get {
    /// The whole body.
    Whole,
    /// The whole body, unless it is the one that these are about.
    Changed(Validators),
    /// What the server tells of the whole body, which is compared with this. One byte of it comes along.
    Same {
        /// Of the one that is there already; empty ones are never the same.
        validators: Validators,
        /// Bytes of the one that is there.
        length: u64,
    },
    /// What is left of a body that broke off.
    Rest {
        /// Bytes that are there already.
        from: u64,
        /// Bytes in all; `None`: the server did not say.
        total: Option<u64>,
        /// What the server must still call it: a strong ETag or a date.
        same: String,
    },
}

/// An answer to a question.
pub(super) struct Response {
    /// Status, headers and body, as they came.
    pub(super) http: http::Response<Body>,
    /// Whether it and every redirect on the way to it came over TLS with a verified certificate.
    pub(super) verified: bool,
    /// What is known of the connection that it came over.
    pub(super) connection: ConnectionHandle,
}

/// What is known of a body before it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BodyInfo {
    /// Bytes in all; `None`: the server does not say.
    pub(super) length: Option<u64>,
    /// What the server gave to know it again by.
    pub(super) validators: Validators,
    /// Whether it comes over TLS from servers whose certificates were verified.
    pub(super) verified: bool,
    /// Who sends it, or the proxy that passes it on; `None` where that cannot be told.
    pub(super) peer: Option<SocketAddr>,
    /// What to ask for the rest with; `None`: it cannot be asked for.
    pub(super) same: Option<String>,
    /// The Content-Encoding, though we ask for none. Most servers that name one mean the archive itself: a `.tgz` as
    /// they store it. So it is taken as it comes, and blamed only where it then cannot be used.
    pub(super) coding: Option<String>,
}

impl Get {
    /// The headers that ask for it.
    pub(super) fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Self::Whole => Vec::new(),
            // Neither HEAD, which the file server answers with 405, nor a condition, which any server may say yes to. One
            // that knows no ranges begins with the whole body, which nobody reads.
            Self::Same { .. } => vec![(header::RANGE, "bytes=0-0".to_owned())],
            Self::Changed(known) => {
                let etag = known.etag.clone().map(|etag| (header::IF_NONE_MATCH, etag));
                let date = known.last_modified.clone().map(|date| (header::IF_MODIFIED_SINCE, date));
                etag.into_iter().chain(date).collect()
            }
            Self::Rest { from, same, .. } => {
                vec![(header::RANGE, format!("bytes={from}-")), (header::IF_RANGE, same.clone())]
            }
        }
    }

    /// Whether its headers may go to other hosts, too. Validators are nobody's business but their own server's; a part
    /// has to be asked for wherever the question leads to.
    pub(super) fn travels(&self) -> bool {
        matches!(self, Self::Rest { .. } | Self::Same { .. })
    }

    /// What `answer` brings, which it gives back; `None`: not modified, or the same. `expires` is the URL's end in seconds
    /// since 1970.
    ///
    /// # Errors
    /// The answer brings no body that can be used.
    pub(super) fn judge(
        &self,
        answer: Response,
        expires: Option<i64>,
        now: Timestamp,
    ) -> Result<Option<(BodyInfo, Response)>, TransferError> {
        let (status, headers) = (answer.http.status().as_u16(), answer.http.headers());
        let announced = answer.http.body().content_length();
        let info = |length| BodyInfo { peer: answer.connection.peer(), ..whole(headers, length, answer.verified) };
        let brought = match (status, self) {
            (200, Self::Whole | Self::Changed(_)) => Some(info(announced)),
            (200 | 206, Self::Same { validators, length }) => {
                let in_all = if status == 200 { announced } else { length_in_all(headers) };
                Some(info(in_all)).filter(|info| !agrees(info, validators, *length))
            }
            // It has not even one byte: another, whatever it is.
            (416, Self::Same { .. }) => Some(BodyInfo::default()),
            (304, Self::Changed(known)) if !known.is_empty() => None,
            (206, Self::Rest { from, total, same }) if continues(headers, *from, *total, same) => {
                Some(BodyInfo::default())
            }
            // 416: there are not that many bytes now.
            (200 | 206 | 412 | 416, Self::Rest { from, .. }) => {
                return Err(TransferError::NotResumed { from: *from });
            }
            _ => return Err(refusal(answer.http, expires, now)),
        };
        Ok(brought.map(|info| (info, answer)))
    }
}

impl BodyInfo {
    /// What asks for the rest after `received` bytes; `None`: it cannot be asked for.
    pub(super) fn rest(&self, received: u64) -> Option<Get> {
        Some(Get::Rest { from: received, total: self.length, same: self.same.clone()? })
    }
}

/// Whether a server tells of its body all that was told of the one with these `validators` and this `length`, and
/// nothing else. What it tells now and did not then, or the other way round, is no agreement.
fn agrees(info: &BodyInfo, validators: &Validators, length: u64) -> bool {
    !validators.is_empty() && info.validators == *validators && info.length == Some(length)
}

fn whole(headers: &HeaderMap, length: Option<u64>, verified: bool) -> BodyInfo {
    let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
    let coding = text(header::CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    // Many servers that know ranges do not say so; only one that says no is believed.
    let no_ranges = text(header::ACCEPT_RANGES).is_some_and(|ranges| ranges.eq_ignore_ascii_case("none"));
    let same = validators.for_range(text(header::DATE).as_deref()).filter(|_| !no_ranges).map(str::to_owned);
    BodyInfo { length, validators, verified, peer: None, same, coding }
}

/// Of the body that a 206 is a part of; `None`: the server does not say.
fn length_in_all(headers: &HeaderMap) -> Option<u64> {
    content_range(headers.get(header::CONTENT_RANGE)?.to_str().ok()?)?.2
}

/// Whether a 206 is the rest that was asked for. A range that starts elsewhere or belongs to another body would be
/// glued to the first part unnoticed, where no checksum is known.
fn continues(headers: &HeaderMap, from: u64, total: Option<u64>, same: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((first, last, whole)) = text(header::CONTENT_RANGE).and_then(content_range) else { return false };
    let complete = whole.is_none_or(|whole| last.checked_add(1) == Some(whole));
    let known =
        total.is_none_or(|total| whole.is_none_or(|whole| whole == total) && last.checked_add(1) == Some(total));
    let same_etag = !same.starts_with('"') || text(header::ETAG).is_none_or(|etag| etag == same);
    first == from && complete && known && same_etag
}

/// `bytes 5-9/10`: first, last, all; `None` for `*` in place of all.
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let whole = if whole == "*" { None } else { Some(whole.parse().ok()?) };
    Some((first.parse().ok()?, last.parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_very_rest_continues_a_body() {
        for (range, total, expected) in [
            ("bytes 5-9/10", Some(10), true),
            ("bytes 5-9/*", Some(10), true),
            ("bytes 5-9/10", None, true),
            ("bytes 5-9/*", None, true),
            ("bytes 4-9/10", Some(10), false),
            ("bytes 6-9/10", Some(10), false),
            ("bytes 5-10/11", Some(10), false),
            ("bytes 5-8/10", Some(10), false),
            ("bytes 5-8/10", None, false),
            ("bytes 5-8/*", Some(10), false),
            ("bytes */10", Some(10), false),
            ("items 5-9/10", Some(10), false),
            ("bytes 5-18446744073709551615/10", Some(10), false),
            ("", Some(10), false),
        ] {
            let given = headers(&[(header::CONTENT_RANGE, range)]);
            assert_eq!(continues(&given, 5, total, "\"1\""), expected, "{range} of {total:?}");
        }
        assert!(!continues(&HeaderMap::new(), 5, Some(10), "\"1\""));
        for (etag, expected) in [("\"1\"", true), ("\"2\"", false)] {
            let given = headers(&[(header::CONTENT_RANGE, "bytes 5-9/10"), (header::ETAG, etag)]);
            assert_eq!(continues(&given, 5, Some(10), "\"1\""), expected);
        }
    }

    #[test]
    fn a_rest_is_asked_for_where_there_is_something_to_know_the_body_by() {
        let etag = (header::ETAG, "\"1-2\"");
        let (date, now) =
            ((header::LAST_MODIFIED, "Wed, 15 Jun 2016 18:57:23 GMT"), (header::DATE, "Thu, 16 Jun 2016 00:00:00 GMT"));
        for (given, expected) in [
            (vec![etag.clone(), date.clone()], Some("\"1-2\"")),
            (vec![date.clone(), now.clone()], Some(date.1)),
            (vec![(header::ETAG, "W/\"1-2\""), date.clone(), now.clone()], Some(date.1)),
            (vec![(header::ETAG, "W/\"1-2\"")], None),
            (vec![date.clone(), (header::DATE, "Wed, 15 Jun 2016 18:57:24 GMT")], None),
            (vec![etag.clone(), (header::ACCEPT_RANGES, "none")], None),
            (vec![etag, (header::ACCEPT_RANGES, "bytes")], Some("\"1-2\"")),
            (vec![], None),
        ] {
            let info = whole(&headers(&given), Some(10), false);
            assert_eq!(info.same.as_deref(), expected, "{given:?}");
            assert_eq!(info.rest(5).is_some(), expected.is_some());
        }
        let rest = Get::Rest { from: 5, total: None, same: "\"1-2\"".to_owned() };
        let asked = rest.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
        assert_eq!(asked, ["range: bytes=5-", "if-range: \"1-2\""]);
    }
}
