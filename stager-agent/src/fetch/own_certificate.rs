//! The certificate that the agent shows to servers that ask for one, with its private key. Both are tried on each other
//! before anything is fetched: a server would only say that it does not like them.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads the agent's own certificate and key")]

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnCertificate {
    /// A PEM file: the certificate first, then those that lead from it to the authority, where there are any.
    pub(crate) certificate: PathBuf,
    /// A PEM file with the key, as PKCS#8, PKCS#1 or SEC1; `None`: it is beside the certificate.
    pub(crate) key: Option<PathBuf>,
}

/// Certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnCertificateError {
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM form", path.display())]
    NoKey { path: PathBuf },
    #[error("the private key in {} is encrypted", path.display())]
    Encrypted { path: PathBuf },
    #[error("the private key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch { key: PathBuf, certificate: PathBuf },
    /// Certificate or key are damaged, or of a kind that TLS does not know.
    #[error("the certificate in {} or its private key in {} is damaged or of an unknown kind", certificate.display(), key.display())]
    Unusable { key: PathBuf, certificate: PathBuf },
}

impl OwnCertificate {
    /// What the HTTP client needs to know.
    pub(super) fn load(&self) -> Result<ClientCert, OwnCertificateError> {
        let certificate = || self.certificate.clone();
        let key_path = self.key.as_deref().unwrap_or(&self.certificate);
        let chain = certificates(&read(&self.certificate)?);
        if chain.is_empty() {
            return Err(OwnCertificateError::NoCertificate { path: certificate() });
        }
        let text = read(key_path)?;
        let key = PrivateKey::from_pem(&text).map_err(|_| no_key(key_path, &text))?;
        let checked = PrivateKeyDer::from_pem_slice(&text).map_err(|_| no_key(key_path, &text))?;

        let provider = rustls::crypto::ring::default_provider();
        let der = chain.iter().map(|certificate| certificate.der().to_vec().into()).collect();
        CertifiedKey::from_der(der, checked, &provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                OwnCertificateError::Mismatch { key: key_path.to_owned(), certificate: certificate() }
            }
            _ => OwnCertificateError::Unusable { key: key_path.to_owned(), certificate: certificate() },
        })?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }
}

/// The certificates in `text`, in order; what is none, such as a key beside its certificate, is left out.
pub(super) fn certificates(text: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(text).filter_map(Result::ok);
    let certificate = |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None };
    items.filter_map(certificate).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, OwnCertificateError> {
    fs::read(path).map_err(|cause| OwnCertificateError::Unreadable { path: path.to_owned(), cause })
}

/// Keys with a passphrase say so in their first lines: `BEGIN ENCRYPTED PRIVATE KEY`, `Proc-Type: 4,ENCRYPTED`.
fn no_key(path: &Path, text: &[u8]) -> OwnCertificateError {
    let path = path.to_owned();
    if String::from_utf8_lossy(text).contains("ENCRYPTED") {
        OwnCertificateError::Encrypted { path }
    } else {
        OwnCertificateError::NoKey { path }
    }
}
