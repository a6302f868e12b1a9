//! Registries that refuse, break for good, or lie: words, advice, exit code 7, and under the tag what was there before.

use super::misbehaving::Misbehaving;
use super::misbehaving::door::Door;
use super::misbehaving::http::Answer;
use super::misbehaving::wrong::{Fault, Wrong};
use super::world::{As, World, name_at};
use std::net::TcpListener;
use std::thread;

/// The exit code for images that were not made or did not arrive.
const IMAGE: i32 = 7;

/// Ends with that code and one error, which has an advice and these words.
#[track_caller]
fn refused(world: &World, registry: &Misbehaving, who: As, words: &[&str]) {
    let said = world.publish(registry, who);
    registry.assert_holds_the_other();
    let words: Vec<&str> = words.iter().copied().chain(["try: "]).collect();
    said.failed(IMAGE, &words);
}

/// The same for each of these faults, side by side.
#[track_caller]
fn all_refused(cases: Vec<(Fault, &[&str])>) {
    let world = World::new(2);
    thread::scope(|threads| {
        for (fault, words) in cases {
            let world = &world;
            threads.spawn(move || refused(world, &Misbehaving::with(fault).holding_another(), As::Nobody, words));
        }
    });
}

const MANIFEST: &str = "PUT /v2/team/app/manifests/";

fn error(status: &str, code: &str, message: &str) -> Wrong {
    Wrong::Answers(Answer::error(status, code, message))
}

#[test]
fn who_is_not_let_in_hears_whether_a_login_was_missing_or_wrong() {
    let world = World::new(2);
    let behind = || Misbehaving::behind(Door::Basic).holding_another();
    refused(&world, &behind(), As::Nobody, &["login"]);
    refused(&world, &behind(), As::Stranger, &["pusher"]);
    let registry = behind();
    world.publish(&registry, As::User).done();
    registry.assert_has_it();
}

#[test]
fn a_name_that_is_not_allowed_is_told_with_the_registrys_words() {
    all_refused(vec![
        (
            Fault::at("POST /v2/", error("403 Forbidden", "DENIED", "requested access to the resource is denied")),
            &["team/app", "denied"],
        ),
        (
            Fault::at("POST /v2/", error("400 Bad Request", "NAME_INVALID", "invalid repository name")),
            &["team/app", "invalid repository name"],
        ),
        (
            Fault::at("POST /v2/", error("404 Not Found", "NAME_UNKNOWN", "repository name not known to registry")),
            &["team/app"],
        ),
        (Fault::at("POST /v2/", Wrong::Answers(Answer::page("403 Forbidden"))), &["team/app"]),
        (Fault::at("POST /v2/", Wrong::Answers(Answer::new("403 Forbidden"))), &["team/app"]),
    ]);
}

#[test]
fn a_full_registry_is_told_with_its_own_words() {
    let harbor = "adding 2.0 MiB of storage resource, which when updated to current usage of 9.9 MiB will exceed the configured upper limit of 10.0 MiB";
    all_refused(vec![
        (
            Fault::at("PUT /v2/team/app/blobs/", error("403 Forbidden", "DENIED", harbor)),
            &["exceed the configured upper limit"],
        ),
        (Fault::at(MANIFEST, error("403 Forbidden", "DENIED", harbor)), &["exceed the configured upper limit"]),
        (Fault::at("PATCH /v2/", Wrong::Answers(Answer::page("507 Insufficient Storage"))), &["507"]),
        (Fault::at("PATCH /v2/", Wrong::Answers(Answer::page("413 Request Entity Too Large"))), &["413"]),
        (Fault::at("PATCH /v2/", Wrong::Interrupts(Answer::page("413 Request Entity Too Large"))), &[]),
    ]);
}

/// These are tried for half a minute and more, all at once.
#[test]
fn a_fault_that_might_pass_and_stays_ends_it_in_bounded_time() {
    let lies = Wrong::changes(|answer| {
        let other = format!("sha256:{}", "0".repeat(64));
        *answer = answer.clone().with("Docker-Content-Digest", other);
    });
    let invalid = error("400 Bad Request", "DIGEST_INVALID", "provided digest did not match uploaded content");
    let page = |status| Wrong::Answers(Answer::page(status));
    all_refused(vec![
        (Fault::at("POST /v2/", page("503 Service Unavailable")), &["503"]),
        (Fault::at("HEAD /v2/team/app/blobs/", page("500 Internal Server Error")), &["500"]),
        (Fault::at("PATCH /v2/", Wrong::HangsUp { after: 0 }), &[]),
        (Fault::at(MANIFEST, page("502 Bad Gateway")), &["502"]),
        (Fault::at("POST /v2/", Wrong::Babbles), &[]),
        (Fault::at("POST /v2/", Wrong::EndlessBody("500 Internal Server Error")), &["500"]),
        (
            Fault::at("POST /v2/", error("429 Too Many Requests", "TOOMANYREQUESTS", "slow down, please")),
            &["slow down, please"],
        ),
        (Fault::at("PUT /v2/team/app/blobs/", lies), &["received other data than was sent", "sha256:"]),
        (Fault::at("PUT /v2/team/app/blobs/", invalid), &["received other data than was sent"]),
    ]);
}

#[test]
fn bytes_that_a_registry_calls_wrong_are_sent_anew_once_if_they_came_in_parts_and_else_not() {
    let (world, closing) = (World::new(2), "PUT /v2/team/app/blobs/");
    let invalid = error("400 Bad Request", "DIGEST_INVALID", "provided digest did not match uploaded content");
    let breaks = Fault::at("PATCH /v2/", Wrong::HangsUp { after: 5 }).times(3);
    let refuses = || Fault::at(closing, invalid.clone());
    // Three layers are on their way at once.
    for (registry, most) in [(Misbehaving::with(refuses()), 3), (Misbehaving::with(refuses()).and(breaks), 6)] {
        let registry = registry.holding_another();
        refused(&world, &registry, As::Nobody, &["received other data than was sent"]);
        assert!(registry.times_asked(closing) <= most, "{} of {most}", registry.times_asked(closing));
    }
}

#[test]
fn a_registry_that_asks_for_an_hours_pause_is_told_of_and_not_waited_for() {
    let busy =
        Answer::error("429 Too Many Requests", "TOOMANYREQUESTS", "too many requests").with("Retry-After", "3600");
    all_refused(vec![(Fault::at("POST /v2/", Wrong::Answers(busy)), &["limits requests", "429"])]);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    all_refused(vec![
        (Fault::at("POST /v2/", Wrong::EndlessHead), &[]),
        (Fault::at("POST /v2/", Wrong::EndlessBody("403 Forbidden")), &["403"]),
        (Fault::at("POST /v2/", Wrong::EndlessBody("202 Accepted")), &[]),
        (Fault::at(MANIFEST, Wrong::EndlessBody("400 Bad Request")), &["400"]),
    ]);
}

#[test]
fn a_registry_that_never_answers_is_left() {
    all_refused(vec![(Fault::at("POST /v2/", Wrong::Hangs), &[]), (Fault::at("HEAD ", Wrong::Hangs), &[])]);
}

#[test]
fn a_manifest_that_names_what_the_registry_has_lost_is_refused_with_its_words() {
    let lost = error("404 Not Found", "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
    all_refused(vec![(Fault::at(MANIFEST, lost), &["blob unknown to registry"])]);
}

#[test]
fn an_upload_without_a_place_to_go_on_ends_it() {
    for location in ["", "ftp://example.com/there", "http://", "::::"] {
        let elsewhere = Wrong::changes(move |answer| {
            answer.headers.retain(|(name, _)| name != "Location");
            if !location.is_empty() {
                *answer = answer.clone().with("Location", location);
            }
        });
        all_refused(vec![(Fault::at("POST /v2/", elsewhere), &[])]);
    }
}

#[test]
fn text_of_a_registry_cannot_write_on_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2Jand\nmore";
    let world = World::new(2);
    let registry = Misbehaving::with(Fault::at("POST /v2/", error("403 Forbidden", "DENIED", evil))).holding_another();
    let said = world.publish(&registry, As::Nobody).failed(IMAGE, &["team/app"]);
    assert!(!said.err.contains(['\u{1b}', '\u{7}']) && !said.out.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_host_that_is_not_there_is_told_apart_from_a_name_that_leads_nowhere() {
    let world = World::new(2);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let publish = |reference: &str| world.publish_with(reference, "oci:base", &[], As::Nobody);
    publish(&name_at(&free)).failed(7, &[&free, "try: "]);
    publish("no-such-host.invalid/team/app:1").failed(7, &["no-such-host.invalid", "try: "]);
}

#[test]
fn what_is_no_name_is_told_before_anything_is_asked() {
    let world = World::new(2);
    let publish = |reference: &str, more: &[&str]| world.publish_with(reference, "oci:base", more, As::Nobody);
    for reference in ["http://localhost:5000/a:1", "localhost:5000/A:1", "localhost:5000/a@sha256:00", ""] {
        publish(reference, &[]).failed(2, &[]);
    }
    publish("localhost:1/a:1", &["--push", "localhost:1/b:1"]).failed(2, &["--push"]);
}
