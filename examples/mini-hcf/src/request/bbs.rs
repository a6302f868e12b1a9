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

/// The process; `epoch` is a guid that BBS gives it.
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

fn process_tags(application: &Application) -> Json {
    staging_tags(application)
        .with_behind("app_name", "instance_id", object! { "dynamic": "INDEX" })
        .with_behind("organization_name", "process_type", fixed(&application.process.kind))
        .with_behind("organization_name", "process_instance_id", object! { "dynamic": "INSTANCE_GUID" })
        .with_behind("organization_name", "process_id", fixed(&application.process.guid))
}

fn network(application: &Application) -> Json {
    let Application { guid, space, .. } = application;
    let ports: Vec<String> = application.lifecycle.ports().iter().map(ToString::to_string).collect();
    object! { "properties": object! {
        "app_id": guid,
        "container_workload": "app",
        "org_id": &space.organization_guid,
        "policy_group_id": guid,
        "ports": if application.is_web() { ports.join(",") } else { String::new() },
        "space_id": &space.guid,
    } }
}

#[cfg(test)]
mod tests;
