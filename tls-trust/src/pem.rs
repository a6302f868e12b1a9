//! The certificates of a PEM file. Text between its blocks is allowed, as `openssl` writes it; so are a key beside its
//! certificate, a byte order mark, and blanks around lines. What cannot be read is told with its line: one authority that
//! is silently missing is searched for hours.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// Characters of a label that are shown.
const ENOUGH: usize = 40;

/// A block that is no certificate, though it should be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadBlock {
    /// Of its BEGIN, from 1.
    pub line: usize,
    /// What is wrong with it: `is not base64`.
    pub what: String,
}

impl fmt::Display for BadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the block in line {} {}", self.line, self.what)
    }
}

/// Several bad blocks in one line, in their order; empty where there is none.
#[must_use]
pub fn listed(blocks: &[BadBlock]) -> String {
    blocks.iter().map(BadBlock::to_string).collect::<Vec<_>>().join("; ")
}

/// The certificates of `file` in their order, and the blocks that cannot be read. Keys, lists of revoked certificates and
/// requests for certificates are neither.
#[must_use]
pub fn certificates(file: &[u8]) -> (Vec<CertificateDer<'static>>, Vec<BadBlock>) {
    let (mut found, mut bad) = (Vec::new(), Vec::new());
    for block in blocks(&String::from_utf8_lossy(file)) {
        match block.certificate() {
            Ok(certificate) => found.extend(certificate),
            Err(what) => bad.push(BadBlock { line: block.line, what }),
        }
    }
    (found, bad)
}

/// A block as it stands in the file.
struct Block<'t> {
    /// Of its BEGIN, from 1.
    line: usize,
    /// What stands behind BEGIN; `None` where the line does not end as it should.
    label: Option<&'t str>,
    /// The lines behind it, without blanks around them.
    body: Vec<&'t str>,
    /// Whether its END came, with the same label.
    ended: bool,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix(BEGIN) {
            let label = rest.strip_suffix(DASHES);
            blocks.push(Block { line: index + 1, label, body: Vec::new(), ended: false });
            open = true;
        } else if let Some(block) = blocks.last_mut().filter(|_| open) {
            match line.strip_prefix(END) {
                Some(rest) => {
                    block.ended = rest.strip_suffix(DASHES) == block.label;
                    open = false;
                }
                None => block.body.push(line),
            }
        }
    }
    blocks
}

impl Block<'_> {
    /// `None`: it is something else that may stand there. `Err` has what is wrong with it, for people.
    fn certificate(&self) -> Result<Option<CertificateDer<'static>>, String> {
        let label = self.label.ok_or("has a first line that does not end with -----")?;
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => {}
            "TRUSTED CERTIFICATE" => {
                return Err(
                    "is of OpenSSL's own kind TRUSTED CERTIFICATE; `openssl x509 -in FILE` prints it as others have it"
                        .to_owned(),
                );
            }
            other if is_no_certificate(other) => return Ok(None),
            other => return Err(format!("is {:?}, not CERTIFICATE", other.chars().take(ENOUGH).collect::<String>())),
        }
        if !self.ended {
            return Err(format!("has no line {END}{label}{DASHES}"));
        }
        let plain = format!("{BEGIN}CERTIFICATE{DASHES}\n{}\n{END}CERTIFICATE{DASHES}\n", self.body.join("\n"));
        let certificate = CertificateDer::from_pem_slice(plain.as_bytes()).map_err(|_| "is not base64")?;
        RootCertStore::empty().add(certificate.clone()).map_err(|_| "is base64, but not of a certificate")?;
        Ok(Some(certificate))
    }
}

/// Whether what has this label may stand beside certificates.
fn is_no_certificate(label: &str) -> bool {
    ["PRIVATE KEY", "PUBLIC KEY", "PARAMETERS", "CERTIFICATE REQUEST", "CRL"].iter().any(|end| label.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn pem() -> String {
        CertificateParams::new(vec!["h".to_owned()]).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// How many certificates there are, and the complaints.
    fn read(text: &str) -> (usize, String) {
        let (found, bad) = certificates(text.as_bytes());
        (found.len(), listed(&bad))
    }

    #[test]
    fn text_between_blocks_and_keys_beside_them_are_no_trouble() {
        let (one, key) = (pem(), KeyPair::generate().unwrap().serialize_pem());
        let described = format!("Certificate:\n    Data: -----\nsubject=CN=a\n{one}\n# another\n{}{key}trailer", pem());
        assert_eq!(read(&described), (2, String::new()));
        assert_eq!(read(&described.replace('\n', "\r\n")), (2, String::new()));
        assert_eq!(read(&format!("\u{feff}{one}")), (1, String::new()));
        assert_eq!(read(&one.replace('\n', "  \n  ")), (1, String::new()));
        assert_eq!(read(&one.replace("CERTIFICATE", "X509 CERTIFICATE")), (1, String::new()));
        assert_eq!(read(""), (0, String::new()));
        assert_eq!(read("no certificate"), (0, String::new()));
    }

    #[test]
    fn a_block_that_cannot_be_read_is_told_with_its_line_and_the_others_are_read() {
        let good = pem();
        let lines = good.lines().count();
        let cut = good.replace("-----END CERTIFICATE-----\n", "");
        for (bad, what) in [
            (good.replacen("MI", "M!", 1), "is not base64".to_owned()),
            (good.replacen("MI", "MA", 1), "is base64, but not of a certificate".to_owned()),
            (cut.clone(), "has no line -----END CERTIFICATE-----".to_owned()),
            (good.replace("END CERTIFICATE", "END CERT"), "has no line -----END CERTIFICATE-----".to_owned()),
            (good.replacen("-----\n", "\n", 1), "has a first line that does not end with -----".to_owned()),
            (good.replace("CERTIFICATE", "CERTIFCATE"), "is \"CERTIFCATE\", not CERTIFICATE".to_owned()),
            (
                good.replace("CERTIFICATE", &"\u{1b}".repeat(90)),
                format!("is \"{}\", not CERTIFICATE", "\\u{1b}".repeat(40)),
            ),
        ] {
            let (found, told) = read(&format!("# first\n{good}{bad}{good}"));
            assert_eq!((found, told), (2, format!("the block in line {} {what}", lines + 2)));
        }
        let (found, told) = read(&good.replace("CERTIFICATE", "TRUSTED CERTIFICATE"));
        assert!(found == 0 && told.starts_with("the block in line 1 is of OpenSSL's own kind"), "{told}");
        let (found, told) = read(&format!("{cut}{cut}"));
        assert_eq!((found, told.matches("has no line").count()), (0, 2), "{told}");
    }
}
