//! All that can go wrong in a staging: words, exit codes, and what became of Cloud Controller's droplet.

use crate::cloud::{BUILDER, Cloud, names, tgz, zip};
use crate::server::Server;
use crate::world::{Outcome, World, task};
use serde_json::{Value, json};
use shared_model::event::Event;

#[test]
fn an_expired_signature_says_when_it_expired_and_what_helps() {
    for status in [400, 401, 403, 404, 410, 429] {
        let cloud = Cloud::new();
        cloud.server.answers("/app.zip", status, b"<html>");
        let mut request = cloud.request();
        request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"]["from"] =
            json!(cloud.server.url("/app.zip?md5=s3cret&expires=1466017043"));
        let outcome = cloud.stage_request(&request, &[]);
        let (text, advice) = outcome.failure();
        assert!(text.contains("(the URL expired at 2016-06-15 18:57:23 UTC)"), "{text}");
        assert!(outcome.code == 4 && advice.contains("`cf push` or `cf restage`"), "{advice}");
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
    cloud.fails(4, &["cannot unpack", "/lifecycle.tgz?***", "upload it again"]);
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
    cloud.fails(5, &["there is no ", "/lifecycle/builder", "from the right file server"]);
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
        cloud.fails(6, &[words, "/droplet", "see the builder's output above"]);
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
    let outcome = cloud
        .fails(6, &["cannot upload", "/droplet", "/v1/droplet/app?***", "400 Bad Request", "the logs of cc-uploader"]);
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
    assert!(advice.contains("--network NAME"), "{advice}");
}

#[test]
fn a_certificate_file_that_is_not_there_is_named() {
    let world = World::new();
    let outcome = world.stage(&task(&world.shell("touch began")), &["--ca", "/no/such/ca.pem"]);
    let (text, advice) = outcome.failure();
    assert!(outcome.code == 2 && text.contains("/no/such/ca.pem") && advice.contains("--ca"), "{text}");
    assert!(!world.exists("began"));
}

/// A request whose lifecycle comes from a server with a certificate that nobody knows.
fn over_tls() -> (Cloud, Value, String) {
    let cloud = Cloud::new();
    let (server, authority) = Server::start_tls();
    server.answers("/lifecycle.tgz", 200, &tgz(&[("builder", BUILDER, 0o755)]));
    let mut request = cloud.request();
    request["cached_dependencies"][0]["from"] = json!(server.url("/lifecycle.tgz?md5=s3cret"));
    (cloud, request, authority)
}

#[test]
fn an_unknown_authority_is_named_and_ca_makes_it_known() {
    let (cloud, request, authority) = over_tls();
    let outcome = cloud.stage_request(&request, &[]);
    let (text, advice) = outcome.failure();
    assert!(text.contains("\"localhost\" is signed by an authority that is not trusted here"), "{text}");
    assert!(outcome.code == 4 && advice.contains("--ca FILE"), "{advice}");
    std::fs::write(cloud.world.path("ca.pem"), authority).unwrap();
    cloud.stage_request(&request, &["--ca", &cloud.world.text("ca.pem")]).done();
}

#[test]
fn the_certificates_that_the_request_names_are_trusted_too() {
    let (cloud, mut request, authority) = over_tls();
    std::fs::create_dir(cloud.world.path("certificates")).unwrap();
    std::fs::write(cloud.world.path("certificates/ca.crt"), authority).unwrap();
    request["trusted_system_certificates_path"] = json!(cloud.world.text("certificates"));
    cloud.stage_request(&request, &[]).done();
}

#[test]
fn certificates_are_not_looked_at_where_the_builder_would_not_either_and_that_is_said() {
    let (cloud, mut request, _) = over_tls();
    let args =
        &mut request["action"]["timeout"]["action"]["serial"]["actions"][1]["emit_progress"]["action"]["run"]["args"];
    args[6] = json!("-skipCertVerify=true");
    let outcome = cloud.stage_request(&request, &[]);
    let warnings = outcome.done().notes().into_iter().filter(|note| note.contains("TLS certificates are not checked"));
    assert_eq!(warnings.count(), 1);
}

#[test]
fn a_time_limit_and_a_signal_end_a_download_too() {
    let cloud = Cloud::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}/app.zip", silent.local_addr().unwrap());
    let mut request = cloud.request();
    request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"]["from"] = json!(nowhere);
    request["action"]["timeout"]["timeout"] = json!(300_000_000);
    let outcome = cloud.stage_request(&request, &[]);
    assert_eq!(
        (outcome.code, outcome.failure().0),
        (124, "staging took longer than the request's time limit of 300ms")
    );
    request["action"]["timeout"]["timeout"] = json!(900_000_000_000_u64);
    // It was begun ahead, and once more when its time began.
    let _held = [silent.accept().unwrap(), silent.accept().unwrap()];
    let running = cloud.world.start(&request, &["--output", "json"]);
    let _held = silent.accept().unwrap();
    assert!(std::process::Command::new("kill").arg(running.id().to_string()).status().unwrap().success());
    assert_eq!(Outcome::of(running).code, 143);
}
