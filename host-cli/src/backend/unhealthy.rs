//! Why an app that was started is not healthy, in words.

use crate::failure::Failure;
use shared_model::exit_code::ExitCode;
use shared_model::size;
use std::time::Duration;

/// Why an app is not healthy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unhealthy {
    /// It ended.
    Ended { status: i64, out_of_memory: bool },
    /// Time is up; what the health check printed last, for nothing at all empty.
    NotHealthy { waited: Duration, check: String },
    /// Somebody removed it.
    Gone,
}

impl Unhealthy {
    /// In words.
    pub(crate) fn failure(&self, app: &str, memory_mb: i32) -> Failure {
        let (text, advice) = match self {
            Self::Ended { out_of_memory: true, .. } => (
                format!("{app} ran out of memory (memory_mb={memory_mb})"),
                "give it more: `host-cli launch-req APP >r.json`, raise memory_mb in it, `host-cli launch --request r.json`",
            ),
            Self::Ended { status, .. } => (
                format!("{app} ended with status {status} before it was healthy"),
                "its last lines are above; `host-cli launch-cmd APP` prints what was started",
            ),
            Self::NotHealthy { waited, check } => {
                let check = check.trim();
                let says = if check.is_empty() { String::new() } else { format!("; the health check says: {check}") };
                (
                    format!("{app} was not healthy within {}{says}", size::seconds(*waited)),
                    "does it listen on the port in $PORT, on all addresses? Its last lines are above",
                )
            }
            Self::Gone => (
                format!("{app}'s container was removed while it started"),
                "launch it again; `docker events --since 10m` shows who removed it",
            ),
        };
        Failure::new(ExitCode::Launch, text, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_removed_a_container_while_it_started_can_be_found_out() {
        let failure = Unhealthy::Gone.failure("shop", 64);
        assert_eq!(failure.text, "shop's container was removed while it started");
        assert!(failure.advice.contains("`docker events --since 10m`"), "{}", failure.advice);
    }
}
