//! What is not done of recorded requests, and of made ones.

use super::*;
use shared_model::validate;

const LRPS: &str = include_str!("../../../../examples/requests/cfdot/cfdot-desired-lrps.jsonl");
const TASKS: &str = include_str!("../../../../examples/requests/cfdot/cfdot-tasks.jsonl");

/// `kind name`, then a line each.
fn shown(about: &str, not_done: &NotDone) -> String {
    let what = match not_done.event(DiskBound::Missing) {
        Some(Event::NotDone { what }) => what,
        _ => Vec::new(),
    };
    let lines = what.iter().map(|what| format!("\n  {what}"));
    let warnings = not_done.warnings.iter().map(|warning| format!("\n  warning: {warning}"));
    format!("{about}{}\n", lines.chain(warnings).collect::<String>())
}

#[test]
fn every_recorded_request_has_this_list() {
    let lrps = LRPS.lines().map(|line| {
        let lrp = validate::desired_lrp(line).unwrap();
        let about = format!("launch of {} ({})", lrp.application().name, lrp.process_type());
        shown(&about, &NotDone::of_launch(&lrp, "c", false, &volumes(&lrp)))
    });
    let tasks = TASKS.lines().map(|line| {
        let task = validate::task(line).unwrap();
        let document: Value = serde_json::from_str(line).unwrap();
        let about = format!("{} {}", document["domain"].as_str().unwrap(), document["task_guid"].as_str().unwrap());
        shown(&about, &NotDone::of_staging(&task, false))
    });
    let all: String = lrps.chain(tasks).collect();
    crate::plan::golden::assert_golden("not-done", &all);
    assert!(!all.contains("not-a-secret"), "{all}");
}

/// None of them has a folder.
fn volumes(lrp: &DesiredLrp) -> Volumes {
    Volumes::new(lrp.volume_mounts.as_deref().unwrap_or_default(), &[], lrp.lifecycle_kind(), &[]).unwrap()
}

fn of_launch(json: &str) -> NotDone {
    let lrp = serde_json::from_str(json).unwrap();
    NotDone::of_launch(&lrp, "c", false, &volumes(&lrp))
}

fn of_staging(json: &str) -> NotDone {
    NotDone::of_staging(&serde_json::from_str(json).unwrap(), false)
}

fn listed_of(json: &str, disk: DiskBound) -> Vec<String> {
    match of_launch(json).event(disk) {
        Some(Event::NotDone { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_of_which_everything_is_done_has_no_list() {
    for json in ["{}", r#"{"log_rate_limit":{"bytes_per_second":-1},"instances":1,"placement_tags":[""],"disk_mb":0}"#]
    {
        assert_eq!(of_launch(json).event(DiskBound::Missing), None, "{json}");
        assert_eq!(of_staging(json).event(DiskBound::Kept), None, "{json}");
        assert!(of_launch(json).warnings.is_empty(), "{json}");
    }
}

#[test]
fn the_bound_of_the_disk_is_named_as_far_as_the_engine_does_not_keep_it() {
    let json = r#"{"disk_mb":1024,"log_rate_limit":{"bytes_per_second":7}}"#;
    assert_eq!(listed_of(json, DiskBound::Kept).len(), 1);
    assert_eq!(listed_of(json, DiskBound::Perhaps)[1], "disk limit, perhaps (disk_mb=1024)");
    assert_eq!(listed_of(json, DiskBound::Missing)[1], "disk limit (disk_mb=1024)");
}

#[test]
fn what_a_tenant_chose_is_shortened() {
    let run = |name: &str| format!(r#"{{"run":{{"path":"/l/launcher","log_source":"APP/PROC/WEB/SIDECAR/{name}"}}}}"#);
    let own = r#"{"run":{"path":"/l/launcher","log_source":"APP/PROC/WEB"}}"#.to_owned();
    let runs: Vec<String> = [own, run(&"X".repeat(300))].into_iter().chain((0..99).map(|_| run("Y"))).collect();
    let json = format!(r#"{{"action":{{"codependent":{{"actions":[{}]}}}},"placement_tags":["a"]}}"#, runs.join(","));
    let what = listed_of(&json, DiskBound::Kept);
    assert_eq!(what[0], format!("100 sidecars ({}…, Y, Y, Y, Y, 95 more)", "X".repeat(40)));
    assert_eq!(what[1], "isolation segment (a)");
}

#[test]
fn a_reference_to_credhub_is_warned_of_unless_something_answers_it() {
    let of = |lifecycle: &str, more: &str| {
        let run = |program| {
            format!(
                r#"{{{lifecycle}"action":{{"run":{{"path":"/tmp/lifecycle/{program}","env":[{{"name":"VCAP_SERVICES","value":"{{\"x\":[{{\"credentials\":{{\"credhub-ref\":\"/a\"}}}}]}}"}}{more}]}}}}}}"#
            )
        };
        (of_staging(&run("builder")).warnings, of_launch(&run("launcher")).warnings)
    };
    let with = |more: &str| of("", more);
    let (staging, launch) = with("");
    assert!(staging[0].contains("the builder ends with 4 unless CF_INSTANCE_CERT"), "{staging:?}");
    assert!(launch[0].contains("the launcher ends with 3 unless CF_INSTANCE_CERT"), "{launch:?}");
    for variable in ["CREDHUB_SKIP_INTERPOLATION", "CF_INSTANCE_CERT"] {
        let set = with(&format!(r#",{{"name":"{variable}","value":"x"}}"#));
        assert_eq!(set, (Vec::new(), Vec::new()), "{variable}");
    }
    let (staging, launch) = of(r#""cached_dependencies":[{"cache_key":"cnb-x-lifecycle"}],"#, "");
    assert!(staging[0].contains("the builder ends with 236 unless CF_INSTANCE_CERT"), "{staging:?}");
    assert!(launch[0].contains("the launcher ends with 236 unless CF_INSTANCE_CERT"), "{launch:?}");
}

#[test]
fn what_an_app_writes_into_its_images_volumes_has_no_bound() {
    let (none, volumes) =
        (ImageSettings::default(), ImageSettings { others: vec!["Volumes".into()], ..ImageSettings::default() });
    for (quota, without) in [
        (Quota::Nothing, DiskBound::Missing),
        (Quota::WithImage, DiskBound::Perhaps),
        (Quota::Written, DiskBound::Kept),
    ] {
        assert_eq!(DiskBound::new(quota, &none), without);
        assert_eq!(DiskBound::new(quota, &volumes), DiskBound::Missing);
    }
}
