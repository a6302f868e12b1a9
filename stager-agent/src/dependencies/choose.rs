//! Whether an entry of the cache is what a request asks for: a pure decision.

use crate::cache::Facts;
use crate::fetch::{Checksum, Known, Validators};
use http_client::Verify;

/// What to do about an entry whose identity is the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Use it; nobody need be asked.
    Use,
    /// Ask the server whether it has another one than this; where it cannot say, the entry will do.
    Ask(Known),
    /// Fetch anew, and do not use it whatever happens: it is another, or nobody knows who sent it.
    Fetch,
}

/// Decides about an entry from `origin` of which `facts` are known. `checksum` is the request's. `verify` says whether
/// this request looks at certificates; where it does, what came over TLS from who knows whom is not used. Over plain
/// HTTP nothing is verified either way, and the origin says so: such an entry serves requests for the same plain URL.
pub(super) fn choose(facts: &Facts, origin: &str, checksum: Option<&Checksum>, verify: Verify) -> Choice {
    if let Some(wanted) = checksum {
        return if known(facts, wanted) == Some(wanted.value()) { Choice::Use } else { Choice::Fetch };
    }
    if !is_trusted(facts, origin, verify) {
        return Choice::Fetch;
    }
    let validators = Validators { etag: facts.etag.clone(), last_modified: facts.last_modified.clone() };
    Choice::Ask(if facts.verified {
        Known::Vouched(validators)
    } else {
        Known::Unverified { validators, length: facts.packed_bytes }
    })
}

/// The entry's own checksum of the kind that is `wanted`; `None`: nobody has made it.
pub(super) fn known<'f>(facts: &'f Facts, wanted: &Checksum) -> Option<&'f str> {
    match wanted.algorithm() {
        "sha256" => Some(facts.sha256.as_str()),
        other => facts.checksums.get(other).map(String::as_str),
    }
}

/// Whether an entry can be used without a checksum to compare.
pub(super) fn is_trusted(facts: &Facts, origin: &str, verify: Verify) -> bool {
    facts.verified || verify == Verify::Skip || !origin.starts_with("https:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const HTTP: &str = "http://file-server/lifecycle.tgz";
    const HTTPS: &str = "https://blobstore/read/k";

    fn facts(verified: bool) -> Facts {
        Facts {
            sha256: SHA256.to_owned(),
            checksums: [("md5".to_owned(), MD5.to_owned())].into(),
            etag: Some("\"1-2\"".to_owned()),
            packed_bytes: 3,
            verified,
            ..Facts::default()
        }
    }

    fn checksum(algorithm: &str, value: &str) -> Option<Checksum> {
        Checksum::parse(Some(algorithm), Some(value)).unwrap()
    }

    #[test]
    fn a_checksum_of_the_request_decides_alone() {
        for (algorithm, value, expected) in [
            ("sha256", SHA256.to_owned(), Choice::Use),
            ("SHA256", SHA256.to_uppercase(), Choice::Use),
            ("md5", MD5.to_owned(), Choice::Use),
            ("sha256", "0".repeat(64), Choice::Fetch),
            ("md5", "0".repeat(32), Choice::Fetch),
            ("sha1", "0".repeat(40), Choice::Fetch), // the record does not know it
        ] {
            for verified in [true, false] {
                let choice = choose(&facts(verified), HTTPS, checksum(algorithm, &value).as_ref(), Verify::Yes);
                assert_eq!(choice, expected, "{algorithm} {value}");
            }
        }
    }

    #[test]
    fn without_a_checksum_the_server_is_asked_unless_nobody_knows_who_sent_the_entry() {
        let validators = || Validators { etag: Some("\"1-2\"".to_owned()), last_modified: None };
        let ask = Choice::Ask(Known::Vouched(validators()));
        let compare = Choice::Ask(Known::Unverified { validators: validators(), length: 3 });
        for (origin, verified, verify, expected) in [
            (HTTPS, true, Verify::Yes, &ask),
            (HTTPS, true, Verify::Skip, &ask),
            (HTTPS, false, Verify::Skip, &compare),
            (HTTPS, false, Verify::Yes, &Choice::Fetch),
            (HTTP, false, Verify::Yes, &compare),
            (HTTP, true, Verify::Yes, &ask),
        ] {
            assert_eq!(&choose(&facts(verified), origin, None, verify), expected, "{origin} {verified} {verify:?}");
        }
    }
}
