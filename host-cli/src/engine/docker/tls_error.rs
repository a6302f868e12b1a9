//! What the TLS library complains about, in our nouns. Pure.

use super::endpoint::TlsFiles;
use crate::engine::connect_error::TlsTrouble;
use rustls::{AlertDescription as Alert, CertificateError, Error, PeerIncompatible};
use std::io;

/// The TLS library's error inside an I/O error; `None` where the trouble is not TLS's.
pub(super) fn cause(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

/// What `error` means for a connection with these files.
pub(super) fn explain(error: &Error, files: &TlsFiles) -> TlsTrouble {
    match error {
        Error::InvalidCertificate(wrong) => explain_certificate(wrong, files),
        Error::AlertReceived(alert) => explain_alert(*alert, files),
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => TlsTrouble::Plain,
        Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon) => TlsTrouble::TooOld,
        other => TlsTrouble::Other { reason: other.to_string() },
    }
}

fn explain_certificate(wrong: &CertificateError, files: &TlsFiles) -> TlsTrouble {
    use CertificateError as Wrong;
    match wrong {
        Wrong::UnknownIssuer | Wrong::BadSignature => TlsTrouble::UnknownAuthority { trusted: files.trusted() },
        Wrong::NotValidForName => TlsTrouble::OtherHost { names: Vec::new() },
        Wrong::NotValidForNameContext { presented, .. } => TlsTrouble::OtherHost { names: presented.clone() },
        Wrong::Expired | Wrong::ExpiredContext { .. } => TlsTrouble::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => TlsTrouble::NotYetValid,
        Wrong::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => TlsTrouble::AuthorityAsServer,
        other => TlsTrouble::Other { reason: format!("its certificate cannot be accepted: {other}") },
    }
}

fn explain_alert(alert: Alert, files: &TlsFiles) -> TlsTrouble {
    let how = match alert {
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => return TlsTrouble::TooOld,
        Alert::CertificateRequired => "does not see",
        Alert::UnknownCA => "does not know the authority of",
        Alert::CertificateExpired => "finds expired",
        Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateRevoked
        | Alert::UnsupportedCertificate
        | Alert::AccessDenied
        | Alert::DecryptError => "refuses",
        other => return TlsTrouble::Other { reason: format!("it broke off: {other:?}") },
    };
    match files.shown() {
        Some(shown) => TlsTrouble::Refused { how, shown: shown.to_owned() },
        None => TlsTrouble::NothingToShow,
    }
}
