//! What a body must hash to, and the hashing.

use thiserror::Error;

/// A checksum as requests give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    algorithm: Algorithm,
    /// Lower-case hex.
    value: String,
}

/// The algorithms that Diego and Cloud Controller know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// 32 hex digits.
    Md5,
    /// 40 hex digits.
    Sha1,
    /// 64 hex digits.
    Sha256,
    /// 128 hex digits.
    Sha512,
}

/// A checksum that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ChecksumError {
    /// Neither md5, sha1, sha256 nor sha512.
    #[error("checksum algorithm {0:?} is none of md5, sha1, sha256, sha512")]
    UnknownAlgorithm(String),
    /// The value is no hex, or has the wrong length.
    #[error("{value:?} is no {algorithm} checksum: {algorithm} has {digits} hex digits")]
    NoSuchValue {
        /// The algorithm's name.
        algorithm: &'static str,
        /// As the request has it.
        value: String,
        /// How many there should be.
        digits: usize,
    },
}

impl Algorithm {
    /// The name on the wire: `sha256`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    const fn hex_digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    fn named(name: &str) -> Option<Self> {
        // Requests say `sha256`, image layers say `SHA256`.
        let wanted = name.to_ascii_lowercase();
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.name() == wanted)
    }
}

impl Checksum {
    /// Reads a request's two strings. An absent or empty algorithm or value means: not checked (`Ok(None)`), as in Diego.
    ///
    /// # Errors
    /// An unknown algorithm, or a value that the algorithm cannot give.
    pub(crate) fn parse(algorithm: Option<&str>, value: Option<&str>) -> Result<Option<Self>, ChecksumError> {
        let (Some(algorithm), Some(value)) = (algorithm.filter(|s| !s.is_empty()), value.filter(|s| !s.is_empty()))
        else {
            return Ok(None);
        };
        let known = Algorithm::named(algorithm).ok_or_else(|| ChecksumError::UnknownAlgorithm(algorithm.to_owned()))?;
        if value.len() != known.hex_digits() || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChecksumError::NoSuchValue {
                algorithm: known.name(),
                value: value.to_owned(),
                digits: known.hex_digits(),
            });
        }
        Ok(Some(Self { algorithm: known, value: value.to_ascii_lowercase() }))
    }
}
