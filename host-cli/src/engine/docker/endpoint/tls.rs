//! The files of a TLS connection, read and tried on each other before anything is sent: an engine would only say that it
//! does not like them.

#![expect(clippy::disallowed_methods, reason = "the leaf that reads certificates and keys")]

use crate::engine::connect_error::ConnectError;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod no_verifier;

/// The names that docker gives the files.
pub(super) const AUTHORITIES: &str = "ca.pem";
const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

/// Where systems keep the authorities that they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::docker) struct TlsFiles {
    /// Whether the engine must prove who it is.
    pub(super) verify: bool,
    /// Who may vouch for it; `None`: whom this machine trusts.
    pub(super) authorities: Option<PathBuf>,
    /// Our certificate, for an engine that asks for one.
    pub(super) certificate: Option<PathBuf>,
    /// The private key of that certificate.
    pub(super) key: Option<PathBuf>,
    /// Where certificate and key would be.
    folder: PathBuf,
}

impl TlsFiles {
    /// Those of docker's three files that the folder holds.
    pub(super) fn find_in(folder: &Path) -> Self {
        // What is there and cannot be looked at counts: reading it says why.
        let there = |name| Some(folder.join(name)).filter(|path| path.try_exists().unwrap_or(true));
        Self {
            verify: true,
            authorities: there(AUTHORITIES),
            certificate: there(CERTIFICATE),
            key: there(KEY),
            folder: folder.to_owned(),
        }
    }

    /// Whether there is any file.
    pub(super) fn any(&self) -> bool {
        self.authorities.is_some() || self.certificate.is_some() || self.key.is_some()
    }

    /// The certificate that is shown; `None` where there is none.
    pub(in crate::engine::docker) fn shown(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// The file with the authorities that are trusted.
    pub(in crate::engine::docker) fn trusted(&self) -> PathBuf {
        let bundle = || BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
        self.authorities.clone().or_else(bundle).unwrap_or_else(|| self.folder.join(AUTHORITIES))
    }

    /// What the TLS library needs to know.
    pub(in crate::engine::docker) fn load(&self) -> Result<ClientConfig, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.verify {
            let (authorities, named) = self.trusted_certificates()?;
            let verifier = tls_trust::verifier(authorities, named, Arc::clone(&provider));
            verifier.map_err(|_| ConnectError::NoCertificate { path: self.trusted() })?
        } else {
            Arc::new(no_verifier::NoVerifier::new(&provider))
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectError::Tunnel { cause: std::io::Error::other(error) })?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let (certificate, key) = match (&self.certificate, &self.key) {
            (None, None) => return Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(there), None) => return Err(self.half(there, KEY)),
            (None, Some(there)) => return Err(self.half(there, CERTIFICATE)),
        };
        let (chain, secret) = (certificates(certificate, "our certificate")?, private_key(key)?);
        let fits = CertifiedKey::from_der(chain.clone(), secret.clone_key(), &provider);
        let files = || (key.clone(), certificate.clone());
        let unusable = |error| match (error, files()) {
            (rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch), (key, certificate)) => {
                ConnectError::Mismatch { key, certificate }
            }
            (_, (key, certificate)) => ConnectError::Unusable { key, certificate },
        };
        fits.map_err(unusable)?;
        builder.with_client_auth_cert(chain, secret).map_err(unusable)
    }

    fn half(&self, there: &Path, missing: &str) -> ConnectError {
        ConnectError::Half { there: there.to_owned(), missing: self.folder.join(missing) }
    }

    /// Who may vouch for the engine, and the certificates that it may show itself: those of a file that is named.
    fn trusted_certificates(&self) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), ConnectError> {
        let path = self.trusted();
        if self.authorities.is_none() && !path.exists() {
            return Err(ConnectError::NoAuthorities);
        }
        let what = "the engine's CA";
        let (found, named) = if self.authorities.is_some() {
            let found = certificates(&path, what)?;
            (found.clone(), found)
        } else {
            // A system's bundle may hold old ones that the library does not take.
            (tls_trust::certificates(&read(&path, what)?).0, Vec::new())
        };
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(found);
        if authorities.is_empty() { Err(ConnectError::NoCertificate { path }) } else { Ok((authorities, named)) }
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let (found, bad) = tls_trust::certificates(&read(path, what)?);
    let path = path.to_owned();
    match (found.is_empty(), bad.is_empty()) {
        (_, false) => Err(ConnectError::BadBlocks { path, bad: tls_trust::listed(&bad) }),
        (true, true) => Err(ConnectError::NoCertificate { path }),
        (false, true) => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConnectError> {
    let text = read(path, "our private key")?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let path = path.to_owned();
        // Keys with a passphrase say so in their first lines: `BEGIN ENCRYPTED PRIVATE KEY`, `Proc-Type: 4,ENCRYPTED`.
        let encrypted = String::from_utf8_lossy(&text).contains("ENCRYPTED");
        if encrypted { ConnectError::EncryptedKey { path } } else { ConnectError::NoKey { path } }
    })
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, ConnectError> {
    fs::read(path).map_err(|cause| ConnectError::Unreadable { what, path: path.to_owned(), cause })
}
