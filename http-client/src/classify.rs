//! Says in our nouns what the HTTP library complains about. Its own texts quote URLs, headers and redirect targets,
//! which may be secret, so none of them is passed on.

use crate::pace::WINDOW;
use crate::proxy::Proxy;
use crate::timeouts::Timeouts;
use crate::transfer_error::TransferError;
use crate::watched_transport::TOO_SLOW;
use rustls::{AlertDescription, CertificateError};
use std::io;
use ureq::{Error, Timeout};

/// What servers of TLS 1.2 say both of a certificate that they do not like and of none.
const NOT_ACCEPTED: &str = "does not accept the client certificate";
const ASKED_FOR: &str = "asks for a client certificate";

/// What `error` means for a transfer to or from `host`.
pub(crate) fn classify(error: Error, host: &str, timeouts: Timeouts) -> TransferError {
    let host = || host.to_owned();
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {:?}", timeouts.connect));
    match error {
        Error::BadUri(_) | Error::Http(_) => TransferError::BadUrl,
        Error::HostNotFound | Error::Timeout(Timeout::Resolve) => TransferError::UnknownHost { host: host() },
        Error::Timeout(Timeout::Connect) => TransferError::Connect { host: host(), cause: timed_out() },
        Error::Timeout(TOO_SLOW) => TransferError::TooSlow { within: WINDOW },
        Error::Timeout(_) => TransferError::Idle { after: timeouts.idle },
        Error::ConnectionFailed => TransferError::Connect { host: host(), cause: io::Error::other("refused") },
        Error::Tls(_) | Error::TlsRequired => TransferError::Tls { host: host(), reason: "no TLS there".to_owned() },
        Error::Rustls(error) => classify_tls(&error, host()),
        Error::Io(error) => classify_io(error, host()),
        Error::LargeResponseHeader(..) => TransferError::Protocol { reason: "its headers are too long" },
        _ => TransferError::Protocol { reason: "it does not speak HTTP as we know it" },
    }
}

/// What `error` means where `proxy` stands between us and `host`: all that is said of connecting is said of the proxy.
pub(crate) fn classify_proxied(error: Error, proxy: &Proxy, host: &str, timeouts: Timeouts) -> TransferError {
    if let Error::ConnectProxyFailed(text) = &error {
        // `proxy server responded 407/407`
        let status = text.rsplit('/').next().and_then(|status| status.parse().ok());
        return status.map_or(
            TransferError::Proxy {
                proxy: proxy.to_string(),
                status: None,
                reason: "it does not speak HTTP".to_owned(),
            },
            |status| proxy.refusal(status),
        );
    }
    match classify(error, host, timeouts) {
        TransferError::UnknownHost { .. } => {
            let reason = "its name cannot be resolved".to_owned();
            TransferError::Proxy { proxy: proxy.to_string(), status: None, reason }
        }
        TransferError::Connect { cause, .. } => {
            TransferError::Proxy { proxy: proxy.to_string(), status: None, reason: cause.to_string() }
        }
        other => other,
    }
}

impl TransferError {
    /// The same, where it is known whether there was a certificate to show.
    pub(crate) fn with_own_certificate(self, has_own: bool) -> Self {
        match self {
            Self::OwnCertificate { host, how: NOT_ACCEPTED } if !has_own => {
                Self::OwnCertificate { host, how: ASKED_FOR }
            }
            other => other,
        }
    }
}

fn classify_io(error: io::Error, host: String) -> TransferError {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return classify_tls(tls, host);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => TransferError::CutOff { received: 0, expected: None },
        // The standard library gives a failed look-up no kind of its own that stable code could name.
        _ if error.to_string().starts_with("failed to lookup address") => TransferError::UnknownHost { host },
        _ => TransferError::Connect { host, cause: error },
    }
}

fn classify_tls(error: &rustls::Error, host: String) -> TransferError {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => TransferError::UnknownAuthority { host },
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => TransferError::WrongHost { host },
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            TransferError::CertificateExpired { host }
        }
        // One that vouches for itself, and that nobody named.
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
            if other.to_string() == "CaUsedAsEndEntity" =>
        {
            TransferError::UnknownAuthority { host }
        }
        rustls::Error::InvalidMessage(_) => {
            TransferError::Tls { host, reason: "what answers there is not TLS".to_owned() }
        }
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion) => {
            TransferError::Tls { host, reason: "it speaks only old versions of TLS, or none".to_owned() }
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            TransferError::OwnCertificate { host, how: ASKED_FOR }
        }
        rustls::Error::AlertReceived(AlertDescription::UnknownCA) => {
            TransferError::OwnCertificate { host, how: "does not know the authority of the client certificate" }
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => {
            TransferError::OwnCertificate { host, how: "says that the client certificate has expired" }
        }
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError,
        ) => TransferError::OwnCertificate { host, how: NOT_ACCEPTED },
        // Texts of rustls name certificates and parameters, never a URL.
        other => TransferError::Tls { host, reason: other.to_string() },
    }
}
