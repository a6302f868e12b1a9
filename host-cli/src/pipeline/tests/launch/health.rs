//! What is asked of an app while it starts, and when.

use super::*;
use crate::engine::{ExecResult, Reach};
use std::time::Duration;

/// Launches with five seconds to start, on an engine that leaves the check to the host.
fn launched_by_host(fake: &Arc<Fake>) -> Walked {
    fake.state().never_checks = true;
    let slow = quick(|document| document["start_timeout_ms"] = 5000.into());
    launched_from(fake, "", request(RequestKind::Launch, slow))
}

fn calls_of(fake: &Fake, verb: &str) -> Vec<String> {
    fake.calls().into_iter().filter(|call| call.split(' ').next() == Some(verb)).collect()
}

fn ran(status: Option<i64>, said: &str) -> ExecResult {
    ExecResult { status, output: said.as_bytes().to_vec() }
}

#[test]
fn while_an_app_starts_its_port_is_tried_and_the_check_is_run_once_when_somebody_listens() {
    let fake = engine();
    fake.state().reach = [Reach::Closed, Reach::Closed, Reach::Open].into();
    fake.state().executions = [ran(Some(0), "")].into();
    let walked = launched_by_host(&fake);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let (tried, execs) = (calls_of(&fake, "reach"), calls_of(&fake, "exec"));
    let own = &only_container(&fake).endpoints["hcf"].addresses[0];
    assert_eq!(tried, vec![format!("reach {own}:8080"); 3]);
    assert_eq!(execs.len(), 1);
    assert!(execs[0].ends_with(" /tmp/lifecycle/healthcheck -port=8080"), "{execs:?}");
}

#[test]
fn a_check_that_fails_although_somebody_listens_is_run_again_until_it_passes() {
    let fake = engine();
    fake.state().reach = [Reach::Open].into();
    fake.state().executions = [ran(Some(6), "status code 503"), ran(Some(0), "")].into();
    assert_eq!(launched_by_host(&fake).code, ExitCode::Success);
    assert_eq!(calls_of(&fake, "exec").len(), 2);
}

#[test]
fn where_no_connection_can_be_made_the_check_alone_is_run_and_where_it_is_refused_it_is_run_all_the_same() {
    for (reach, failures) in [(Reach::Unknown, 4), (Reach::Closed, 0)] {
        let fake = engine();
        fake.state().reach = [reach].into();
        let failed = (0..failures).map(|_| ran(Some(4), "connection refused"));
        fake.state().executions = failed.chain([ran(Some(0), "")]).collect();
        let walked = launched_by_host(&fake);
        assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        assert_eq!(calls_of(&fake, "exec").len(), failures + 1, "{reach:?}");
        let tries = calls_of(&fake, "reach").len();
        assert!(if reach == Reach::Unknown { tries <= 3 } else { tries > 3 }, "{reach:?} {tries}");
    }
}

#[test]
fn what_the_check_said_last_is_told_when_it_never_passed_and_when_it_cannot_be_run() {
    let fake = engine();
    fake.state().never_checks = true;
    fake.state().executions.push_back(ran(Some(1), "connection refused\n"));
    let walked = launched(&fake, "");
    let text = "node-env was not healthy within 0.30s; the health check says: connection refused";
    assert_eq!((walked.code, walked.failure()), (ExitCode::Launch, text));
    fake.state().executions.push_back(ran(None, "hm"));
    let walked = launched(&fake, "");
    let rest = "the health check says: hm (it did not end within 0.";
    assert!(walked.failure().contains(rest), "no longer than the app has: {}", walked.failure());
    fake.refuse("exec", "no such program");
    let walked = launched(&fake, "");
    assert!(walked.failure().ends_with("the health check says: exec: no such program"), "{}", walked.failure());
}

/// Launches with a TCP check of each of these ports, and so long to start.
fn launched_with_ports(fake: &Arc<Fake>, ports: std::ops::Range<u16>, start_timeout_ms: u64) -> Walked {
    fake.state().never_checks = true;
    let checks: Vec<_> = ports.map(|port| serde_json::json!({"tcp_check": {"port": port}})).collect();
    let document = quick(|document| {
        document["start_timeout_ms"] = start_timeout_ms.into();
        document["check_definition"] = serde_json::json!({ "checks": checks });
    });
    launched_from(fake, "", request(RequestKind::Launch, document))
}

#[test]
fn a_few_ports_are_tried_and_none_behind_one_that_is_not_open() {
    let fake = engine();
    fake.state().reach = [Reach::Open].into();
    fake.state().executions = [ran(Some(0), "")].into();
    let walked = launched_with_ports(&fake, 1000..6000, 5000);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.said("4968 of 5000 health checks"), "{}", walked.text);
    assert_eq!(calls_of(&fake, "reach").len(), 8);
    for reach in [Reach::Closed, Reach::Unknown] {
        let fake = engine();
        fake.state().reach = [reach].into();
        launched_with_ports(&fake, 1000..1005, 40);
        let tried = calls_of(&fake, "reach");
        assert!(!tried.is_empty() && tried.iter().all(|call| call.ends_with(":1000")), "{tried:?}");
    }
}

#[test]
fn no_connection_takes_longer_than_the_app_has() {
    let fake = engine();
    fake.state().reach = [Reach::Closed].into();
    launched_with_ports(&fake, 1000..1001, 40);
    let patience = fake.state().patience.clone();
    assert!(!patience.is_empty() && patience.iter().all(|time| *time <= Duration::from_millis(40)), "{patience:?}");
}
