//! What a cluster refuses, or why nobody can ask it, in words.

use crate::failure::Failure;
use kube::client::AuthError;
use kube::config::KubeconfigError;
use kube::core::Status;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control_in_line;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// How much of a cluster's words is shown.
const LONGEST: usize = 600;

/// Of what kind a failure is, as far as anything follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nobody answers, or not yet.
    Away,
    /// It is there already.
    Exists,
    /// It is not there.
    Missing,
    /// What was known of the past is known no more.
    Outdated,
    /// Who asks may not.
    Forbidden,
    /// Nobody knows who asks.
    Stranger,
    /// The cluster does not want it so.
    Refused,
    /// This machine knows no cluster.
    Unknown,
}

/// What a cluster refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterError {
    pub(crate) reason: Reason,
    /// One line for people.
    pub(crate) text: String,
    /// How long the cluster wants to be left alone.
    pub(crate) wait: Option<Duration>,
}

impl ClusterError {
    /// Of a request about `what`.
    pub(super) fn of(what: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::status(what, &status),
            // Its words show the proxy's URL, where a password may stand.
            kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => Self {
                reason: Reason::Unknown,
                text: "the proxy to the cluster is of a kind that nobody speaks here".to_owned(),
                wait: None,
            },
            kube::Error::Auth(error) => Self { reason: Reason::Stranger, text: no_login(&error), wait: None },
            // A login that a program fetches fails on the way to the cluster.
            kube::Error::Service(error) if error.is::<AuthError>() => {
                let text = error.downcast_ref().map(no_login).unwrap_or_default();
                Self { reason: Reason::Stranger, text, wait: None }
            }
            error @ (kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_)) => {
                // The outermost says only where the client noticed it.
                let why = error.source().map_or_else(|| error.to_string(), chain);
                Self { reason: Reason::Away, text: unanswered(what, &why), wait: None }
            }
            error => Self { reason: Reason::Refused, text: about(what, &chain(&error)), wait: None },
        }
    }

    /// As the cluster says it.
    pub(super) fn status(what: &str, status: &Status) -> Self {
        let reason = match status.code {
            401 => Reason::Stranger,
            403 if status.message.contains("exceeded quota") => Reason::Refused,
            403 => Reason::Forbidden,
            404 => Reason::Missing,
            409 if status.reason == "AlreadyExists" => Reason::Exists,
            // Another of that name is there, not the one that was meant.
            409 if status.message.contains("Precondition failed") => Reason::Missing,
            410 => Reason::Outdated,
            // So a cluster before 1.26 says that it does not know a field; it does not learn it by being asked again.
            500 if status.message.contains("failed to create typed patch object") => Reason::Refused,
            // A conflict of two who write at once passes.
            408 | 409 | 429 | 500 | 502..=504 => Reason::Away,
            _ => Reason::Refused,
        };
        let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        let wait = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
        let text = if status.message.is_empty() {
            format!("{} {}", status.code, status.reason)
        } else {
            status.message.clone()
        };
        Self { reason, text: about(what, &text), wait }
    }

    pub(super) fn silent(what: &str, waited: Duration) -> Self {
        let text = unanswered(what, &format!("nothing for {} s", waited.as_secs()));
        Self { reason: Reason::Away, text, wait: None }
    }

    pub(super) fn here(text: &str) -> Self {
        Self { reason: Reason::Refused, text: shown(text), wait: None }
    }

    pub(super) fn unknown(path: &Path) -> Self {
        let text = format!("no cluster is known here: {} is missing, and this is no pod of one", path.display());
        Self { reason: Reason::Unknown, text: shown(&text), wait: None }
    }

    pub(super) fn kubeconfig(error: &KubeconfigError) -> Self {
        let why = match error {
            // Its words show the lines around the fault, where tokens stand.
            KubeconfigError::Parse(_) => "it is no YAML of that form".to_owned(),
            error => chain(error),
        };
        Self { reason: Reason::Unknown, text: shown(&format!("the kubeconfig cannot be used: {why}")), wait: None }
    }

    /// Whether the same may go well a little later.
    pub(crate) fn may_pass(&self) -> bool {
        self.reason == Reason::Away
    }

    fn advice(&self) -> &'static str {
        match self.reason {
            Reason::Away => "does `kubectl get pods` answer? then try once more",
            Reason::Forbidden => "examples/kubernetes has the Roles that it takes: stage-role.yaml, launch-role.yaml",
            Reason::Stranger => "log in to the cluster as for kubectl: `kubectl auth whoami` says who you are",
            Reason::Unknown => {
                "KUBECONFIG names a kubeconfig, --context a context of it: `kubectl config get-contexts`"
            }
            Reason::Missing => "does the namespace exist? --namespace names another one",
            Reason::Exists | Reason::Outdated | Reason::Refused => "",
        }
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let advice = error.advice();
        Self::new(ExitCode::Engine, error.text, advice)
    }
}

/// What such a program printed may be half a token.
fn no_login(error: &AuthError) -> String {
    let why = match error {
        // Its words show its arguments and variables, where secrets stand.
        AuthError::AuthExecRun { out, .. } => format!("the kubeconfig's login program ended with {}", out.status),
        AuthError::AuthExecParse(_) => "what the kubeconfig's program printed is no login".to_owned(),
        error => chain(error),
    };
    shown(&format!("no login to the cluster: {why}"))
}

/// An error with what is behind it, each once: layers of a client repeat one another.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        behind = error.source();
    }
    text
}

fn unanswered(what: &str, why: &str) -> String {
    shown(&format!("the cluster does not answer ({what}): {why}"))
}

fn about(what: &str, text: &str) -> String {
    if what.is_empty() { shown(text) } else { shown(&format!("the cluster refuses {what}: {text}")) }
}

/// What a cluster says, as one line of at most [`LONGEST`] characters and a `…` for more: whoever answers chose these words.
pub(crate) fn shown(text: &str) -> String {
    let line = escape_control_in_line(text.trim());
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
}
