//! How to ask an app whether it is healthy: the launch request's check definition or monitor → one command, and how often and
//! how patiently it is run. Pure.

use crate::engine::container_spec::HealthCheck;
use jiff::SignedDuration;
use shared_model::action::{Action, RunAction};
use shared_model::desired_lrp::{Check, CheckDefinition, DesiredLrp, HttpCheck, TcpCheck};
use std::time::Duration;

/// The lifecycle's program that checks a port or a page.
const HEALTHCHECK: &str = "/tmp/lifecycle/healthcheck";

/// Where that program looks when nobody says.
const PORT: u16 = 8080;

/// How long that program waits when nobody says, and Diego for a check definition that does not.
const USUAL_TIMEOUT: Duration = Duration::from_secs(1);

/// What is added to a check's own timeout: a program starts slowly on a busy machine, and says itself that it gave up.
const MARGIN: Duration = Duration::from_secs(2);

/// How long a check may take whose own timeout is shorter or not known; this is for one that hangs.
const LEAST_TIMEOUT: Duration = Duration::from_secs(10);

/// Diego's, between two looks at a healthy app.
const INTERVAL: Duration = Duration::from_secs(30);

/// As [`INTERVAL`], on an engine that has the same interval before the first success. `docker ps` shows an app as starting
/// until then, although `launch` has called it healthy. Measured on Docker 20.10: a check costs 58 ms of CPU, so of a core 3 %
/// at 2 s, 0.6 % at 10 s and 0.2 % at 30 s, for as long as the app runs.
const ONLY_INTERVAL: Duration = Duration::from_secs(10);

/// Between two looks of an engine at an app that is not yet healthy. `host-cli` looks oftener; this is for `docker ps`.
const START_INTERVAL: Duration = Duration::from_secs(2);

/// The shortest interval that Cloud Foundry's users can wish for; what a request has below it would keep a core busy.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Above every time that a request has for good reasons, and below what an engine or the program can count.
const LONGEST: Duration = Duration::from_secs(3600);

/// More checks than any request has; each is a program that is started, and a port that is tried.
const MOST_CHECKS: usize = 32;

/// One failure of a healthy app is one too many, as for Diego.
const RETRIES: u32 = 1;

/// The request's health check; `None` where its health is that it runs. Failures during `start_timeout` do not count before the
/// first success.
pub(crate) fn health_check(lrp: &DesiredLrp, start_timeout: Duration) -> Option<HealthCheck> {
    let defined = lrp.check_definition.as_ref().and_then(|definition| of_checks(checks_of(definition)));
    asked(lrp, defined.or_else(|| lrp.monitor.as_ref().map(of_monitor))?, start_timeout)
}

/// What tells whether traffic may reach an app that is healthy; `None`: nothing but its health.
pub(super) fn readiness_check(lrp: &DesiredLrp) -> Option<HealthCheck> {
    let definition = lrp.check_definition.as_ref()?;
    asked(lrp, of_checks(definition.readiness_checks.as_deref().unwrap_or_default())?, Duration::ZERO)
}

fn asked(lrp: &DesiredLrp, asked: Asked, start_timeout: Duration) -> Option<HealthCheck> {
    let Asked { commands, ports, timeout, interval } = asked;
    let interval = interval.map(|interval| interval.clamp(LEAST_INTERVAL, LONGEST));
    let (command, beside) = if lrp.is_docker() { first_of(commands)? } else { (all_of(commands)?, Vec::new()) };
    Some(HealthCheck {
        command,
        beside,
        ports,
        interval: interval.unwrap_or(INTERVAL),
        only_interval: interval.unwrap_or(ONLY_INTERVAL),
        start_interval: START_INTERVAL,
        timeout: timeout.min(LONGEST),
        retries: RETRIES,
        start_period: start_timeout,
    })
}

/// How many of the request's checks are not made, and of how many.
pub(super) fn left_out(lrp: &DesiredLrp) -> Option<(usize, usize)> {
    let defined = lrp.check_definition.as_ref().map_or(0, |definition| checks_of(definition).len());
    let all = if defined > 0 { defined } else { lrp.monitor.iter().flat_map(Action::runs).count() };
    (all > MOST_CHECKS).then(|| (all - MOST_CHECKS, all))
}

fn checks_of(definition: &CheckDefinition) -> &[Check] {
    definition.checks.as_deref().unwrap_or_default()
}

/// What a request asks, whichever way it says so.
struct Asked {
    commands: Vec<Vec<String>>,
    /// Where the app must listen, or none of it can pass.
    ports: Vec<u16>,
    /// For all commands one after the other.
    timeout: Duration,
    interval: Option<Duration>,
}

fn of_checks(checks: &[Check]) -> Option<Asked> {
    if checks.is_empty() {
        return None;
    }
    let checks = &checks[..checks.len().min(MOST_CHECKS)];
    let command = |check: &Check| {
        let (port, timeout_ms, path) = match check {
            Check::TcpCheck(TcpCheck { port, connect_timeout_ms, .. }) => (port, connect_timeout_ms, None),
            Check::HttpCheck(HttpCheck { port, request_timeout_ms, path, .. }) => {
                (port, request_timeout_ms, Some(path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/")))
            }
        };
        let timeout = of_millis(*timeout_ms).map(|time| format!("-timeout={}ms", time.as_millis()));
        let words = [Some(HEALTHCHECK.to_owned()), Some(format!("-port={port}")), timeout];
        words.into_iter().flatten().chain(path.map(|path| format!("-uri={path}"))).collect()
    };
    let (mut timeout, mut interval) = (MARGIN, None);
    for check in checks {
        let (Check::TcpCheck(TcpCheck { connect_timeout_ms: own, interval_ms, .. })
        | Check::HttpCheck(HttpCheck { request_timeout_ms: own, interval_ms, .. })) = check;
        timeout += of_millis(*own).unwrap_or(USUAL_TIMEOUT);
        interval = [interval, of_millis(*interval_ms)].into_iter().flatten().min();
    }
    let port = |check: &Check| match check {
        Check::TcpCheck(TcpCheck { port, .. }) | Check::HttpCheck(HttpCheck { port, .. }) => u16::try_from(*port).ok(),
    };
    let (commands, ports) = (checks.iter().map(command).collect(), checks.iter().filter_map(port).collect());
    Some(Asked { commands, ports, timeout: timeout.max(LEAST_TIMEOUT), interval })
}

/// Milliseconds of a request; absent and 0 mean Diego's default.
fn of_millis(millis: Option<u64>) -> Option<Duration> {
    millis.filter(|millis| *millis > 0).map(Duration::from_millis).map(|time| time.min(LONGEST))
}

fn of_monitor(monitor: &Action) -> Asked {
    let runs: Vec<&RunAction> = monitor.runs().take(MOST_CHECKS).collect();
    // Diego's only bound of a program that is none of the lifecycle's.
    let around = monitor.descend().find_map(|action| match action {
        Action::Timeout(timeout) => timeout.limit(),
        _ => None,
    });
    let own = |run: &&RunAction| own_timeout(run).or(around).unwrap_or(LEAST_TIMEOUT).min(LONGEST);
    let timeout = runs.iter().map(own).fold(MARGIN, Duration::saturating_add).max(LEAST_TIMEOUT);
    let command = |run: &&RunAction| [std::slice::from_ref(&run.path), run.arguments()].concat();
    Asked {
        commands: runs.iter().map(command).collect(),
        ports: runs.iter().filter_map(|run| port(run)).collect(),
        timeout: timeout.min(around.unwrap_or(LONGEST)),
        interval: None,
    }
}

fn is_healthcheck(run: &RunAction) -> bool {
    run.program() == "healthcheck"
}

/// Where the lifecycle's program would look; `None`: another program, or not for a TCP port.
fn port(run: &RunAction) -> Option<u16> {
    if !is_healthcheck(run) || run.options("network").last().is_some_and(|network| network != "tcp") {
        return None;
    }
    run.options("port").last().map_or(Some(PORT), |port| port.parse().ok())
}

/// How long the lifecycle's program waits by itself; `None`: another program.
fn own_timeout(run: &RunAction) -> Option<Duration> {
    let typed = || run.options("timeout").last()?.parse::<SignedDuration>().ok()?.try_into().ok();
    is_healthcheck(run).then(|| typed().unwrap_or(USUAL_TIMEOUT))
}

/// A docker app's image need not have a shell: the first, and the others beside it.
fn first_of(mut commands: Vec<Vec<String>>) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let beside = commands.split_off(commands.len().min(1));
    Some((commands.pop()?, beside))
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
mod tests;
