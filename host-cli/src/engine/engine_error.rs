//! What an engine refuses, that its words show no secret, and what to try.

use super::connect_error::ConnectError;
use crate::engine::container_spec::ContainerSpec;

/// An engine's refusal, or its absence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// There is no way to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nobody answers there any more.
    #[error("cannot connect to the Docker Engine at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    /// It answers, but not to us.
    #[error("this user may not use the Docker Engine at {address}: {reason}")]
    Forbidden { address: String, reason: String },
    /// What was asked about is not there.
    #[error("{what}: not found")]
    NotFound { what: String },
    /// It refused: its own words, made safe.
    #[error("{doing}: {reason}")]
    Refused { doing: String, reason: String },
    /// It cannot make sense of the question (400), as of a name that nothing can have: its own words, made safe.
    #[error("{doing}: {reason}")]
    InvalidReference { doing: String, reason: String },
}

impl EngineError {
    /// Whether the engine went away in the middle.
    pub(crate) fn is_broken_off(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason.starts_with("the connection broke"))
    }

    /// Whether the engine's disk is full: then no other way of doing the same helps.
    pub(crate) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason.contains("no space left on device"))
    }

    /// The same without the values of the container's variables: engines quote a variable that they do not take. What comes
    /// behind it is left out too, for it may be the rest of the value in another spelling.
    pub(crate) fn hiding(mut self, spec: &ContainerSpec) -> Self {
        if let Self::Refused { reason, .. } | Self::Forbidden { reason, .. } = &mut self {
            for (name, value) in spec.environment.iter().filter(|(_, value)| !value.is_empty()) {
                // As far as every spelling of it is the same.
                let plain = |c: &char| !c.is_control() && !"\"\\".contains(*c);
                let start: String = value.chars().take_while(plain).take(LEAST_OF_A_VALUE).collect();
                if let Some(at) = reason.find(&format!("{name}={start}")) {
                    reason.truncate(at + name.len());
                    reason.push_str("=***");
                }
            }
        }
        self
    }

    /// What to try; empty where nothing can be advised. Those without a way to an engine have advice of their own.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "start it (`systemctl start docker`); if DOCKER_HOST is set, check it",
            Self::Forbidden { .. } => "run as root, or join the group `docker`",
            error if error.is_broken_off() => "is the engine still running? Its log says why (`journalctl -u docker`)",
            error if error.is_full_disk() => "make room on the engine's disk: `docker system df` shows what takes it",
            Self::Connect(_) | Self::NotFound { .. } | Self::Refused { .. } | Self::InvalidReference { .. } => "",
        }
    }
}

/// So many characters of a value tell it from others.
const LEAST_OF_A_VALUE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_quotes_a_variable_does_not_tell_its_value() {
        let pairs = [("", "s3cret without a name"), ("A", "s3cret\0value"), ("EMPTY", ""), ("B", "\0s3cret")];
        let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let spec = ContainerSpec { environment, ..ContainerSpec::default() };
        for (reason, shown) in [
            ("invalid environment variable: =s3cret without a name", "invalid environment variable: =***"),
            (
                "value can't contain null(\\x00): \"A=s3cret\\x00value\": unknown",
                "value can't contain null(\\x00): \"A=***",
            ),
            ("null: \"B=\\x00s3cr…", "null: \"B=***"),
            ("no such user, EMPTY=", "no such user, EMPTY="),
        ] {
            let refused = EngineError::Refused { doing: "starting".into(), reason: reason.into() }.hiding(&spec);
            assert_eq!(refused.to_string(), format!("starting: {shown}"));
        }
    }

    #[test]
    fn whatever_an_engine_was_doing_when_it_went_or_was_full_there_is_something_to_try() {
        let refused =
            |reason: &str| EngineError::Refused { doing: "running a container".into(), reason: reason.into() };
        for (reason, advised) in [
            ("the connection broke: unexpected EOF", "still running"),
            ("mkdir /var/lib/docker/volumes/x: no space left on device", "docker system df"),
            ("conflict", ""),
        ] {
            let advice = refused(reason).advice();
            assert!(advice.contains(advised) && advice.is_empty() == advised.is_empty(), "{reason}: {advice}");
        }
    }
}
