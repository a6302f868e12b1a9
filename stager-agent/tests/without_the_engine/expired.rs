//! Requests whose signatures have expired: all that is missing is said at once, before anything is done.

use crate::cached::Cached;
use crate::cloud::{Cloud, names};
use serde_json::{Value, json};

const EXPIRED: &str = "?md5=s3cret&expires=1466017043";

/// Makes all URLs of the request expired by our clock.
fn outdated(cloud: &Cloud) -> Value {
    let text = cloud.request().to_string().replace("expires=4102444800", "expires=1466017043");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn everything_that_is_missing_is_listed_before_anything_is_done() {
    let cloud = Cloud::new();
    for (path, status) in [("/lifecycle.tgz", 410), ("/buildpack.zip", 400), ("/app.zip", 401)] {
        cloud.server.answers(path, status, b"");
    }
    let outcome = cloud.stage_request(&outdated(&cloud), &[]);
    let (text, advice) = outcome.failure();
    assert_eq!(outcome.code, 4, "{text}");
    let when = "(the URL expired at 2016-06-15 18:57:23 UTC)";
    for line in [
        format!("\n/lifecycle.tgz from {} {when}", cloud.server.url("/lifecycle.tgz?***")),
        format!("\na_buildpack (/buildpack.zip) from {} {when}", cloud.server.url("/buildpack.zip?***")),
        format!("\napp package from {} {when}", cloud.server.url("/app.zip?***")),
    ] {
        assert!(text.contains(&line), "{line:?} is not in {text}");
    }
    assert!(advice.contains("cf restage") && advice.contains("cache-up"), "{advice}");
    assert_eq!(cloud.server.asked("GET").len(), 3, "each is asked for once");
    assert!(!names(&outcome).contains(&"downloading".to_owned()) && !cloud.world.exists("lifecycle"));
}

#[test]
fn a_clock_that_is_wrong_is_no_reason_to_fail() {
    let cloud = Cloud::new();
    cloud.stage_request(&outdated(&cloud), &[]).done();
}

#[test]
fn what_the_request_can_do_without_is_not_missed() {
    let cloud = Cloud::new();
    cloud.server.answers("/cache.tgz", 410, b"");
    let mut request = cloud.request();
    let from = cloud.server.url(&format!("/cache.tgz{EXPIRED}"));
    let to = cloud.world.text("cache");
    let user = crate::world::user();
    let download = json!({"try": {"action": {"download": {"artifact": "build artifacts cache", "from": from, "to": to, "cache_key": "", "user": user}}}});
    request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap().insert(1, download);
    let outcome = cloud.stage_request(&request, &[]);
    let ignored = |note: &&&str| note.contains("/cache.tgz?***: the server answered 410 Gone");
    assert_eq!(outcome.done().notes().iter().filter(ignored).count(), 1, "{:?}", outcome.notes());
}

#[test]
fn only_what_the_cache_does_not_have_is_missing() {
    let Some(cached) = Cached::new() else { return };
    let cloud = &cached.cloud;
    let mut dependencies = cloud.request();
    dependencies["action"] = cloud.world.shell("true");
    dependencies["result_file"] = json!("");
    cached.stage_request(&dependencies, &[]).done();
    for path in ["/lifecycle.tgz", "/buildpack.zip", "/app.zip"] {
        cloud.server.answers(path, 410, b"");
    }
    let outcome = cached.stage_request(&outdated(cloud), &[]);
    let (text, _) = outcome.failure();
    assert!(text.contains("app package from") && !text.contains("buildpack") && !text.contains("lifecycle"), "{text}");
}

#[test]
fn a_copy_of_another_package_than_the_requests_is_missing_too() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    cached.cloud.server.answers("/app.zip", 410, b"");
    let mut request = outdated(&cached.cloud);
    cached.stage_request(&request, &[]).done();
    let package = &mut request["action"]["timeout"]["action"]["serial"]["actions"][0]["download"];
    package["checksum_algorithm"] = json!("sha256");
    package["checksum_value"] = json!("0".repeat(64));
    let outcome = cached.stage_request(&request, &[]);
    let (text, _) = outcome.failure();
    assert!(text.contains("app package from") && text.contains("the URL expired"), "{text}");
}
