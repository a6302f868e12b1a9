//! Why one try to get something from a registry, or to bring it there, failed. It may be worth another.

use super::said::Said;
use crate::registry::refusal::Refusal;
use http_client::{TransferError, status_text};
use std::time::Duration;

/// A try's end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The network, or who is at its other end.
    Transfer(TransferError),
    /// The network, on the way to the registry's login service at this origin.
    LoginService { at: String, error: TransferError },
    /// The registry, or its login service, said no.
    Refused {
        status: u16,
        said: Said,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// Whether it was the login service.
        by_login_service: bool,
    },
    /// It does not behave as registries do, or what it sent is not what it should be.
    Wrong { refusal: Refusal, what: String },
    /// What was to be sent cannot be had: `a layer cannot be read`.
    Source { what: String },
}

impl From<TransferError> for Trouble {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}

impl Trouble {
    /// Something is wrong with the registry's login service.
    pub(super) fn login(what: &str) -> Self {
        Self::Wrong { refusal: Refusal::Other, what: what.to_owned() }
    }

    /// Whether another try may go better.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Transfer(error) | Self::LoginService { error, .. } => error.is_transient(),
            Self::Refused { said, .. } if said.refusal == Refusal::Full => false,
            Self::Refused { status, .. } => is_passing(*status),
            Self::Wrong { refusal, .. } => *refusal == Refusal::Digest,
            Self::Source { .. } => false,
        }
    }

    /// Whether it is the registry that cannot be spoken to, whatever is wanted.
    pub(super) fn is_about_the_server(&self) -> bool {
        matches!(self, Self::Transfer(error) if error.is_about_the_server() || matches!(error, TransferError::Idle { .. }))
    }

    /// Whether somebody is there and says nothing, or next to nothing: to wait for that takes long each time.
    pub(super) fn is_silence(&self) -> bool {
        let (Self::Transfer(error) | Self::LoginService { error, .. }) = self else { return false };
        matches!(error, TransferError::Idle { .. } | TransferError::TooSlow { .. })
    }

    /// How long the registry asks to wait before the next try.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }

    /// What kind of refusal it is.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Transfer(error) => of_transfer(error),
            Self::Refused { said, .. } => said.refusal,
            Self::Wrong { refusal, .. } => *refusal,
            Self::Source { .. } | Self::LoginService { .. } => Refusal::Other,
        }
    }

    /// What happened, behind what the refusal says.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Transfer(error) => error_text(error),
            Self::LoginService { at, error } => format!("its login service {at}: {}", error_text(error)),
            Self::Refused { status, said, by_login_service, .. } => {
                let who = if *by_login_service { "its login service answered " } else { "it answered " };
                let words = if said.words.is_empty() { String::new() } else { format!(": {}", said.words) };
                format!("{who}{}{words}", status_text(*status))
            }
            Self::Wrong { what, .. } | Self::Source { what } => what.clone(),
        }
    }
}

/// Whether who answers so may answer otherwise in a moment. 520 to 524 are the words of a network that stands before a registry
/// (Cloudflare's) for a 502 or 504: the registry hung up, is down, or is slow. Its 525 and 526 speak of the registry's certificate,
/// and 530 of its name: somebody must mend those.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 520..=524)
}

/// An error with its cause.
fn error_text(error: &TransferError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn of_transfer(error: &TransferError) -> Refusal {
    match error {
        TransferError::UnknownHost { .. } => Refusal::NoHost,
        TransferError::Connect { .. } | TransferError::Proxy { .. } | TransferError::Idle { .. } => {
            Refusal::NobodyThere
        }
        TransferError::UnknownAuthority { .. } => Refusal::UnknownCa,
        TransferError::WrongHost { .. } | TransferError::CertificateExpired { .. } => Refusal::BadCertificate,
        TransferError::OwnCertificate { .. } => Refusal::OwnCertificate,
        TransferError::Tls { .. } => Refusal::PlainHttp,
        TransferError::CutOff { .. } | TransferError::TooSlow { .. } => Refusal::Trouble,
        _ => Refusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, refusal: Refusal) -> Trouble {
        let said = Said { refusal, words: String::new() };
        Trouble::Refused { status, said, retry_after: None, by_login_service: false }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_somebody_must_mend_is_not() {
        for status in [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524] {
            assert!(refused(status, Refusal::Trouble).is_transient(), "{status}");
            assert!(!refused(status, Refusal::Full).is_transient(), "{status}: it has no room");
        }
        for status in [400, 401, 403, 404, 405, 413, 416, 501, 505, 507, 519, 525, 526, 527, 530] {
            assert!(!refused(status, Refusal::Trouble).is_transient(), "{status}");
        }
        let wrong = |refusal| Trouble::Wrong { refusal, what: String::new() };
        assert!(wrong(Refusal::Digest).is_transient(), "the way there may have changed a byte");
        assert!(!wrong(Refusal::Other).is_transient());
        assert!(!Trouble::Source { what: String::new() }.is_transient(), "it would be read the same again");
    }

    #[test]
    fn a_network_before_a_registry_is_told_by_its_number() {
        assert_eq!(refused(522, Refusal::Trouble).reason(), "it answered 522");
        let said = Said { refusal: Refusal::Trouble, words: "busy".to_owned() };
        let by_login_service = Trouble::Refused { status: 503, said, retry_after: None, by_login_service: true };
        assert_eq!(by_login_service.reason(), "its login service answered 503 Service Unavailable: busy");
    }
}
