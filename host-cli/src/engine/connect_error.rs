//! Why there is no way to an engine: where it was looked for, what stood in the way, and what to try. None of these texts
//! holds more of a configuration file or a key than its place.

mod advice;

use shared_model::plain_line::escape_control;
use shared_model::safe_url::SafeUrl;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Who says where the engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// Nobody: it is where an engine usually is.
    #[default]
    Nobody,
    /// `DOCKER_HOST`, in place of this docker context where there is one.
    Host { instead_of: Option<String> },
    /// A docker context.
    Context { name: String, chosen_by: ChosenBy },
}

/// Who chose a docker context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChosenBy {
    /// `DOCKER_CONTEXT`.
    Variable,
    /// `currentContext` in this file.
    File(PathBuf),
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => Ok(()),
            Self::Host { instead_of: None } => f.write_str(" (DOCKER_HOST)"),
            Self::Host { instead_of: Some(context) } => {
                write!(f, " (DOCKER_HOST, which overrides the docker context {context:?})")
            }
            Self::Context { name, .. } => write!(f, " (docker context {name:?})"),
        }
    }
}

impl fmt::Display for ChosenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str("DOCKER_CONTEXT"),
            Self::File(path) => write!(f, "currentContext in {}", path.display()),
        }
    }
}

/// No way to an engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// No engine listens there, or the connection broke. `elsewhere`: sockets of other engines.
    #[error("cannot connect to the Docker Engine at {address}{by}: {reason}")]
    Nobody { address: String, by: NamedBy, reason: String, elsewhere: Box<[PathBuf]> },
    /// The socket is closed to this user.
    #[error("this user may not use the Docker Engine at {address}{by}: {reason}")]
    Closed { address: String, by: NamedBy, reason: String, elsewhere: Box<[PathBuf]> },
    /// The address is none.
    #[error("{} is not the address of a Docker Engine{by}: {reason}", escape_control(&host.to_string()))]
    Address { host: SafeUrl, by: NamedBy, reason: &'static str },
    /// It is to be reached by ssh: `there` in ssh's own words, the engine's socket there.
    #[error("host-cli cannot reach a Docker Engine by ssh{by}")]
    Ssh { there: String, socket: String, by: NamedBy },
    /// Something answers there, but not in HTTP.
    #[error("what answers at {address}{by} does not speak HTTP")]
    NotHttp { address: String, by: NamedBy },
    /// `DOCKER_API_VERSION` is no version.
    #[error("DOCKER_API_VERSION={value:?} is no API version")]
    Version { value: String },
    /// The engine speaks nothing that is as old as we are.
    #[error("the Docker Engine at {address} speaks API {oldest} and newer; this host-cli knows {ours} and older")]
    TooNew { address: String, oldest: String, ours: String },
    /// A file of docker's own configuration cannot be read.
    #[error("cannot read docker's configuration in {}: {cause}", path.display())]
    Configuration { path: PathBuf, cause: io::Error },
    /// A certificate or key cannot be read.
    #[error("cannot read {what} in {}: {cause}", path.display())]
    Unreadable { what: &'static str, path: PathBuf, cause: io::Error },
    /// docker's configuration file is no JSON.
    #[error("{} is not as docker writes it: line {line}, column {column}", path.display())]
    Malformed { path: PathBuf, line: usize, column: usize },
    /// There is no such context.
    #[error("no docker context {name:?}; {chosen_by} chooses it")]
    NoContext { name: String, chosen_by: ChosenBy },
    /// There is, but it names no engine.
    #[error("the docker context {name:?} names no Docker Engine")]
    ContextWithoutEngine { name: String },
    /// No certificate in the file.
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate { path: PathBuf },
    /// Blocks of the file are no certificates.
    #[error("cannot use the certificates in {}: {bad}", path.display())]
    BadBlocks { path: PathBuf, bad: String },
    /// No key in the file.
    #[error("{} holds no private key in PEM form", path.display())]
    NoKey { path: PathBuf },
    /// The key needs a passphrase.
    #[error("the private key in {} is encrypted", path.display())]
    EncryptedKey { path: PathBuf },
    /// Of certificate and key only one is there.
    #[error("{} is there, but {} is not", there.display(), missing.display())]
    Half { there: PathBuf, missing: PathBuf },
    /// The key is another certificate's.
    #[error("the private key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch { key: PathBuf, certificate: PathBuf },
    /// Certificate or key are damaged.
    #[error("the certificate in {} or its key in {} is damaged or of an unknown kind", certificate.display(), key.display())]
    Unusable { key: PathBuf, certificate: PathBuf },
    /// This machine knows no authorities, and none was named.
    #[error("no trusted authorities: there is no ca.pem, and this machine has no bundle of certificates")]
    NoAuthorities,
    /// The tunnel of a TLS connection cannot be made.
    #[error("no socket can be made for TLS to the Docker Engine: {cause}")]
    Tunnel { cause: io::Error },
    /// TLS came to nothing.
    #[error("TLS to the Docker Engine at {address}: {wrong}")]
    Tls { address: String, wrong: TlsError },
}

/// What went wrong between our TLS and the engine's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate is of an authority that is not in the file `trusted`.
    #[error("its certificate is not of an authority in {}", trusted.display())]
    UnknownAuthority { trusted: PathBuf },
    /// The certificate is for `names` only; empty where the library does not tell them.
    #[error("its certificate is for another host{}", also(names))]
    OtherHost { names: Vec<String> },
    /// The certificate has expired.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// It shows an authority's certificate as its own.
    #[error("it shows an authority's certificate, not a server's")]
    AuthorityAsServer,
    /// It wants to see a certificate.
    #[error("it demands a client certificate, and none was found")]
    NothingToShow,
    /// It refuses our certificate, the file `shown`; `how` is a verb.
    #[error("it {how} the client certificate in {}", shown.display())]
    Refused { how: &'static str, shown: PathBuf },
    /// It hung up where it would if it refused ours.
    #[error("it hung up right after the handshake, as one does that refuses the client certificate{}", shown_in(shown.as_ref()))]
    HungUp { shown: Option<PathBuf> },
    /// It does not speak TLS.
    #[error("it does not answer in TLS")]
    Plain,
    /// It speaks TLS, and we did not.
    #[error("it speaks TLS only, and nothing says that host-cli should")]
    Wanted,
    /// It speaks no TLS that is still safe.
    #[error("it speaks only versions or ciphers of TLS that are not safe any more")]
    TooOld,
    /// In the library's words.
    #[error("{reason}")]
    Other { reason: String },
}

fn also(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(": {}", escape_control(&names.join(", "))) }
}

fn shown_in(shown: Option<&PathBuf>) -> String {
    shown.map_or_else(String::new, |path| format!(" in {}", path.display()))
}
