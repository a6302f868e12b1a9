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
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502..=504),
            Self::Wrong { refusal, .. } => *refusal == Refusal::Digest,
            Self::Source { .. } => false,
        }
    }

    /// Whether it is the registry that cannot be spoken to, whatever is wanted.
    pub(super) fn is_about_the_server(&self) -> bool {
        matches!(self, Self::Transfer(error) if error.is_about_the_server() || matches!(error, TransferError::Idle { .. }))
    }

    /// Whether somebody is there and says nothing.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Transfer(TransferError::Idle { .. }))
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
        TransferError::CutOff { .. } => Refusal::Trouble,
        _ => Refusal::Other,
    }
}
