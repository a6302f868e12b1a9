//! What the TLS library complains about, in our nouns. Pure.

use super::endpoint::TlsFiles;
use crate::engine::connect_error::TlsError;
use rustls::{AlertDescription as Alert, CertificateError, Error, PeerIncompatible};
use std::io;

/// The TLS library's error inside an I/O error; `None` where the trouble is not TLS's.
pub(super) fn cause(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

/// What `error` means for a connection with these files.
pub(super) fn explain(error: &Error, files: &TlsFiles) -> TlsError {
    match error {
        Error::InvalidCertificate(wrong) => explain_certificate(wrong, files),
        Error::AlertReceived(alert) => explain_alert(*alert, files),
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => TlsError::Plain,
        Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon) => TlsError::TooOld,
        other => TlsError::Other { reason: other.to_string() },
    }
}

fn explain_certificate(wrong: &CertificateError, files: &TlsFiles) -> TlsError {
    use CertificateError as Wrong;
    match wrong {
        Wrong::UnknownIssuer | Wrong::BadSignature => TlsError::UnknownAuthority { trusted: files.trusted() },
        Wrong::NotValidForName => TlsError::OtherHost { names: Vec::new() },
        Wrong::NotValidForNameContext { presented, .. } => TlsError::OtherHost { names: presented.clone() },
        Wrong::Expired | Wrong::ExpiredContext { .. } => TlsError::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => TlsError::NotYetValid,
        Wrong::Other(other) if other.to_string() == "CaUsedAsEndEntity" => TlsError::AuthorityAsServer,
        other => TlsError::Other { reason: format!("its certificate cannot be accepted: {other}") },
    }
}

fn explain_alert(alert: Alert, files: &TlsFiles) -> TlsError {
    let how = match alert {
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => return TlsError::TooOld,
        Alert::CertificateRequired => "does not see",
        Alert::UnknownCA => "does not know the authority of",
        Alert::CertificateExpired => "finds expired",
        Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateRevoked
        | Alert::UnsupportedCertificate
        | Alert::AccessDenied
        | Alert::DecryptError => "refuses",
        other => return TlsError::Other { reason: format!("it broke off: {other:?}") },
    };
    match files.shown() {
        Some(shown) => TlsError::Refused { how, shown: shown.to_owned() },
        None => TlsError::NothingToShow,
    }
}
