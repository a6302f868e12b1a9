//! Faults that pass, and registries that are odd but right: the image is there, and whole.

use super::images::NOISE;
use super::misbehaving::Misbehaving;
use super::misbehaving::http::Answer;
use super::misbehaving::store::Habits;
use super::misbehaving::wrong::{Fault, Wrong};
use super::world::{As, World, name_at};
use crate::said::Said;
use shared_model::event::Event;
use std::thread;
use std::time::{Duration, SystemTime};

/// Each of these is survived; they take turns waiting.
#[track_caller]
fn survived(faults: Vec<Fault>) {
    let world = World::new(1);
    thread::scope(|threads| {
        for fault in faults {
            let world = &world;
            threads.spawn(move || {
                let name = format!("{fault:?}");
                let registry = Misbehaving::with(fault);
                let said = world.publish(&registry, As::Nobody);
                assert_eq!(said.code, Some(0), "{name}: {said:?}");
                registry.assert_has_it();
            });
        }
    });
}

fn answers(status: &str) -> Wrong {
    Wrong::Answers(Answer::page(status))
}

#[test]
fn an_error_of_a_proxy_that_passes_is_survived_wherever_it_happens() {
    let places = [
        "HEAD /v2/team/app/blobs/",
        "POST /v2/",
        "PATCH /v2/",
        "PUT /v2/team/app/blobs/",
        "PUT /v2/team/app/manifests/",
    ];
    let statuses =
        ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "522 "];
    survived(
        places
            .iter()
            .zip(statuses.iter().cycle())
            .map(|(place, status)| Fault::at(place, answers(status)).times(2))
            .collect(),
    );
}

#[test]
fn an_upload_that_is_cut_off_anywhere_is_sent_again() {
    let ends = |after| Wrong::HangsUp { after };
    survived(vec![
        Fault::at("PATCH /v2/", ends(0)).times(1),
        Fault::at("PATCH /v2/", ends(500_000)),
        Fault::at("PATCH /v2/", ends(10)).after(1).times(1),
        Fault::at("POST /v2/", ends(0)).times(2),
        Fault::at("PUT /v2/team/app/blobs/", ends(0)).times(2),
        Fault::at("PUT /v2/team/app/manifests/", ends(10)).times(1),
    ]);
}

#[test]
fn an_answer_that_does_not_come_is_asked_for_again() {
    let takes_all = || Wrong::HangsUp { after: usize::MAX };
    survived(vec![
        Fault::at("PATCH /v2/", takes_all()).times(1),
        Fault::at("PUT /v2/team/app/blobs/", takes_all()).times(1),
        Fault::at("PUT /v2/team/app/manifests/", takes_all()).times(2),
        Fault::at("GET /v2/", takes_all()).times(1),
    ]);
}

#[test]
fn a_registry_that_is_slow_has_time() {
    survived(vec![Fault::at("PATCH /v2/", Wrong::Crawls), Fault::at("PUT /v2/", Wrong::Crawls)]);
}

#[test]
fn a_registry_that_asks_for_a_pause_gets_it() {
    let world = World::new(1);
    let date = httpdate(SystemTime::now() + Duration::from_secs(3));
    thread::scope(|threads| {
        for pause in ["2", &date] {
            let world = &world;
            threads.spawn(move || {
                let busy = Answer::error("429 Too Many Requests", "TOOMANYREQUESTS", "too many requests");
                let registry = Misbehaving::with(
                    Fault::at("POST /v2/", Wrong::Answers(busy.with("Retry-After", pause.to_owned()))).times(1),
                );
                let began = SystemTime::now();
                world.publish(&registry, As::Nobody).done();
                registry.assert_has_it();
                assert!(began.elapsed().unwrap() >= Duration::from_secs(1), "{pause}: it did not wait");
            });
        }
    });
}

/// A date as HTTP has it.
fn httpdate(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let timestamp = jiff::Timestamp::from_second(since.try_into().unwrap()).unwrap();
    timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[test]
fn the_locations_of_uploads_may_have_a_host_or_none_and_keep_their_query() {
    let world = World::new(1);
    let registry = Misbehaving::new();
    let own = format!("http://{}", registry.address);
    for locations in [String::new(), own] {
        let registry = Misbehaving::new().used_to(|habits| habits.locations.clone_from(&locations));
        let locations = if locations.is_empty() { locations } else { format!("http://{}", registry.address) };
        let registry = registry.used_to(|habits| habits.locations = locations);
        world.publish(&registry, As::Nobody).done();
        registry.assert_has_it();
        assert!(registry.asked().iter().any(|asked| asked.query.contains("kept=a%2Fb")), "the query was not kept");
    }
}

#[test]
fn a_registry_without_tls_may_hang_up_on_who_tries_it() {
    let (world, registry) = (World::new(1), Misbehaving::new().used_to(|habits| habits.mute = true));
    world.publish(&registry, As::Nobody).done();
    registry.assert_has_it();
}

#[test]
fn a_registry_that_takes_only_small_requests_is_sent_small_ones() {
    let world = World::new(1);
    for (largest, shortest) in [(1 << 20, None), (1 << 20, Some(256 << 10))] {
        let registry =
            Misbehaving::new().used_to(|habits| (habits.largest, habits.shortest_chunk) = (Some(largest), shortest));
        let said = world.publish(&registry, As::Nobody);
        assert_eq!(said.code, Some(0), "{largest} {shortest:?}: {said:?}");
        registry.assert_has_it();
    }
}

/// One that breaks off the first layers that come, and then has these habits.
fn breaking_off(habits: impl FnOnce(&mut Habits)) -> Misbehaving {
    Misbehaving::with(Fault::at("PATCH /v2/", Wrong::HangsUp { after: 5 }).times(3)).used_to(habits)
}

#[test]
fn a_registry_that_takes_no_chunks_is_sent_all_of_it_anew() {
    let world = World::new(1);
    let statuses = ["400 Bad Request", "404 Not Found", "405 Method Not Allowed", "416 Range Not Satisfiable"];
    thread::scope(|threads| {
        for status in statuses {
            let world = &world;
            threads.spawn(move || {
                let registry = breaking_off(|habits| habits.refuses_chunks = Some(status));
                let said = world.publish(&registry, As::Nobody);
                assert_eq!(said.code, Some(0), "{status}: {said:?}");
                registry.assert_has_it();
            });
        }
    });
}

#[test]
fn a_registry_that_spoils_what_comes_in_parts_is_sent_all_of_it_anew() {
    let (world, registry) = (World::new(1), breaking_off(|habits| habits.spoils_rests = true));
    world.publish(&registry, As::Nobody).done();
    registry.assert_has_it();
}

#[test]
fn a_wrong_digest_of_what_was_sent_is_told_and_sent_again() {
    let lies = |answer: &mut Answer| {
        let other = format!("sha256:{}", "0".repeat(64));
        *answer = answer.clone().with("Docker-Content-Digest", other);
    };
    survived(vec![Fault::at("PUT /v2/team/app/blobs/", Wrong::changes(lies)).times(1)]);
}

#[test]
fn a_second_publish_sends_nothing_and_says_so() {
    let world = World::new(1);
    let registry = Misbehaving::new();
    let publish =
        || world.publish_with(&name_at(&registry.address), "oci:base", &["--output", "json"], As::Nobody).done();
    let pushed = |said: &Said| {
        said.events().into_iter().find_map(|event| match event {
            Event::Pushed { digest, bytes, layers_pushed, layers_existing, .. } => {
                Some((digest, bytes, layers_pushed, layers_existing))
            }
            _ => None,
        })
    };
    let (digest, bytes, sent, existing) = pushed(&publish()).unwrap();
    assert!(bytes > NOISE as u64, "{bytes}");
    assert_eq!((sent, existing), (4, 0));
    let posts = registry.times_asked("POST ");
    assert_eq!(pushed(&publish()), Some((digest, 0, 0, 4)));
    registry.assert_has_it();
    assert_eq!(registry.times_asked("POST "), posts);
}
