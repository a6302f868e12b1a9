//! What to try when an engine goes away in the middle, or has no room left.

use super::EngineError;

impl EngineError {
    /// Empty where nothing can be advised. Those without a way to an engine have advice of their own.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "is it started (`systemctl start docker`)? DOCKER_HOST says where to look",
            Self::Forbidden { .. } => "run as root or as a member of the group `docker`",
            error if error.is_broken_off() => "is the engine still running? Its log says why (`journalctl -u docker`)",
            error if error.is_full_disk() => "make room on the engine's disk: `docker system df` shows what takes it",
            Self::Connect(_) | Self::NotFound { .. } | Self::Refused { .. } | Self::Senseless { .. } => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
