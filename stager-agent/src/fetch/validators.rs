//! What a server says to know a body again by, and whether an ETag is a checksum in disguise.

use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;

/// The validators of an answer, as HTTP has them; sent back, they ask for the body only if it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    /// `"5f3a-2b1"` with its quotation marks; `None` where the server gave none.
    pub(crate) etag: Option<String>,
    /// An HTTP date; `None` where the server gave none.
    pub(crate) last_modified: Option<String>,
}

/// What is there already, and what it takes to believe that the server still has the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// There is nothing.
    Nothing,
    /// Somebody vouched for it, so the server's word will do: not modified. The validators may be empty.
    Vouched(Validators),
    /// Nobody did. Whoever sent it may have copied a validator, so a server's word says nothing: all that the server
    /// tells of its own must be what was told of this one.
    Unverified {
        /// Its own; may be empty, and then nothing agrees with it.
        validators: Validators,
        /// Bytes of the one that is there.
        length: u64,
    },
}

/// Hex digits of an MD5.
const MD5_DIGITS: usize = 32;
/// A date that is younger may stand for two bodies: it counts whole seconds, and clocks differ.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);

impl Known {
    /// Its validators; `None`: there is nothing, or it came without any, and no server can be asked about it.
    pub(crate) fn validators(&self) -> Option<&Validators> {
        match self {
            Self::Nothing => None,
            Self::Vouched(validators) | Self::Unverified { validators, .. } => {
                Some(validators).filter(|validators| !validators.is_empty())
            }
        }
    }

    /// What may spare a fetch of it; empty, and then nothing does, where the server's word does not suffice.
    pub(crate) fn condition(&self) -> Validators {
        match self {
            Self::Vouched(validators) => validators.clone(),
            Self::Nothing | Self::Unverified { .. } => Validators::default(),
        }
    }
}

impl Validators {
    /// Whether the server gave none.
    pub(super) fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// What to ask for a part of the same body with (If-Range): a strong ETag, else the date if it was old enough when
    /// the answer was made (`now`, its Date). `None`: parts of two bodies could not be told apart.
    pub(super) fn for_range(&self, now: Option<&str>) -> Option<&str> {
        if let Some(etag) = self.etag.as_deref().filter(|etag| etag.starts_with('"')) {
            return Some(etag);
        }
        let date = |text| DateTimeParser::new().parse_timestamp(text).ok();
        let (modified, now) = (self.last_modified.as_deref()?, date(now?)?);
        (now.duration_since(date(modified)?) >= SETTLED).then_some(modified)
    }

    /// The body's MD5 in lower-case hex, where the ETag is one: a strong one of 32 hex digits, as Diego takes it.
    pub(super) fn md5(&self) -> Option<String> {
        let digits = self.etag.as_deref()?.trim().trim_matches('"');
        let is_md5 = digits.len() == MD5_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_md5.then(|| digits.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_an_md5_only_when_it_is_strong_and_has_its_form() {
        for (etag, expected) in [
            (Some("\"900150983CD24FB0D6963F7D28E17F72\""), Some("900150983cd24fb0d6963f7d28e17f72")),
            (Some("900150983cd24fb0d6963f7d28e17f72"), Some("900150983cd24fb0d6963f7d28e17f72")),
            (Some("W/\"900150983cd24fb0d6963f7d28e17f72\""), None),
            (Some("\"900150983cd24fb0d6963f7d28e17f72-2\""), None), // of several parts, as S3 has it
            (Some("\"5761a2f3-2cb3d33\""), None),
            (None, None),
        ] {
            let validators = Validators { etag: etag.map(str::to_owned), last_modified: None };
            assert_eq!(validators.md5().as_deref(), expected, "{etag:?}");
        }
    }
}
