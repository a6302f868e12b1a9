//! Whose certificates are believed: the system's authorities, and those that the user and the request add. And which
//! one is shown to servers that ask.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads certificate files")]

use super::own_certificate::{OwnCertificate, OwnCertificateError, certificates};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Where systems keep the public authorities: Debian and Alpine, Red Hat, SUSE.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// Where trust comes from, besides the system's own bundle.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// PEM files with certificates. Each must be readable and hold at least one.
    pub(crate) files: Vec<PathBuf>,
    /// A directory whose `*.crt` and `*.pem` are added; one that does not exist adds nothing, nor does a file in it
    /// without a certificate: nobody asked for that one by name.
    pub(crate) folder: Option<PathBuf>,
    /// Whether certificates are looked at.
    pub(crate) verify: Verify,
    /// What is shown to servers that ask who we are; `None`: nothing.
    pub(crate) own: Option<OwnCertificate>,
}

/// Whether certificates are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// The server's certificate must be signed by an authority that is trusted here.
    Yes,
    /// Any certificate will do. Whoever asks for this warns the user.
    Skip,
}

/// A certificate file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TrustError {
    #[error("the agent's own certificate cannot be used")]
    Own(#[from] OwnCertificateError),
    #[error("cannot read the certificates in {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate { path: PathBuf },
}

impl Trust {
    /// What the HTTP client needs to know.
    ///
    /// # Errors
    /// One of the named files cannot be used, or the directory cannot be read.
    pub(super) fn tls(&self) -> Result<TlsConfig, TrustError> {
        let mut roots = match self.verify {
            Verify::Yes => system_roots(),
            Verify::Skip => Vec::new(), // nobody will look at them
        };
        for path in &self.files {
            let found = certificates_in(path)?;
            if found.is_empty() {
                return Err(TrustError::NoCertificate { path: path.clone() });
            }
            roots.extend(found);
        }
        for path in self.folder.as_deref().map(certificate_files).transpose()?.unwrap_or_default() {
            roots.extend(certificates_in(&path)?);
        }
        Ok(TlsConfig::builder()
            .root_certs(RootCerts::from(roots))
            .disable_verification(self.verify == Verify::Skip)
            .client_cert(self.own.as_ref().map(OwnCertificate::load).transpose()?)
            .build())
    }
}

fn system_roots() -> Vec<Certificate<'static>> {
    let bundle = SYSTEM_BUNDLES.iter().filter_map(|path| certificates_in(Path::new(path)).ok());
    bundle.into_iter().find(|found| !found.is_empty()).unwrap_or_else(|| {
        webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root).to_owned()).collect()
    })
}

fn certificates_in(path: &Path) -> Result<Vec<Certificate<'static>>, TrustError> {
    let text = fs::read(path).map_err(|cause| TrustError::Unreadable { path: path.to_owned(), cause })?;
    Ok(certificates(&text))
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
