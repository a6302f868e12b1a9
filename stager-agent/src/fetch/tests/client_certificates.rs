//! Servers that want to know who we are.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_client::{ClientError, OwnCertificate, OwnCertificateError, TrustError};
use rcgen::KeyPair;
use std::path::PathBuf;

/// Made for these tests; it opens nothing.
const RSA_KEY: &str = include_str!("rsa_key_of_a_test.pem");

/// Files in a directory of their own.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn with(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// What PKCS#8 wraps: an RSA key as PKCS#1 has it, or one of an elliptic curve as SEC1 has it.
fn unwrapped(pkcs8: &[u8]) -> Vec<u8> {
    let inside = |der: &[u8]| -> (usize, usize) {
        let long = usize::from(der[1].saturating_sub(0x80));
        let length = der[2..2 + long].iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
        (2 + long, if long == 0 { usize::from(der[1]) } else { length })
    };
    let mut rest = &pkcs8[inside(pkcs8).0..];
    for _version_and_algorithm in 0..2 {
        let (start, length) = inside(rest);
        rest = &rest[start + length..];
    }
    let (start, length) = inside(rest);
    rest[start..start + length].to_vec()
}

fn showing(own: Option<OwnCertificate>) -> Result<Http, ClientError> {
    let timeouts = Timeouts { back_off: Duration::from_millis(5), ..Timeouts::default() };
    Http::new(&Trust { files: Vec::new(), folder: None, verify: Verify::Skip, own }, timeouts)
}

#[test]
fn keys_of_every_form_open_a_server_that_asks_for_a_certificate() {
    let authority = TestAuthority::for_host("localhost");
    let server = Server::exclusive(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let (curve, rsa) = (KeyPair::generate().unwrap(), KeyPair::from_pem(RSA_KEY).unwrap());
    for (form, key, text) in [
        ("PKCS#8", &curve, pem("PRIVATE KEY", &curve.serialize_der())),
        ("SEC1", &curve, pem("EC PRIVATE KEY", &unwrapped(&curve.serialize_der()))),
        ("PKCS#8 of RSA", &rsa, RSA_KEY.to_owned()),
        ("PKCS#1", &rsa, pem("RSA PRIVATE KEY", &unwrapped(&rsa.serialize_der()))),
    ] {
        let (files, shown) = (Files::new(), authority.certificate_of_client(key));
        let apart = OwnCertificate { certificate: files.with("own.pem", &shown), key: Some(files.with("key", &text)) };
        let together = OwnCertificate { certificate: files.with("both.pem", &format!("{text}{shown}")), key: None };
        for own in [apart, together] {
            let http = showing(Some(own)).unwrap_or_else(|error| panic!("{form}: {error:?}"));
            assert!(!format!("{http:?}").contains(text.lines().nth(1).unwrap()), "a key is secret");
            Case::new().run(&http, &server.url, None).unwrap_or_else(|error| panic!("{form}: {error:?}"));
        }
    }
}

#[test]
fn a_server_that_wants_another_certificate_or_any_says_so_in_words() {
    let (authority, other) = (TestAuthority::for_host("localhost"), TestAuthority::for_host("elsewhere"));
    let server = Server::exclusive(&authority, |_, _, to| answer(to, 200, "", &tgz(10)));
    let (files, key) = (Files::new(), KeyPair::generate().unwrap());
    let foreign = format!("{}{}", other.certificate_of_client(&key), key.serialize_pem());
    let foreign = OwnCertificate { certificate: files.with("own.pem", &foreign), key: None };
    for (own, words) in [
        (None, "\"localhost\" asks for a client certificate"),
        (Some(foreign), "\"localhost\" does not know the authority of the client certificate"),
    ] {
        let case = Case::new();
        let error = with_causes(&case.run(&showing(own).unwrap(), &server.url, None).unwrap_err());
        assert!(error.ends_with(words), "{error}");
        assert_eq!((server.requests(), case.audience.heard_of("retrying").len()), (0, 0));
    }
}

#[test]
fn a_certificate_of_ours_that_cannot_be_used_is_told_before_anything_is_fetched() {
    let (files, authority) = (Files::new(), TestAuthority::for_host("localhost"));
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = files.with("own.pem", &authority.certificate_of_client(&key));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked_of_old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let fails = |certificate: &Path, key: Option<PathBuf>| {
        let own = OwnCertificate { certificate: certificate.to_owned(), key };
        match showing(Some(own)).unwrap_err() {
            ClientError::Trust(TrustError::Own(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let key_file = |name: &str, text: &str| Some(files.with(name, text));
    assert!(matches!(fails(Path::new("/no/such.pem"), None), OwnCertificateError::Unreadable { .. }));
    assert!(matches!(fails(&certificate, Some("/no/such.key".into())), OwnCertificateError::Unreadable { .. }));
    assert!(matches!(fails(&certificate, None), OwnCertificateError::NoKey { .. }));
    assert!(matches!(fails(&files.with("key", &key.serialize_pem()), None), OwnCertificateError::NoCertificate { .. }));
    assert!(matches!(fails(&certificate, key_file("a", "no key")), OwnCertificateError::NoKey { .. }));
    assert!(matches!(fails(&certificate, key_file("b", locked)), OwnCertificateError::Encrypted { .. }));
    assert!(matches!(fails(&certificate, key_file("c", locked_of_old)), OwnCertificateError::Encrypted { .. }));
    assert!(matches!(fails(&certificate, key_file("d", &other.serialize_pem())), OwnCertificateError::Mismatch { .. }));
    let broken = pem("PRIVATE KEY", b"no key");
    assert!(matches!(fails(&certificate, key_file("e", &broken)), OwnCertificateError::Unusable { .. }));
}
