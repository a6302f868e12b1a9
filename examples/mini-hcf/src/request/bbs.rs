//! A push as BBS knows it today, and as `cfdot` prints it: a task and a desired LRP of one object each, and their events.

use crate::request::application::Application;
use crate::request::json::{Json, object};
use crate::request::launching::desired_lrp;
use crate::request::staging::task_definition;

/// The staging task, which no cell has taken. `nanoseconds` is Unix time.
pub(crate) fn task(application: &Application, nanoseconds: i64) -> Json {
    let definition = task_definition(application).with("metric_tags", staging_tags(application));
    let own = object! {
        "task_guid": &application.staging_guid,
        "domain": "cf-app-staging",
        "created_at": nanoseconds,
        "updated_at": nanoseconds,
        "first_completed_at": 0,
        "state": "Pending",
        "cell_id": "",
        "result": "",
        "failed": false,
        "failure_reason": "",
        "rejection_count": 0,
        "rejection_reason": "",
    };
    match own {
        Json::Object(own) => own.into_iter().fold(definition, |task, (key, value)| task.with(&key, value)),
        _ => definition,
    }
}

/// The web process; `epoch` is a guid that BBS gives it.
pub(crate) fn lrp(application: &Application, epoch: &str) -> Json {
    let lrp = desired_lrp(application)
        .with("network", network(application))
        .with("metric_tags", process_tags(application))
        .with_behind("egress_rules", "modification_tag", object! { "epoch": epoch, "index": 0 });
    match lrp.get("check_definition") {
        Some(Json::Absent) | None => lrp,
        Some(checks) => {
            let checks = checks.clone().with("log_source", "".into());
            lrp.with("check_definition", checks)
        }
    }
}

/// A line of `cfdot task-events`; `document` is the task as it is printed.
pub(crate) fn task_event(kind: &str, document: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{{"task":{document}}}}}"#)
}

/// A line of `cfdot lrp-events`; `document` is the desired LRP as it is printed, `trace` a guid.
pub(crate) fn lrp_event(kind: &str, document: &str, trace: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{{"desired_lrp":{document},"trace_id":"{trace}"}}}}"#)
}

fn fixed(text: &str) -> Json {
    object! { "static": text }
}

fn staging_tags(application: &Application) -> Json {
    let Application { guid, name, space, .. } = application;
    object! {
        "app_id": fixed(guid),
        "app_name": fixed(name),
        "organization_id": fixed(&space.organization_guid),
        "organization_name": fixed(&space.organization_name),
        "source_id": fixed(guid),
        "space_id": fixed(&space.guid),
        "space_name": fixed(&space.name),
    }
}

/// The web process has its app's guid.
fn process_tags(application: &Application) -> Json {
    staging_tags(application)
        .with_behind("app_name", "instance_id", object! { "dynamic": "INDEX" })
        .with_behind("organization_name", "process_type", fixed("web"))
        .with_behind("organization_name", "process_instance_id", object! { "dynamic": "INSTANCE_GUID" })
        .with_behind("organization_name", "process_id", fixed(&application.guid))
}

fn network(application: &Application) -> Json {
    let Application { guid, space, .. } = application;
    object! { "properties": object! {
        "app_id": guid,
        "container_workload": "app",
        "org_id": &space.organization_guid,
        "policy_group_id": guid,
        "ports": "8080",
        "space_id": &space.guid,
    } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::samples::{skeleton_of, today};
    use crate::request::style::Style;

    const TASKS: &str = include_str!("../../../requests/cfdot/cfdot-tasks.jsonl");
    const LRPS: &str = include_str!("../../../requests/cfdot/cfdot-desired-lrps.jsonl");

    /// The recorded document that contains this text.
    fn recorded<'a>(log: &'a str, mark: &str) -> &'a str {
        log.lines().find(|line| line.contains(mark)).unwrap()
    }

    #[test]
    fn a_task_has_the_keys_that_cfdot_prints_in_its_order() {
        let of_the_app = ["port_range", "icmp_info", "ports", "annotations", "env[].value."];
        for (style, guid) in [
            (Style::Y2026, "4f5e5ca7-615d-4f99-a0fc-810f0d9e8b69"),
            (Style::Y2026Layers, "862992f4-29de-4ebc-ac70-83e64b27c603"),
        ] {
            let ours = task(&today(style, true), 1_795_898_528_288_147_770).to_go();
            let theirs = recorded(TASKS, &format!(r#""task_guid":"{guid}""#));
            assert_eq!(skeleton_of(&ours, &of_the_app), skeleton_of(theirs, &of_the_app), "{style:?}");
            assert!(ours.contains(r#""created_at":1795898528288147770,"#) && ours.contains(r"\u0026"), "{ours}");
        }
    }

    #[test]
    fn a_desired_lrp_has_the_keys_that_cfdot_prints_in_its_order() {
        // What the recorded app has: other routes, checks and services.
        let of_the_app = [
            "port_range",
            "icmp_info",
            "annotations",
            "env[].value.",
            "egress_rules[].ports",
            "routes",
            "interval_ms",
            "check_definition",
            "request_timeout_ms",
        ];
        let ours = lrp(&today(Style::Y2026, true), "be4a0a08-6d7e-42bd-72cf-bf3dae2ab812").to_go();
        let theirs = recorded(LRPS, r#""process_guid":"9d729b20-"#);
        let files = [&of_the_app[..], &["volume_mounted_files[]", "volume_mounted_files."]].concat();
        assert_eq!(skeleton_of(&ours, &files), skeleton_of(theirs, &files));
        assert!(ours.contains(r#""process_type":{"static":"web"}"#) && ours.contains(r#""log_source":"","#), "{ours}");
    }
}
