//! The whole road on a lifecycle, a buildpack and an app of archives, with a file server, a blobstore and a cc-uploader
//! in one server, and all that can go wrong on it.

use crate::server::Server;
use crate::world::{Outcome, World, am_root, printed_by, task, user};
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use shared_model::event::{Event, Step};
use std::io::Write;

/// A builder that keeps the contract of Diego's: flags in, droplet, result and cache out.
const BUILDER: &str = r#"#!/bin/sh
set -e
for flag in "$@"; do case $flag in
-buildDir=*) build=${flag#*=} ;;
-buildpacksDir=*) buildpacks=${flag#*=} ;;
-outputDroplet=*) droplet=${flag#*=} ;;
-outputMetadata=*) result=${flag#*=} ;;
-outputBuildArtifactsCache=*) cache=${flag#*=} ;;
esac; done
echo "-----> $(cat "$buildpacks/b1/name") builds $(cat "$build/hello.txt") as $(id -un)"
test -w "$build" || { echo "the app is not mine"; exit 223; }
if test -w "$buildpacks/b1" || test -w "$buildpacks/b1/name"; then echo "the buildpack is mine"; fi
tar -czf "$droplet" -C "$build" .
tar -czf "$cache" -C "$build" hello.txt
echo '{"lifecycle_type":"buildpack","process_types":{"web":"./hello"}}' > "$result"
"#;

/// All a staging needs, on a server of its own.
struct Cloud {
    world: World,
    server: Server,
}

impl Cloud {
    fn new() -> Self {
        let cloud = Self { world: World::new(), server: Server::start() };
        cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
        cloud.server.answers("/buildpack.zip", 200, &zip(&[("name", "a-buildpack", 0o666)]));
        cloud.server.answers("/app.zip", 200, &zip(&[("hello.txt", "hello", 0o644)]));
        cloud.server.answers("/v1/droplet/app", 201, b"");
        cloud.server.answers("/v1/build_artifacts/app", 200, b"");
        cloud
    }

    fn url(&self, path: &str) -> String {
        self.server.url(&format!("{path}?md5=s3cret&expires=4102444800"))
    }

    fn dependencies(&self) -> Value {
        let dependency = |name: &str, from: &str, to: &str| json!({"name": name, "from": self.url(from), "to": self.world.text(to), "cache_key": from, "log_source": ""});
        json!([
            dependency("", "/lifecycle.tgz", "lifecycle"),
            dependency("a_buildpack", "/buildpack.zip", "buildpacks/b1")
        ])
    }

    fn download(&self) -> Value {
        json!({"download": {"artifact": "app package", "from": self.url("/app.zip"), "to": self.world.text("app"), "cache_key": "", "user": user()}})
    }

    fn run(&self) -> Value {
        let flag = |name: &str, path: &str| format!("-{name}={}", self.world.text(path));
        json!({"run": {"path": self.world.text("lifecycle/builder"), "user": user(), "dir": self.world.text(""), "args": [
            flag("buildArtifactsCacheDir", "cache"), flag("buildDir", "app"), flag("buildpacksDir", "buildpacks"),
            flag("outputBuildArtifactsCache", "output-cache"), flag("outputDroplet", "droplet"),
            flag("outputMetadata", "result.json"), "-skipCertVerify=false", "-skipDetect=false"],
            "env": [{"name": "VCAP_APPLICATION", "value": "{\"application_name\":\"hello\"}"}, {"name": "VCAP_SERVICES", "value": "s3cret"}]}})
    }

    fn upload(&self, artifact: &str, from: &str, to: &str) -> Value {
        let to = self
            .server
            .url(&format!("/v1/{to}/app?cc-{to}-upload-uri=http%3A%2F%2Fu%3As3cret%40api%2Fupload&timeout=900"));
        json!({"upload": {"artifact": artifact, "from": self.world.text(from), "to": to, "user": user()}})
    }

    /// The form of 2016.
    fn request(&self) -> Value {
        let action = json!({"timeout": {"timeout": 900_000_000_000_u64, "action": {"serial": {"actions": [
            self.download(),
            {"emit_progress": {"action": self.run(), "start_message": "Staging...", "success_message": "Staging complete", "failure_message_prefix": "Staging failed"}},
            {"emit_progress": {"action": {"parallel": {"actions": [
                self.upload("droplet", "droplet", "droplet"),
                {"try": {"action": self.upload("build artifacts cache", "output-cache", "build_artifacts")}}]}},
                "start_message": "Uploading droplet, build artifacts cache...", "success_message": "Uploading complete", "failure_message_prefix": "Uploading failed"}}
        ]}}}});
        let mut request = task(&action);
        request["cached_dependencies"] = self.dependencies();
        request["result_file"] = json!(self.world.text("result.json"));
        request["annotation"] = json!("{\"lifecycle\":\"buildpack\",\"completion_callback\":\"http://u:s3cret@api/\"}");
        request["completion_callback_url"] = json!(self.server.url("/v1/staging/a-staging-guid/completed"));
        request
    }

    fn stage(&self, options: &[&str]) -> Outcome {
        self.stage_request(&self.request(), options)
    }

    #[track_caller]
    fn stage_request(&self, request: &Value, options: &[&str]) -> Outcome {
        let outcome = self.world.stage(request, options);
        let said = format!("{:?}{}", outcome.events, outcome.err);
        assert!(!said.contains("s3cret"), "a secret was said: {said}");
        outcome
    }

    /// Fails unless the staging failed with `code`, said all of `words`, and Cloud Controller kept its droplet.
    #[track_caller]
    fn fails(&self, code: i32, words: &[&str]) -> Outcome {
        let outcome = self.stage(&[]);
        let (text, advice) = outcome.failure();
        for word in words {
            assert!(text.contains(word) || advice.contains(word), "{word:?} is neither in {text:?} nor in {advice:?}");
        }
        assert_eq!(outcome.code, code, "{text}");
        assert!(outcome.notes().contains(&"The droplet in Cloud Controller was not replaced"), "{:?}", outcome.notes());
        outcome
    }
}

fn tgz(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn zip(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text, mode) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn names(outcome: &Outcome) -> Vec<String> {
    let name = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    outcome.events.iter().map(name).filter(|name| name != "download_progress").collect()
}

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
    assert!(droplet.headers.contains_key("content-md5"));
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
        Event::Staging { app_name, staging_guid, stack, .. } => {
            Some((app_name.as_str(), staging_guid.as_str(), stack.as_str()))
        }
        _ => None,
    });
    assert_eq!(staging, Some(("hello", "a-staging-guid", "cflinuxfs4")));
    let size = std::fs::metadata(cloud.world.path("droplet")).unwrap().len();
    assert!(outcome.events.contains(&Event::Droplet {
        path: cloud.world.text("droplet"),
        bytes: size,
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
    assert_eq!(names(&outcome).iter().filter(|name| *name == "upload_skipped").count(), 2);
    assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: false, bytes: 1.., .. })));
}

#[test]
fn an_expired_signature_says_when_it_expired_and_what_helps() {
    for status in [403, 410] {
        let cloud = Cloud::new();
        cloud.server.answers("/app.zip", status, b"<html>");
        let mut request = cloud.request();
        request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"]["from"] =
            json!(cloud.server.url("/app.zip?md5=s3cret&expires=1466017043"));
        let outcome = cloud.stage_request(&request, &[]);
        let (text, advice) = outcome.failure();
        assert!(text.contains("(its signature expired at 2016-06-15 18:57:23 UTC)"), "{text}");
        assert!(outcome.code == 4 && advice.contains("a new push or `cf restage`"), "{advice}");
        assert_eq!(
            cloud.server.asked("GET").iter().filter(|get| get.target.starts_with("/app.zip")).count(),
            1,
            "tried again in vain"
        );
    }
}

#[test]
fn a_refused_signature_that_is_still_good_is_not_called_expired() {
    let cloud = Cloud::new();
    cloud.server.answers("/app.zip", 403, b"");
    let outcome = cloud.fails(4, &["/app.zip?***: the server answered 403 Forbidden"]);
    assert!(!outcome.failure().0.contains("expired"));
}

#[test]
fn what_is_gone_is_named() {
    let cloud = Cloud::new();
    cloud.server.answers("/buildpack.zip", 404, b"");
    let outcome = cloud.fails(4, &["/buildpack.zip?***: the server answered 404 Not Found"]);
    assert!(!names(&outcome).contains(&"run_started".to_owned()), "the builder ran without its buildpack");
}

#[test]
fn a_corrupt_archive_is_named() {
    let cloud = Cloud::new();
    let whole = tgz(&[("builder", BUILDER, 0o755)]);
    cloud.server.answers("/lifecycle.tgz", 200, &whole[..whole.len() / 2]);
    cloud.fails(4, &["cannot unpack", "/lifecycle.tgz?***", "upload it there anew"]);
    cloud.server.answers("/lifecycle.tgz", 200, b"<!DOCTYPE html><html><body>please log in</body></html>");
    cloud.fails(4, &["not a tar, tgz or zip archive"]);
    cloud.server.answers("/lifecycle.tgz", 200, b"");
    cloud.fails(4, &["/lifecycle.tgz?***", "empty"]);
}

#[test]
fn an_entry_that_would_leave_its_directory_is_named() {
    let cloud = Cloud::new();
    cloud.server.answers("/app.zip", 200, &zip(&[("../outside", "x", 0o644)]));
    cloud.fails(4, &["../outside", "would leave its directory"]);
    assert!(!cloud.world.exists("outside"));
}

#[test]
fn a_wrong_checksum_is_named() {
    let cloud = Cloud::new();
    let mut request = cloud.request();
    let wanted = "0".repeat(64);
    let download = &mut request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"];
    download["checksum_algorithm"] = json!("sha256");
    download["checksum_value"] = json!(wanted);
    let outcome = cloud.stage_request(&request, &[]);
    let (text, advice) = outcome.failure();
    assert!(outcome.code == 4 && text.contains("its sha256 is ") && text.contains(&wanted), "{text}");
    assert!(advice.contains("cf restage"), "{advice}");
    let download = &mut request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"];
    download["checksum_value"] = json!("abc");
    let outcome = cloud.stage_request(&request, &[]);
    assert!(outcome.code == 3 && outcome.failure().0.contains("is no sha256 checksum"), "{}", outcome.failure().0);
}

#[test]
fn a_lifecycle_without_a_builder_is_named() {
    let cloud = Cloud::new();
    cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("launcher", "x", 0o755)]));
    cloud.fails(5, &["there is no ", "/lifecycle/builder", "is this the right lifecycle"]);
}

#[test]
fn a_builder_that_detects_nothing_is_222() {
    let cloud = Cloud::new();
    cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", "#!/bin/sh\nexit 222\n", 0o755)]));
    let outcome = cloud.fails(222, &["no buildpack detected the app", "cf push -b"]);
    let told = |event: &Event| matches!(event, Event::Progress { text, failed: true, .. } if text == "Staging failed: Exited with status 222");
    assert!(outcome.events.iter().any(told) && cloud.server.asked("POST").is_empty());
}

#[test]
fn a_droplet_that_is_missing_or_empty_is_named() {
    let cloud = Cloud::new();
    for (builder, words) in [
        ("#!/bin/sh\nexit 0\n".to_owned(), "cannot read"),
        (format!("#!/bin/sh\n: > {}\n", cloud.world.text("droplet")), "is empty"),
    ] {
        cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", &builder, 0o755)]));
        cloud.fails(6, &[words, "/droplet", "what did it say?"]);
        assert_eq!(cloud.stage(&["--no-upload"]).code, 6, "no upload, but also no droplet");
    }
}

#[test]
fn a_builder_that_leaves_no_result_is_named() {
    let cloud = Cloud::new();
    let builder = BUILDER.replace("> \"$result\"", "");
    cloud.server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", &builder, 0o755)]));
    let outcome = cloud.stage(&[]);
    let (text, _) = outcome.failure();
    assert!(outcome.code == 5 && text.contains("left no result in") && text.contains("result.json"), "{text}");
    assert!(
        outcome
            .notes()
            .contains(&"The droplet in Cloud Controller was replaced, although the staging failed after that")
    );
}

#[test]
fn a_cc_uploader_that_refuses_is_named() {
    let cloud = Cloud::new();
    cloud.server.answers("/v1/droplet/app", 400, b"no such app");
    let outcome =
        cloud.fails(6, &["cannot upload", "/droplet", "/v1/droplet/app?***", "400 Bad Request", "their logs"]);
    let told =
        |event: &Event| matches!(event, Event::Progress { text, failed: true, .. } if text == "Uploading failed");
    assert!(outcome.events.iter().any(told));
}

#[test]
fn a_cache_that_is_not_taken_is_swallowed_where_the_request_says_so() {
    let cloud = Cloud::new();
    cloud.server.answers("/v1/build_artifacts/app", 400, b"");
    let outcome = cloud.stage(&[]);
    assert!(
        outcome.done().notes().iter().any(|note| note.contains("/v1/build_artifacts/app?***: the server answered 400"))
    );
    assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: true, .. })));
}

#[test]
fn a_droplet_that_was_taken_before_a_failure_is_said_to_be_replaced() {
    let cloud = Cloud::new();
    cloud.server.answers("/v1/build_artifacts/app", 400, b"");
    let mut request = cloud.request();
    let actions = &mut request["action"]["timeout"]["action"]["serial"]["actions"][2]["emit_progress"]["action"];
    actions["parallel"]["actions"][1] = cloud.upload("build artifacts cache", "output-cache", "build_artifacts");
    let outcome = cloud.stage_request(&request, &[]);
    assert_eq!(outcome.code, 6);
    assert!(
        outcome
            .notes()
            .contains(&"The droplet in Cloud Controller was replaced, although the staging failed after that")
    );
}

#[test]
fn nobody_at_the_address_is_named() {
    let cloud = Cloud::new();
    let mut request = cloud.request();
    request["cached_dependencies"][0]["from"] = json!("http://127.0.0.1:1/lifecycle.tgz");
    let outcome = cloud.stage_request(&request, &[]);
    let (text, advice) = outcome.failure();
    assert!(outcome.code == 4 && text.contains("cannot connect to \"127.0.0.1\""), "{text}");
    assert!(advice.contains("--net hcf"), "{advice}");
}

#[test]
fn a_certificate_file_that_is_not_there_is_named() {
    let world = World::new();
    let outcome = world.stage(&task(&world.shell("touch began")), &["--ca", "/no/such/ca.pem"]);
    let (text, advice) = outcome.failure();
    assert!(outcome.code == 2 && text.contains("/no/such/ca.pem") && advice.contains("--ca"), "{text}");
    assert!(!world.exists("began"));
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
        assert!(
            outcome.code == 6 && text.contains(&format!("does not take the report: it answered {status}")),
            "{text}"
        );
        assert!(advice.contains("still waits"), "{advice}");
        assert_eq!(cloud.server.asked("POST").iter().filter(|post| post.target == callback).count(), tries);
        assert!(outcome.events.iter().any(|event| matches!(event, Event::Droplet { uploaded: true, .. })));
    }
}
