//! How to ask an app whether it is healthy: the launch request's monitor or check definition → the engine's health check;
//! and whether the engine asks.

use crate::engine::container_spec::HealthCheck;
use crate::engine::{Container, Health};
use shared_model::action::{Action, RunAction};
use shared_model::desired_lrp::{Check, DesiredLrp, HttpCheck, TcpCheck};
use std::time::Duration;

/// The lifecycle's program that checks a port or a page.
const HEALTHCHECK: &str = "/tmp/lifecycle/healthcheck";

/// Diego asks every half second until the app is healthy and every 30 s from then on; older engines know one interval
/// only. Measured on Docker 20.10: a check costs 58 ms of CPU, so this is 3 % of a core for as long as the app runs.
const INTERVAL: Duration = Duration::from_secs(2);

/// The lifecycle's check gives up by itself after a second; this is for one that hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Failures in a row before a healthy app is called unhealthy.
const RETRIES: u32 = 3;

/// The request's health check; `None` where its health is that it runs. Failures during `start_timeout` do not count.
pub(crate) fn health_check(lrp: &DesiredLrp, start_timeout: Duration) -> Option<HealthCheck> {
    let mut commands = of_monitor(lrp);
    if commands.is_empty() {
        commands = of_check_definition(lrp);
    }
    let command = all_of(commands)?;
    Some(HealthCheck { command, interval: INTERVAL, timeout: TIMEOUT, retries: RETRIES, start_period: start_timeout })
}

/// Whether nobody runs the check: `waited` after its start the container shows no outcome of one, good or bad. An engine is
/// given two intervals, and half of the time that the app has: something must be left for whoever asks instead.
pub(crate) fn is_left_alone(
    check: &HealthCheck,
    container: &Container,
    waited: Duration,
    start_timeout: Duration,
) -> bool {
    let moved = container.was_checked || matches!(container.health, Health::Healthy | Health::Unhealthy);
    !moved && waited >= (check.interval * 2).min(start_timeout / 2)
}

fn of_monitor(lrp: &DesiredLrp) -> Vec<Vec<String>> {
    let command = |run: &RunAction| [std::slice::from_ref(&run.path), run.arguments()].concat();
    lrp.monitor.iter().flat_map(Action::runs).map(command).collect()
}

fn of_check_definition(lrp: &DesiredLrp) -> Vec<Vec<String>> {
    let checks = lrp.check_definition.iter().filter_map(|definition| definition.checks.as_ref()).flatten();
    let command = |check: &Check| match check {
        Check::TcpCheck(TcpCheck { port, .. }) => vec![HEALTHCHECK.to_owned(), format!("-port={port}")],
        Check::HttpCheck(HttpCheck { port, path, .. }) => {
            let path = path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/");
            vec![HEALTHCHECK.to_owned(), format!("-port={port}"), format!("-uri={path}")]
        }
    };
    checks.map(command).collect()
}

/// One command that succeeds when all do. Several need a shell between them; the root file system has one, or the
/// launcher could not start anything.
fn all_of(mut commands: Vec<Vec<String>>) -> Option<Vec<String>> {
    if commands.len() <= 1 {
        return commands.pop();
    }
    let quoted = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    let lines: Vec<String> =
        commands.iter().map(|command| command.iter().map(quoted).collect::<Vec<_>>().join(" ")).collect();
    Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), lines.join(" && ")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(json: &str) -> Option<Vec<String>> {
        let lrp: DesiredLrp = serde_json::from_str(json).unwrap();
        health_check(&lrp, Duration::from_secs(60)).map(|check| check.command)
    }

    #[test]
    fn the_monitors_run_is_the_check() {
        let json = r#"{"monitor":{"timeout":{"timeout":1,"action":{"parallel":{"actions":[
            {"run":{"path":"/tmp/lifecycle/healthcheck","args":["-port=8080"],"user":"vcap"}}]}}}},
            "check_definition":{"checks":[{"tcp_check":{"port":1}}]}}"#;
        assert_eq!(command(json).unwrap(), ["/tmp/lifecycle/healthcheck", "-port=8080"]);
    }

    #[test]
    fn several_checks_must_all_pass_and_are_quoted() {
        let json =
            r#"{"monitor":{"parallel":{"actions":[{"run":{"path":"/a b"}},{"run":{"path":"/c","args":["it's"]}}]}}}"#;
        assert_eq!(command(json).unwrap(), ["/bin/sh", "-c", r"'/a b' && '/c' 'it'\''s'"]);
    }

    #[test]
    fn a_check_is_left_alone_when_the_engine_shows_no_outcome_for_two_intervals_or_half_of_the_apps_time() {
        let check = HealthCheck {
            command: vec!["/check".into()],
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            retries: 3,
            start_period: Duration::ZERO,
        };
        let seconds = Duration::from_secs;
        let container = |health, was_checked| Container { health, was_checked, ..Container::default() };
        let silent = container(Health::Starting, false);
        assert!(!is_left_alone(&check, &silent, seconds(3), seconds(60)));
        assert!(is_left_alone(&check, &silent, seconds(4), seconds(60)));
        assert!(is_left_alone(&check, &silent, seconds(1), seconds(2)));
        assert!(is_left_alone(&check, &container(Health::Unchecked, false), seconds(4), seconds(60)));
        assert!(!is_left_alone(&check, &container(Health::Starting, true), seconds(30), seconds(60)));
        assert!(!is_left_alone(&check, &container(Health::Unhealthy, false), seconds(30), seconds(60)));
    }

    #[test]
    fn a_check_definition_serves_where_there_is_no_monitor() {
        let json = r#"{"check_definition":{"checks":[{"http_check":{"port":8080,"path":"/healthz"}}]}}"#;
        assert_eq!(command(json).unwrap(), ["/tmp/lifecycle/healthcheck", "-port=8080", "-uri=/healthz"]);
        assert_eq!(command(r#"{"check_definition":{"checks":[{"tcp_check":{"port":1}}]}}"#).unwrap()[1], "-port=1");
        assert_eq!(command("{}"), None);
        assert_eq!(command(r#"{"check_definition":{"checks":[]}}"#), None);
    }
}
