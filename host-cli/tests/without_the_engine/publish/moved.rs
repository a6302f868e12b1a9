//! Blobs that come from or go to other places: bases in registries, mounts, redirects, Locations on other hosts.

use super::images::Base;
use super::misbehaving::Misbehaving;
use super::misbehaving::door::Door;
use super::misbehaving::http::Answer;
use super::misbehaving::wrong::{Fault, Wrong};
use super::world::{As, World, name_at};

/// Publishes on a base that is in this registry, as `base:1`.
fn publish_on(world: &World, base: &Misbehaving, registry: &Misbehaving, who: As) -> crate::said::Said {
    world.publish_with(&name_at(&registry.address), &format!("{}/base:1", base.address), &[], who)
}

fn holding() -> Misbehaving {
    Misbehaving::new().holding_base(&Base::new("amd64"))
}

#[test]
fn a_base_of_the_same_registry_is_mounted_and_not_sent() {
    let (world, registry) = (World::new(4), holding());
    publish_on(&world, &registry, &registry, As::Nobody).done();
    registry.assert_has_it();
    assert!(registry.asked().iter().any(|asked| asked.says("mount").is_some()));
    assert_eq!(registry.times_asked("GET /v2/base/blobs/"), 1, "but for the config");
}

#[test]
fn where_nothing_is_mounted_the_base_is_fetched_and_sent() {
    let world = World::new(4);
    let refusals = [
        Answer::error("404 Not Found", "BLOB_UNKNOWN", "blob unknown to registry"),
        Answer::error("405 Method Not Allowed", "UNSUPPORTED", "the operation is unsupported"),
        Answer::error("403 Forbidden", "DENIED", "not yours"),
    ];
    let registry = holding().used_to(|habits| habits.mounts = false);
    publish_on(&world, &registry, &registry, As::Nobody).done();
    registry.assert_has_it();
    for refusal in refusals {
        let status = refusal.status.clone();
        let registry = holding().and(Fault::at("mount=sha256", Wrong::Answers(refusal)));
        let said = publish_on(&world, &registry, &registry, As::Nobody);
        assert_eq!(said.code, Some(0), "{status}: {said:?}");
        registry.assert_has_it();
    }
}

#[test]
fn a_base_of_another_registry_is_passed_through() {
    let (world, base, registry) = (World::new(4), holding(), Misbehaving::new());
    publish_on(&world, &base, &registry, As::Nobody).done();
    registry.assert_has_it();
}

#[test]
fn a_layer_of_the_base_that_is_cut_off_goes_on_where_it_broke() {
    let world = World::new(4);
    for fault in [
        Fault::at("GET /v2/base/blobs/", Wrong::CutsOff { after: 50 }).times(3),
        Fault::at("GET /v2/base/blobs/", Wrong::Answers(Answer::page("503 Service Unavailable"))).times(2),
        Fault::at("GET /v2/base/blobs/", Wrong::Crawls),
        Fault::at("GET /v2/base/manifests/", Wrong::CutsOff { after: 50 }).times(1),
    ] {
        let name = format!("{fault:?}");
        let (base, registry) = (holding().and(fault), Misbehaving::new());
        let said = publish_on(&world, &base, &registry, As::Nobody);
        assert_eq!(said.code, Some(0), "{name}: {said:?}");
        registry.assert_has_it();
    }
}

#[test]
fn bytes_of_a_base_that_are_not_those_of_its_digests_are_refused() {
    let world = World::new(4);
    let flips = || {
        Wrong::changes(|answer| {
            if let Some(byte) = answer.body.last_mut() {
                *byte ^= 1;
            }
        })
    };
    for (place, words) in [("GET /v2/base/blobs/", "sha256:"), ("GET /v2/base/manifests/", "base:1")] {
        let (base, registry) = (holding().and(Fault::at(place, flips())), Misbehaving::new().holding_another());
        publish_on(&world, &base, &registry, As::Nobody).failed(7, &[words, &base.address]);
        registry.assert_holds_the_other();
    }
}

#[test]
fn documents_of_a_base_without_end_or_sense_are_refused() {
    let world = World::new(4);
    for wrong in [
        Wrong::EndlessBody("200 OK"),
        Wrong::EndlessHead,
        Wrong::Answers(Answer::new("200 OK").with("Content-Type", super::images::MANIFEST).body("{}")),
        Wrong::Answers(Answer::page("200 OK")),
        Wrong::Answers(Answer::page("404 Not Found")),
    ] {
        let name = format!("{wrong:?}");
        let base = holding().and(Fault::at("GET /v2/base/manifests/", wrong));
        let registry = Misbehaving::new().holding_another();
        let said = publish_on(&world, &base, &registry, As::Nobody);
        assert_eq!(said.code, Some(7), "{name}: {said:?}");
        said.failed(7, &[&base.address]);
        registry.assert_holds_the_other();
    }
}

#[test]
fn a_base_of_another_architecture_is_refused_by_its_name() {
    let world = World::new(4);
    let base = Misbehaving::new().holding_base(&Base::new("s390x"));
    let registry = Misbehaving::new().holding_another();
    publish_on(&world, &base, &registry, As::Nobody).failed(7, &["s390x", "amd64"]);
    registry.assert_holds_the_other();
    assert_eq!(registry.times_asked("POST "), 0, "something was sent");
}

#[test]
fn of_a_base_for_several_platforms_the_one_for_this_machine_is_taken() {
    let world = World::new(4);
    let (ours, other) = (Base::new("amd64"), Base::new("s390x"));
    for kind in ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"]
    {
        let base = holding().holding_base(&other).holding_base(&ours);
        let base = base.holding_index("all", kind, &[(&other, "s390x"), (&ours, "amd64")]);
        let base = base.holding_index("others", kind, &[(&other, "s390x")]);
        let registry = Misbehaving::new().holding_another();
        let publish = |tag: &str| {
            let base = format!("{}/base:{tag}", base.address);
            world.publish_with(&name_at(&registry.address), &base, &[], As::Nobody)
        };
        publish("others").failed(7, &["it has no image for linux/amd64, but for linux/s390x", "try: "]);
        registry.assert_holds_the_other();
        publish("all").done();
        registry.assert_has_it();
    }
}

#[test]
fn who_may_not_read_a_base_hears_nothing_of_pushing() {
    let world = World::new(4);
    let denied = Answer::error("403 Forbidden", "DENIED", "requested access to the resource is denied");
    let lacking = Answer::error("429 Too Many Requests", "TOOMANYREQUESTS", "slow down").with("Retry-After", "3600");
    for (refusal, words) in [(denied, "as a user that may read it"), (lacking, "wait, then try again")] {
        let base = holding().and(Fault::at("GET /v2/base/manifests/", Wrong::Answers(refusal)));
        let registry = Misbehaving::new().holding_another();
        let said = publish_on(&world, &base, &registry, As::Nobody).failed(7, &[words, &base.address]);
        assert!(!said.err.contains("push"), "{}", said.err);
        registry.assert_holds_the_other();
    }
}

/// No request for this host bore a login.
#[track_caller]
fn assert_no_login_for(host: &str, registry: &Misbehaving) {
    let host = host.trim_start_matches("http://");
    let asked: Vec<_> = registry.asked().into_iter().filter(|asked| asked.header("host") == Some(host)).collect();
    assert!(!asked.is_empty(), "nobody asked {host}");
    for asked in asked {
        assert_eq!(asked.header("authorization"), None, "{}", asked.line());
    }
}

#[test]
fn a_place_on_another_host_gets_no_login() {
    let world = World::new(4);
    let registry = Misbehaving::behind(Door::Basic).holding_base(&Base::new("amd64"));
    let other = registry.also_on("127.0.0.2");
    let registry = registry.used_to(|habits| {
        habits.locations.clone_from(&other);
        habits.mounts = false;
    });
    world.publish(&registry, As::User).done();
    registry.assert_has_it();
    assert_no_login_for(&other, &registry);
}

#[test]
fn a_blob_that_is_fetched_from_another_host_is_fetched_without_a_login() {
    let world = World::new(5);
    let registry = Misbehaving::behind(Door::Basic).holding_base(&Base::new("amd64"));
    let other = registry.also_on("127.0.0.2");
    let registry = registry.used_to(|habits| (habits.blobs_elsewhere, habits.mounts) = (Some(other.clone()), false));
    publish_on(&world, &registry, &registry, As::User).done();
    registry.assert_has_it();
    assert_no_login_for(&other, &registry);
}

#[test]
fn a_redirect_that_never_ends_is_left() {
    let world = World::new(4);
    let around = Answer::new("307 Temporary Redirect").with("Location", "/v2/base/blobs/around");
    let base = holding().and(Fault::at("GET /v2/base/blobs/", Wrong::Answers(around)));
    let registry = Misbehaving::new().holding_another();
    publish_on(&world, &base, &registry, As::Nobody).failed(7, &["try: "]);
    assert!(base.times_asked("GET /v2/base/blobs/") < 50);
    registry.assert_holds_the_other();
}
