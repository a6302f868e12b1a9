//! What a body must hash to, and the hashing.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use shared_model::hex::hex;
use thiserror::Error;

/// A checksum as requests give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    /// As [`ALGORITHMS`] has it.
    algorithm: &'static str,
    /// Lower-case hex.
    value: String,
}

/// The algorithms that Diego and Cloud Controller know, by their names on the wire.
const ALGORITHMS: [Algorithm; 4] = [
    ("md5", || Box::new(Md5::new())),
    ("sha1", || Box::new(Sha1::new())),
    (SHA256, || Box::new(Sha256::new())),
    ("sha512", || Box::new(Sha512::new())),
];

const SHA256: &str = "sha256";

/// A name, and what begins a checksum.
type Algorithm = (&'static str, fn() -> Hasher);

/// A checksum being made.
type Hasher = Box<dyn sha2::digest::DynDigest>;

/// A checksum that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ChecksumError {
    #[error("unknown checksum algorithm {0:?} (known: md5, sha1, sha256, sha512)")]
    UnknownAlgorithm(String),
    #[error("{value:?} is no {algorithm} checksum: {algorithm} has {digits} hex digits")]
    NoSuchValue {
        algorithm: &'static str,
        /// As the request has it.
        value: String,
        digits: usize,
    },
}

/// What hashes as `algorithm` does; `None` where nobody knows that.
fn hasher(algorithm: &str) -> Option<(&'static str, Hasher)> {
    // Requests say `sha256`, image layers say `SHA256`.
    let known = ALGORITHMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(algorithm));
    known.map(|(name, new)| (*name, new()))
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
        let of_server = || Some((ChecksumSource::Server, Checksum { algorithm: "md5", value: server? }));
        let wanted = request.map(|checksum| (ChecksumSource::Request, checksum)).or_else(of_server);
        let algorithm = wanted.as_ref().map(|(_, checksum)| checksum.algorithm);
        let other = algorithm.filter(|algorithm| *algorithm != SHA256).and_then(hasher).map(|(_, hasher)| hasher);
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
        let found = self.other.map_or_else(|| sha256.clone(), |hasher| hex(&finished(hasher)));
        if found == wanted { Ok(sha256) } else { Err(Mismatch { by, algorithm, wanted, found }) }
    }
}

fn finished(mut hasher: Hasher) -> Vec<u8> {
    let mut sum = vec![0; hasher.output_size()];
    hasher.finalize_into_reset(&mut sum).expect("there are as many bytes as it says");
    sum
}

impl Checksum {
    /// The algorithm's name: `sha256`.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm
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
        let (known, hasher) = hasher(algorithm).ok_or_else(|| ChecksumError::UnknownAlgorithm(algorithm.to_owned()))?;
        let digits = hasher.output_size() * 2;
        if value.len() != digits || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChecksumError::NoSuchValue { algorithm: known, value: value.to_owned(), digits });
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
        assert_eq!(unknown, "unknown checksum algorithm \"crc32\" (known: md5, sha1, sha256, sha512)");
        let short = Checksum::parse(Some("md5"), Some("xyz")).unwrap_err().to_string();
        assert_eq!(short, "\"xyz\" is no md5 checksum: md5 has 32 hex digits");
    }
}
