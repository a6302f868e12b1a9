//! Waiting until an app is healthy, and why it is not.

mod host_check;

use crate::engine::container_spec::HealthCheck;
use crate::engine::{ContainerId, Health};
use crate::failure::Failure;
use crate::session::Session;
use host_check::HostHealthCheck;
use shared_model::exit_code::ExitCode;
use shared_model::size;
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Until the app must be healthy.
    pub(crate) start_timeout: Duration,
    /// How long a process without a health check must have run to be called healthy.
    pub(crate) settled: Duration,
    /// Between two looks at the container.
    pub(crate) between_looks: Duration,
}

impl Timeouts {
    /// With the request's timeout and waiting times for a real engine.
    pub(crate) fn new(start_timeout: Duration) -> Self {
        // An app that cannot start dies within this; a look costs the engine a millisecond.
        Self { start_timeout, settled: Duration::from_secs(2), between_looks: Duration::from_millis(200) }
    }
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

/// Waits; `check` is what the engine was asked to run. The outer error is the engine's.
pub(super) fn wait(
    session: &Session,
    container: &ContainerId,
    check: Option<&HealthCheck>,
    timeouts: &Timeouts,
) -> Result<Result<(), Unhealthy>, Failure> {
    let began = Instant::now();
    let mut asking = check.map(|check| HostHealthCheck::new(session, container, check, timeouts.start_timeout));
    loop {
        let waited = began.elapsed();
        let Some(now) = session.engine.container(container)? else {
            return Ok(Err(Unhealthy::Gone));
        };
        if !now.running {
            return Ok(Err(Unhealthy::Ended { status: now.exit_status, out_of_memory: now.out_of_memory }));
        }
        let settled = timeouts.settled.min(timeouts.start_timeout);
        let is_healthy = match &mut asking {
            Some(asking) => now.health == Health::Healthy || asking.finds_healthy(&now, waited),
            None => waited >= settled,
        };
        if is_healthy {
            return Ok(Ok(()));
        }
        if waited >= timeouts.start_timeout {
            let check = asking.map_or_else(String::new, |asking| asking.last_words(now));
            return Ok(Err(Unhealthy::NotHealthy { waited: timeouts.start_timeout, check }));
        }
        thread::sleep(timeouts.between_looks);
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
            Self::Gone => (format!("{app}'s container was removed while it started"), ""),
        };
        Failure::new(ExitCode::Launch, text, advice)
    }
}
