//! A whole staging of a lifecycle, a buildpack and an app of archives.

use crate::cloud::{Cloud, names, tgz};
use crate::world::{am_root, printed_by, user};
use serde_json::{Value, json};
use shared_model::event::{Event, Step};

#[test]
fn an_app_is_staged_and_uploaded() {
    let cloud = Cloud::new();
    let outcome = cloud.stage(&[]);
    let greeting = format!("-----> a-buildpack builds hello as {}", user());
    let lines = outcome.done().out();
    assert_eq!(lines[0], greeting);
    let told = |event: &Event| match event {
        Event::Progress { text, failed: false, .. } => Some(text.clone()),
        _ => None,
    };
    assert_eq!(
        outcome.events.iter().filter_map(told).collect::<Vec<_>>(),
        [
            "Staging...",
            "Exit status 0",
            "Staging complete",
            "Uploading droplet, build artifacts cache...",
            "Uploading complete"
        ]
    );
    let uploads = cloud.server.asked("POST");
    assert_eq!(uploads.len(), 2, "two uploads, and no completion callback");
    let droplet = uploads.iter().find(|upload| upload.target.starts_with("/v1/droplet/")).unwrap();
    assert_eq!(droplet.body, std::fs::read(cloud.world.path("droplet")).unwrap());
    assert_eq!(droplet.headers["content-length"], droplet.body.len().to_string());
    assert!(droplet.headers.contains_key("content-md5") && droplet.headers.contains_key("content-digest"));
}

#[test]
fn the_stream_has_the_order_of_the_road() {
    let cloud = Cloud::new();
    let outcome = cloud.stage(&[]);
    let names = names(outcome.done());
    let position = |name: &str| names.iter().position(|other| other == name).unwrap();
    assert_eq!(names[..3], ["hello", "staging", "step_started"]);
    assert_eq!(names[names.len() - 3..], ["result", "droplet", "done"]);
    assert!(position("downloaded") < position("run_started") && position("run_ended") < position("uploading"));
    let steps: Vec<Step> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepEnded { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [Step::Fetch, Step::Build, Step::Upload]);
    let staging = outcome.events.iter().find_map(|event| match event {
        Event::Staging { app_name, staging_guid, stack, uploads, .. } => {
            Some((app_name.as_str(), staging_guid.as_str(), stack.as_str(), *uploads))
        }
        _ => None,
    });
    assert_eq!(staging, Some(("hello", "a-staging-guid", "cflinuxfs4", Some(true))));
    let droplet = cloud.world.text("droplet");
    let sum = printed_by("sha256sum", &[&droplet]);
    assert!(outcome.events.contains(&Event::Droplet {
        bytes: std::fs::metadata(&droplet).unwrap().len(),
        path: droplet,
        sha256: sum.split(' ').next().unwrap().to_owned(),
        uploaded: true
    }));
    assert!(outcome.events.contains(&Event::Result { text: cloud.world.read("result.json") }));
}

#[test]
fn root_keeps_buildpacks_from_writing_to_themselves() {
    if !am_root() {
        return;
    }
    let cloud = Cloud::new();
    assert!(!cloud.stage(&[]).done().out().contains(&"the buildpack is mine"));
    let owner = |name| printed_by("stat", &["-c", "%U", &cloud.world.text(name)]);
    assert_eq!((owner("app/hello.txt"), owner("buildpacks/b1/name")), (user(), "root".to_owned()));
}

#[test]
fn todays_layers_lead_down_the_same_road() {
    let cloud = Cloud::new();
    let mut request = cloud.request();
    let layer = |name: &str, from: &str, to: &str, kind: &str| json!({"name": name, "url": cloud.url(from), "destination_path": cloud.world.text(to), "layer_type": kind, "media_type": "ZIP"});
    request["image_layers"] = json!([
        layer("lifecycle", "/lifecycle.tgz", "lifecycle", "SHARED"),
        layer("app package", "/app.zip", "app", "EXCLUSIVE"),
        layer("a_buildpack", "/buildpack.zip", "buildpacks/b1", "SHARED"),
    ]);
    request["legacy_download_user"] = json!(user());
    request.as_object_mut().unwrap().remove("cached_dependencies");
    request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap().remove(0);
    cloud.stage_request(&request, &[]).done();
    assert_eq!(cloud.server.asked("POST").len(), 2);
}

#[test]
fn nothing_is_uploaded_with_no_upload() {
    let cloud = Cloud::new();
    let outcome = cloud.stage(&["--no-upload"]);
    outcome.done();
    assert!(cloud.server.asked("POST").is_empty());
    assert!(!outcome.events.contains(&Event::StepStarted { step: Step::Upload }));
    assert_eq!(names(&outcome).iter().filter(|name| *name == "upload_skipped").count(), 2);
    assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: false, bytes: 1.., .. })));
}

#[test]
fn droplet_and_cache_are_sent_at_the_same_time() {
    let cloud = Cloud::new();
    let droplet = cloud.server.stalls("/v1/droplet/app");
    let server = cloud.server.clone();
    let stalled = std::thread::spawn(move || {
        droplet.wait_until_asked();
        let cache_came =
            || server.asked("POST").iter().any(|asked| asked.target.starts_with("/v1/build_artifacts/app?"));
        let came = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            cache_came()
        });
        droplet.go_on();
        came
    });
    cloud.stage(&[]).done();
    assert!(stalled.join().unwrap(), "the cache waited for the droplet");
}

#[test]
fn a_report_is_sent_only_when_it_is_asked_for_and_says_what_diego_says() {
    let cloud = Cloud::new();
    let callback = "/v1/staging/a-staging-guid/completed";
    cloud.server.answers(callback, 200, b"");
    let reports = || cloud.server.asked("POST").into_iter().filter(|post| post.target == callback).collect::<Vec<_>>();
    cloud.stage(&[]).done();
    assert!(reports().is_empty());
    cloud.stage(&["--report"]).done();
    let report: Value = serde_json::from_slice(&reports()[0].body).unwrap();
    assert_eq!((&report["task_guid"], &report["failed"]), (&json!("a-staging-guid"), &json!(false)));
    assert_eq!(report["result"], json!(cloud.world.read("result.json")));
    assert_eq!(report["annotation"], cloud.request()["annotation"]);
    cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", "#!/bin/sh\nexit 222\n", 0o755)]));
    assert_eq!(cloud.stage(&["--report"]).code, 222);
    let report: Value = serde_json::from_slice(&reports()[1].body).unwrap();
    assert_eq!((&report["failed"], &report["failure_reason"]), (&json!(true), &json!("Exited with status 222")));
}

#[test]
fn a_report_is_tried_again_only_where_that_may_help() {
    for (status, tries) in [(503, 3), (504, 3), (400, 1), (404, 1)] {
        let cloud = Cloud::new();
        let callback = "/v1/staging/a-staging-guid/completed";
        cloud.server.answers(callback, status, b"");
        let outcome = cloud.stage(&["--report"]);
        let (text, advice) = outcome.failure();
        assert!(outcome.code == 6 && text.contains(&format!("refuses the report: {status}")), "{text}");
        assert!(advice.contains("still waits"), "{advice}");
        assert_eq!(cloud.server.asked("POST").iter().filter(|post| post.target == callback).count(), tries);
        assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: true, .. })));
    }
}
