//! What a body must hash to, and the hashing.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use shared_model::hex::hex;
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

/// A checksum being made.
enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Of no bytes yet.
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5(Md5::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// Takes more of the body in.
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The checksum of all that was taken in, in lower-case hex.
    fn hex(self) -> String {
        match self {
            Self::Md5(hasher) => hex(&hasher.finalize()),
            Self::Sha1(hasher) => hex(&hasher.finalize()),
            Self::Sha256(hasher) => hex(&hasher.finalize()),
            Self::Sha512(hasher) => hex(&hasher.finalize()),
        }
    }
}

/// What a body hashes to instead.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// Who says what it should be.
    pub(super) by: ChecksumSource,
    /// `sha256`.
    pub(super) algorithm: &'static str,
    /// Hex, as it should be.
    pub(super) wanted: String,
    /// Hex, of the body.
    pub(super) found: String,
}

/// Who says what a body's checksum should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChecksumSource {
    Request,
    /// The server, by an ETag that is an MD5.
    Server,
}

/// The checksums of a body, while it is read: the sha256 always, and what it is compared with.
pub(super) struct Digests {
    sha256: Sha256,
    wanted: Option<(ChecksumSource, Checksum)>,
    /// Of another algorithm than sha256, where `wanted` has one.
    other: Option<Hasher>,
}

impl Digests {
    /// Compares with the request's checksum; where it gives none, with the server's MD5.
    pub(super) fn compared_with(request: Option<Checksum>, server: Option<String>) -> Self {
        let of_server = || Some((ChecksumSource::Server, Checksum { algorithm: Algorithm::Md5, value: server? }));
        let wanted = request.map(|checksum| (ChecksumSource::Request, checksum)).or_else(of_server);
        let algorithm = wanted.as_ref().map(|(_, checksum)| checksum.algorithm);
        let other = algorithm.filter(|algorithm| *algorithm != Algorithm::Sha256).map(Hasher::new);
        Self { sha256: Sha256::new(), wanted, other }
    }

    /// Takes more of the body in.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(hasher) = &mut self.other {
            hasher.update(bytes);
        }
    }

    /// The sha256 of all that was taken in, in lower-case hex; an error where it is not what it should be.
    pub(super) fn compare(self) -> Result<String, Mismatch> {
        let sha256 = hex(&self.sha256.finalize());
        let Some((by, Checksum { algorithm, value: wanted })) = self.wanted else { return Ok(sha256) };
        let found = self.other.map_or_else(|| sha256.clone(), Hasher::hex);
        if found == wanted { Ok(sha256) } else { Err(Mismatch { by, algorithm: algorithm.name(), wanted, found }) }
    }
}

impl Checksum {
    /// The algorithm's name: `sha256`.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Lower-case hex.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(algorithm: &str, value: &str, body: &[u8]) -> bool {
        let checksum = Checksum::parse(Some(algorithm), Some(value)).unwrap().unwrap();
        let mut digests = Digests::compared_with(Some(checksum), None);
        digests.update(body);
        digests.compare().is_ok()
    }

    #[test]
    fn every_algorithm_knows_its_sum_of_abc_in_either_case() {
        let sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                      2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        for (algorithm, value) in [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("SHA256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
            ("sha512", sha512),
        ] {
            assert!(checked(algorithm, value, b"abc"), "{algorithm}");
            assert!(!checked(algorithm, value, b"abd"), "{algorithm}");
        }
    }

    #[test]
    fn the_server_is_asked_only_where_the_request_says_nothing() {
        let (wrong, right) = ("0".repeat(32), "900150983cd24fb0d6963f7d28e17f72".to_owned());
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let checksum = Checksum::parse(Some("sha256"), Some(sha256)).unwrap();
        for (request, server, expected) in [
            (None, None, Ok(sha256)),
            (None, Some(&right), Ok(sha256)),
            (None, Some(&wrong), Err(ChecksumSource::Server)),
            (checksum, Some(&wrong), Ok(sha256)),
        ] {
            let mut digests = Digests::compared_with(request, server.cloned());
            digests.update(b"abc");
            assert_eq!(digests.compare().map_err(|mismatch| mismatch.by), expected.map(str::to_owned));
        }
    }

    #[test]
    fn an_absent_or_empty_checksum_is_none() {
        for (algorithm, value) in [(None, None), (Some(""), Some("")), (Some("md5"), None), (None, Some("ab"))] {
            assert_eq!(Checksum::parse(algorithm, value), Ok(None));
        }
    }

    #[test]
    fn an_algorithm_or_value_that_cannot_be_meant_is_an_error() {
        let unknown = Checksum::parse(Some("crc32"), Some("ab")).unwrap_err().to_string();
        assert_eq!(unknown, "checksum algorithm \"crc32\" is none of md5, sha1, sha256, sha512");
        let short = Checksum::parse(Some("md5"), Some("xyz")).unwrap_err().to_string();
        assert_eq!(short, "\"xyz\" is no md5 checksum: md5 has 32 hex digits");
    }
}
