//! Registries and login services that say a byte a second: no pause is long, and there is no end.

use super::images::Base;
use super::misbehaving::Misbehaving;
use super::misbehaving::door::{Door, Tokens};
use super::misbehaving::http::Answer;
use super::misbehaving::wrong::{Fault, Wrong};
use super::world::{As, World, name_at};
use std::thread;
use std::time::{Duration, Instant};

/// Where it trickles, and what is said then.
type Case = (Fault, &'static [&'static str]);

/// From the first byte of its head (`None`), or behind so many of its body.
fn trickles(after: Option<usize>) -> Wrong {
    Wrong::Trickles { answer: None, after }
}

fn denies(after: Option<usize>) -> Wrong {
    let denied = Answer::error("403 Forbidden", "DENIED", &"requested access to the resource is denied ".repeat(9));
    Wrong::Trickles { answer: Some(denied), after }
}

fn registries() -> Vec<Case> {
    vec![
        (Fault::at("POST /v2/", trickles(None)), &["too little moved"]),
        (Fault::at("HEAD /v2/", trickles(None)), &["too little moved"]),
        (Fault::at("PATCH /v2/", denies(None)), &["too little moved"]),
    ]
}

/// All of them at once: each is waited for twice.
#[test]
fn who_says_a_byte_a_second_is_left() {
    let world = World::new(6);
    thread::scope(|threads| {
        let world = &world;
        for (fault, words) in registries() {
            threads.spawn(move || {
                let registry = Misbehaving::with(fault).holding_another();
                world.publish(&registry, As::Nobody).failed(7, words).failed(7, &["try: "]);
                registry.assert_holds_the_other();
            });
        }
        for after in [None, Some(9)] {
            threads.spawn(move || {
                let registry = Misbehaving::behind(Door::Tokens(Tokens::default())).holding_another();
                let registry = registry.and(Fault::at("GET /token", trickles(after)));
                world.publish(&registry, As::User).failed(7, &["login service", "too little moved", "try: "]);
                registry.assert_holds_the_other();
            });
        }
        for place in ["GET /v2/base/blobs/", "GET /v2/base/manifests/"] {
            threads.spawn(move || {
                let base = Misbehaving::with(Fault::at(place, trickles(Some(9)))).holding_base(&Base::new("amd64"));
                let registry = Misbehaving::new().holding_another();
                let base_name = format!("{}/base:1", base.address);
                let said = world.publish_with(&name_at(&registry.address), &base_name, &[], As::Nobody);
                said.failed(7, &["too little moved", &base.address]);
                registry.assert_holds_the_other();
            });
        }
    });
}

/// Half a minute is for layers.
#[test]
fn the_words_of_a_refusal_are_not_waited_for_as_long_as_a_layer() {
    let (world, began) = (World::new(6), Instant::now());
    let registry = Misbehaving::with(Fault::at("PUT /v2/team/app/manifests/", denies(Some(5)))).holding_another();
    world.publish(&registry, As::Nobody).failed(7, &["403", "team/app", "try: "]);
    registry.assert_holds_the_other();
    assert!(began.elapsed() < Duration::from_secs(28), "{:?}", began.elapsed());
}
