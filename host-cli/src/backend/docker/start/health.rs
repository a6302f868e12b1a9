//! Waiting until an app is healthy, and why it is not.

mod asking;

use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::failure::Failure;
use crate::session::Session;
use asking::Asking;
use shared_model::exit_code::ExitCode;
use shared_model::size;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process without a health check must have run to be called healthy: one that cannot start dies within this.
const SETTLED: Duration = Duration::from_secs(2);

/// From one look at the container to the next: a tenth of what it has been waited for, so that what is seen late is late by a
/// tenth at most. A look costs the engine a millisecond.
fn pause(waited: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_millis(200);
    (waited / 10).clamp(SHORTEST, LONGEST)
}

/// Why an app is not healthy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unhealthy {
    /// It ended.
    Ended { status: i64, out_of_memory: bool },
    /// Time is up; what the health check printed last, for nothing at all empty.
    NotHealthy { waited: Duration, check: String },
    /// Somebody removed it.
    Gone,
}

/// Waits for a container of this spec, which has just been started. The outer error is the engine's.
pub(super) fn wait(
    session: &Session,
    container: &ContainerId,
    spec: &ContainerSpec,
    start_timeout: Duration,
) -> Result<Result<(), Unhealthy>, Failure> {
    let began = Instant::now();
    let check = spec.health_check.as_ref();
    let mut asking = check.map(|check| Asking::new(session, container, check, &spec.network, start_timeout));
    loop {
        let waited = began.elapsed();
        let Some(now) = session.engine.container(container)? else {
            return Ok(Err(Unhealthy::Gone));
        };
        if !now.running {
            return Ok(Err(Unhealthy::Ended { status: now.exit_status, out_of_memory: now.out_of_memory }));
        }
        let is_healthy = match &mut asking {
            Some(asking) => asking.finds_healthy(&now, || began.elapsed()),
            None => waited >= SETTLED.min(start_timeout),
        };
        if is_healthy {
            return Ok(Ok(()));
        }
        if waited >= start_timeout {
            let check = asking.map_or_else(String::new, |asking| asking.last_words(now));
            return Ok(Err(Unhealthy::NotHealthy { waited: start_timeout, check }));
        }
        thread::sleep(pause(waited));
    }
}

impl Unhealthy {
    /// In words.
    pub(super) fn failure(&self, app: &str, memory_mb: i32) -> Failure {
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
