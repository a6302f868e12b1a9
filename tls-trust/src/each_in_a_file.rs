//! Authorities as Diego lays them into a container: a folder of `*.crt` files with one certificate each, which the CA bundles of
//! most languages can be pointed to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;

/// Characters of a line of PEM.
const LINE: usize = 64;

/// A file's name and its PEM for each certificate, in their order: `ca-1.crt`, `ca-2.crt`.
#[must_use]
pub fn each_in_a_file(certificates: &[CertificateDer<'_>]) -> Vec<(String, String)> {
    let file = |(index, certificate)| (format!("ca-{}.crt", index + 1), pem(certificate));
    certificates.iter().enumerate().map(file).collect()
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = &*STANDARD.encode(certificate);
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates;

    #[test]
    fn each_certificate_of_a_bundle_is_in_a_file_of_its_own_and_is_the_same() {
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem();
        let (first, second) = (made("a"), made("b"));
        let (bundle, bad) = certificates(format!("a comment\n{first}\n{second}").as_bytes());
        assert!(bad.is_empty());
        let files = each_in_a_file(&bundle);
        let expected =
            [("ca-1.crt", first), ("ca-2.crt", second)].map(|(name, pem)| (name.to_owned(), pem.replace('\r', "")));
        assert_eq!(files, expected);
        assert_eq!(each_in_a_file(&[]), []);
    }
}
