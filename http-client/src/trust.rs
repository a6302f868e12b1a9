//! Whose certificates are believed: the system's authorities, and those that the user and the request add. And which
//! one is shown to servers that ask.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads certificate files")]

use crate::anyone::Anyone;
use crate::own_certificate::{OwnCertificate, OwnCertificateError};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tls_trust::BadBlock;

/// Where systems keep the public authorities: Debian and Alpine, Red Hat, SUSE.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// Where trust comes from, besides the system's own bundle.
#[derive(Clone, Debug)]
pub struct Trust {
    /// PEM files with certificates. Each must be readable and hold at least one.
    pub files: Vec<PathBuf>,
    /// A directory whose `*.crt` and `*.pem` are added; one that does not exist adds nothing, nor does a file in it
    /// without a certificate, or a block that is none: nobody asked for that one by name. See [`Trust::left_out`].
    pub folder: Option<PathBuf>,
    /// Whether certificates are looked at.
    pub verify: Verify,
    /// What is shown to servers that ask who we are; `None`: nothing.
    pub own: Option<OwnCertificate>,
}

/// Whether certificates are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The server's certificate must be signed by an authority that is trusted here.
    Yes,
    /// Any certificate will do. Whoever asks for this warns the user.
    Skip,
}

/// A certificate file cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the text beside each says what it is, and names its fields")]
pub enum TrustError {
    #[error("the client certificate cannot be used")]
    Own(#[from] OwnCertificateError),
    #[error("cannot read the certificates in {}", path.display())]
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
    /// The TLS library does not take what it was given.
    #[error("TLS cannot be set up")]
    Library {
        #[source]
        cause: io::Error,
    },
}

impl Trust {
    /// How TLS is spoken.
    ///
    /// # Errors
    /// One of the named files cannot be used, or the directory cannot be read.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, TrustError> {
        fn unusable(error: impl Error + Send + Sync + 'static) -> TrustError {
            TrustError::Library { cause: io::Error::other(error) }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let named = self.named()?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.verify {
            Verify::Skip => Arc::new(Anyone::new(&provider)), // nobody looks at what is named
            Verify::Yes => {
                let mut authorities = system_authorities();
                authorities.add_parsable_certificates(named.iter().cloned());
                tls_trust::verifier(authorities, named, Arc::clone(&provider)).map_err(unusable)?
            }
        };
        let own = self.own.as_ref().map(OwnCertificate::load).transpose()?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(unusable)?.dangerous().with_custom_certificate_verifier(verifier);
        Ok(Arc::new(match own {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unusable)?,
            None => builder.with_no_client_auth(),
        }))
    }

    /// The certificates that the user names, a file each; empty where none are named.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn authorities(&self) -> Result<Vec<(String, String)>, TrustError> {
        let found: Result<Vec<_>, _> = self.files.iter().map(|path| certificates_in(path)).collect();
        Ok(tls_trust::each_in_a_file(&found?.concat()))
    }

    /// The certificates that the user and the request name.
    fn named(&self) -> Result<Vec<CertificateDer<'static>>, TrustError> {
        let mut named = Vec::new();
        for path in &self.files {
            let found = certificates_in(path)?;
            if found.is_empty() {
                return Err(TrustError::NoCertificate { path: path.clone() });
            }
            named.extend(found);
        }
        for path in self.folder_files()? {
            named.extend(tls_trust::certificates(&read(&path)?).0);
        }
        Ok(named)
    }

    /// What cannot be read of the directory's certificates, in words, a file each. Nobody asked for them by name, so they
    /// are only left out.
    ///
    /// # Errors
    /// The directory or a file in it cannot be read.
    pub fn left_out(&self) -> Result<Vec<String>, TrustError> {
        let mut texts = Vec::new();
        for path in self.folder_files()? {
            let (_, bad) = tls_trust::certificates(&read(&path)?);
            if !bad.is_empty() {
                texts.push(format!("certificates in {} are left out: {}", path.display(), tls_trust::listed(&bad)));
            }
        }
        Ok(texts)
    }

    fn folder_files(&self) -> Result<Vec<PathBuf>, TrustError> {
        Ok(self.folder.as_deref().map(certificate_files).transpose()?.unwrap_or_default())
    }
}

/// A system's bundle may hold old ones that the library does not take; they are left out.
fn system_authorities() -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    for bundle in SYSTEM_BUNDLES.iter().filter_map(|path| fs::read(path).ok()) {
        authorities.add_parsable_certificates(tls_trust::certificates(&bundle).0);
        if !authorities.is_empty() {
            return authorities;
        }
    }
    authorities.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    authorities
}

fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let (certificates, bad) = tls_trust::certificates(&read(path)?);
    if bad.is_empty() { Ok(certificates) } else { Err(TrustError::BadBlocks { path: path.to_owned(), bad }) }
}

fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    fs::read(path).map_err(|cause| TrustError::Unreadable { path: path.to_owned(), cause })
}

fn certificate_files(folder: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let unreadable = |cause| TrustError::Unreadable { path: folder.to_owned(), cause };
    let listing = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in listing {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "crt" || extension == "pem") && path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}
