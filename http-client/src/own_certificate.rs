//! The certificate that the agent shows to servers that ask for one, with its private key. Both are tried on each other
//! before anything is fetched: a server would only say that it does not like them.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads the agent's own certificate and key")]

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tls_trust::BadBlock;

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// A PEM file: the certificate first, then those that lead from it to the authority, where there are any.
    pub certificate: PathBuf,
    /// A PEM file with the key, as PKCS#8, PKCS#1 or SEC1; `None`: it is beside the certificate.
    pub key: Option<PathBuf>,
}

/// Certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the text beside each says what it is, and names its fields")]
pub enum OwnCertificateError {
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate { path: PathBuf },
    /// Some blocks of the file are no certificates.
    #[error("cannot use the certificates in {}: {}", path.display(), tls_trust::listed(bad))]
    BadBlocks {
        path: PathBuf,
        /// At least one.
        bad: Vec<BadBlock>,
    },
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
    /// The certificate, those that lead from it to the authority, and the key.
    pub(crate) fn load(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), OwnCertificateError> {
        let certificate = || self.certificate.clone();
        let key_path = self.key.as_deref().unwrap_or(&self.certificate);
        let (chain, bad) = tls_trust::certificates(&read(&self.certificate)?);
        if !bad.is_empty() {
            return Err(OwnCertificateError::BadBlocks { path: certificate(), bad });
        }
        if chain.is_empty() {
            return Err(OwnCertificateError::NoCertificate { path: certificate() });
        }
        let text = read(key_path)?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| no_key(key_path, &text))?;

        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                OwnCertificateError::Mismatch { key: key_path.to_owned(), certificate: certificate() }
            }
            _ => OwnCertificateError::Unusable { key: key_path.to_owned(), certificate: certificate() },
        })?;
        Ok((chain, key))
    }
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
