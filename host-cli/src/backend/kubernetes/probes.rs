//! Health checks → probes. The lifecycle's program asks, in the container, as it does on an engine: so an answer means the same, also of
//! an app that listens on the loopback alone. Pure.

use super::container::literal;
use crate::engine::container_spec::HealthCheck;
use k8s_openapi::api::core::v1::{ExecAction, Probe};
use std::time::Duration;

/// How often an app is asked that has not yet answered.
const START_PERIOD: u64 = 2; // seconds

/// Until the app is healthy for the first time: as many times as its start timeout has periods. Nothing else is asked before.
pub(super) fn startup(check: &HealthCheck, start_timeout: Duration) -> Probe {
    let times = seconds(start_timeout).div_ceil(START_PERIOD).max(1);
    Probe { period_seconds: Some(whole(START_PERIOD)), failure_threshold: Some(whole(times)), ..probe(check) }
}

/// While it runs: one failure ends it, as on Diego.
pub(super) fn liveness(check: &HealthCheck) -> Probe {
    Probe { failure_threshold: Some(i32::try_from(check.retries).unwrap_or(1).max(1)), ..probe(check) }
}

/// Whether traffic may reach it.
pub(super) fn readiness(check: &HealthCheck) -> Probe {
    Probe { failure_threshold: Some(1), ..probe(check) }
}

fn probe(check: &HealthCheck) -> Probe {
    Probe {
        exec: Some(ExecAction { command: Some(check.command.iter().map(|word| literal(word)).collect()) }),
        period_seconds: Some(whole(seconds(check.interval).max(1))),
        timeout_seconds: Some(whole(seconds(check.timeout).max(1))),
        ..Probe::default()
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    if time.subsec_nanos() > 0 { time.as_secs().saturating_add(1) } else { time.as_secs() }
}

fn whole(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_may_fail_for_its_start_timeout_and_then_once() {
        let check = HealthCheck {
            command: vec!["/tmp/lifecycle/healthcheck".into(), "-uri=/$x".into()],
            beside: Vec::new(),
            ports: vec![8080],
            interval: Duration::from_secs(30),
            only_interval: Duration::from_secs(10),
            start_interval: Duration::from_secs(2),
            timeout: Duration::from_millis(10_500),
            retries: 1,
            start_period: Duration::from_secs(61),
        };
        let startup = startup(&check, Duration::from_secs(61));
        assert_eq!((startup.period_seconds, startup.failure_threshold), (Some(2), Some(31)));
        let liveness = liveness(&check);
        assert_eq!(
            (liveness.period_seconds, liveness.failure_threshold, liveness.timeout_seconds),
            (Some(30), Some(1), Some(11))
        );
        assert_eq!(liveness.exec.unwrap().command.unwrap()[1], "-uri=/$$x");
    }
}
