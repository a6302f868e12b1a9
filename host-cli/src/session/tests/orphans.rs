//! What killed host-clis left goes when the next one begins, and nothing of those that live.

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, ImageId};
use crate::image::app_image;
use crate::labels;
use crate::owner::samples::{elsewhere, ended, living};
use crate::plan::guard;
use crate::recorded_run::*;
use crate::session::orphans;
use crate::session::temporary_tag::TemporaryTag;
use std::collections::BTreeMap;

const APP: (&str, &str) = ("stager.kind", "app");

/// Lets a host-cli begin.
fn begun(fake: &Arc<Fake>) -> Walked {
    walked(fake, nobody, |session| {
        orphans::remove(session);
        Ok(())
    })
}

fn container(fake: &Fake, name: &str, labels: &[(&str, &str)]) -> ContainerId {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let spec = ContainerSpec { labels, ..guard::guard("x", BTreeMap::new()) };
    fake.create(Some(name), &spec).unwrap()
}

fn names(fake: &Fake) -> Vec<String> {
    fake.state().containers.values().map(|(container, _)| container.name.clone()).collect()
}

/// A guard of this owner that tells of the making of an image.
fn guards(fake: &Fake, owner: &str, build_key: &str) {
    let name = format!("guard-{}", fake.state().containers.len());
    container(fake, &name, &[("stager.kind", "guard"), ("stager.owner", owner), (app_image::BUILD_KEY, build_key)]);
}

/// An image that has not got its name yet.
fn nameless(fake: &Fake, labels: &[(&str, &str)]) -> ImageId {
    let id = fake.add_image("soon:named", labels);
    fake.state().images.last_mut().unwrap().tags.clear();
    id
}

fn is_there(fake: &Fake, image: &ImageId) -> bool {
    fake.image(&image.0).unwrap().is_some()
}

#[test]
fn a_killed_ones_container_goes_and_is_told_of_and_a_living_neighbours_stays() {
    let fake = Arc::new(Fake::with_image("x"));
    let of = |owner: String| [("stager.kind", "staging".to_owned()), ("stager.owner", owner)];
    for (name, owner) in [("killed", ended()), ("neighbour", living()), ("far", elsewhere())] {
        let labels = of(owner);
        let id = container(&fake, name, &labels.each_ref().map(|(name, value)| (*name, value.as_str())));
        fake.start(&id).unwrap();
    }
    let walked = begun(&fake);
    assert_eq!(names(&fake), ["neighbour", "far"]);
    assert!(walked.said("leftovers of an earlier host-cli: container killed"), "{}", walked.text);
    assert_eq!(walked.text.matches("leftovers").count(), 1, "{}", walked.text);
}

#[test]
fn credentials_in_a_volume_whose_container_went_without_it_go_and_the_cache_stays() {
    let fake = Arc::new(Fake::with_image("x"));
    for (name, kind) in [("f00d", "files"), ("stager-cache", "cache")] {
        fake.ensure_volume(name, &[("stager.kind".to_owned(), kind.to_owned())].into()).unwrap();
    }
    let walked = begun(&fake);
    assert!(walked.said("leftovers of an earlier host-cli: volume f00d"), "{}", walked.text);
    assert!(fake.has_volume("stager-cache").unwrap() && !fake.has_volume("f00d").unwrap());
}

#[test]
fn what_its_owner_removes_at_that_moment_was_not_left() {
    let fake = Arc::new(Fake::with_image("x"));
    container(&fake, "ends-well", &[("stager.kind", "staging"), ("stager.owner", &ended())]);
    fake.state().gone_when_listed.insert("ends-well");
    let walked = begun(&fake);
    assert!(!walked.said("leftovers"), "{}", walked.text);
}

#[test]
fn what_ended_elsewhere_goes_when_it_is_old() {
    let now = jiff::Timestamp::now().as_second();
    for (ended, left) in [(now - 60, 1), (now - 2 * 60 * 60, 0)] {
        let fake = Arc::new(Fake::with_image("x"));
        let id = container(&fake, "far", &[("stager.kind", "staging"), ("stager.owner", &elsewhere())]);
        fake.state().containers.get_mut(&id.0).unwrap().0.ended = ended;
        begun(&fake);
        assert_eq!(names(&fake).len(), left);
    }
}

#[test]
fn where_nothing_was_left_the_engine_is_asked_no_more_than_it_must_be() {
    let fake = Arc::new(Fake::with_image("x"));
    let walked = begun(&fake);
    assert_eq!(fake.verbs(), ["list_containers", "unused_volumes"]);
    assert!(!walked.said("left"), "{}", walked.text);
}

#[test]
fn an_engine_that_does_not_tell_costs_nothing_and_one_that_does_not_remove_is_told_of() {
    let fake = Arc::new(Fake::with_image("x"));
    for verb in ["list_containers", "dangling_images", "images_labelled", "image", "container"] {
        guards(&fake, &ended(), "r");
        fake.refuse(verb, "no");
        assert_eq!(begun(&fake).code, ExitCode::Success);
        fake.state().containers.clear();
    }
    container(&fake, "killed", &[("stager.kind", "cache"), ("stager.owner", &ended())]);
    fake.refuse("remove", "not now");
    let walked = begun(&fake);
    assert!(
        walked.code == ExitCode::Success && walked.said("container killed, which cannot be removed"),
        "{}",
        walked.text
    );
}

#[test]
fn an_image_without_a_name_goes_with_the_guard_of_its_build_key_unless_another_one_makes_the_same() {
    for (others, stays) in
        [(None, false), (Some((living(), "r")), true), (Some((living(), "q")), false), (Some((elsewhere(), "r")), true)]
    {
        let fake = Arc::new(Fake::with_image("x"));
        let image = nameless(&fake, &[APP, (app_image::BUILD_KEY, "r")]);
        let derived = nameless(&fake, &[APP, (app_image::BUILD_KEY, "somebody else's")]);
        guards(&fake, &ended(), "r");
        let count = 1 + usize::from(others.is_some());
        if let Some((owner, build_key)) = &others {
            guards(&fake, owner, build_key);
        }
        let walked = begun(&fake);
        assert_eq!(is_there(&fake, &image), stays, "{others:?}: {}", walked.text);
        assert!(is_there(&fake, &derived), "nobody told of it");
        assert_eq!(names(&fake).len(), count - 1, "the killed one's guard goes");
        assert!(walked.said(": guard guard-0"), "{}", walked.text);
        assert_eq!(walked.said("which never got a name"), !stays, "{}", walked.text);
    }
}

#[test]
fn a_guard_stays_until_its_image_is_gone_even_where_that_came_in_the_middle_of_a_look_or_could_not_go() {
    for refused in [false, true] {
        let fake = Arc::new(Fake::with_image("x"));
        let image = nameless(&fake, &[APP, (app_image::BUILD_KEY, "r")]);
        guards(&fake, &ended(), "r");
        if refused {
            fake.refuse("remove_dangling", "not now");
        } else {
            fake.state().taken_in_late = Some(image.clone());
        }
        let walked = begun(&fake);
        assert!(is_there(&fake, &image) && names(&fake) == ["guard-0"], "{refused}: {}", walked.text);
        begun(&fake);
        assert!(!is_there(&fake, &image) && names(&fake).is_empty(), "{refused}");
    }
}

#[test]
fn an_image_that_got_its_name_stays_though_its_maker_was_killed_right_after() {
    let fake = Arc::new(Fake::with_image("x"));
    let image = fake.add_image("cf-app/a:latest", &[APP, (app_image::BUILD_KEY, "r")]);
    guards(&fake, &ended(), "r");
    begun(&fake);
    assert!(is_there(&fake, &image) && names(&fake).is_empty());
}

#[test]
fn what_a_build_left_goes_when_nobody_makes_an_image() {
    for (owner, stays) in [(ended(), false), (living(), true)] {
        let fake = Arc::new(Fake::with_image("x"));
        let image = nameless(&fake, &[APP]);
        // A step of a build bears the one label that our Dockerfile begins with, and its base's.
        let of_base = ("stager.build-key".to_owned(), "the base's".to_owned());
        fake.state().images[0].labels.extend([of_base.clone()]);
        let labels = [(labels::KIND.to_owned(), labels::KIND_APP.to_owned()), of_base];
        fake.state().images.last_mut().unwrap().labels = labels.into();
        guards(&fake, &owner, "r");
        begun(&fake);
        assert_eq!(is_there(&fake, &image), stays);
    }
}

#[test]
fn a_baked_image_without_a_name_goes_with_its_guard_and_one_that_was_built_on_it_stays() {
    let fake = Arc::new(Fake::with_image("x"));
    let baked = |build_key: &str, layers: usize| {
        let image = nameless(&fake, &[("stager.kind", "stager"), (app_image::BUILD_KEY, build_key)]);
        let above = (0..layers).map(|layer| format!("sha256:{layer}"));
        fake.state().images.last_mut().unwrap().details.layers.extend(above);
        image
    };
    let (left, child, coming) = (baked("r", 1), baked("r", 2), baked("s", 1));
    guards(&fake, &ended(), "r");
    guards(&fake, &living(), "s");
    begun(&fake);
    assert_eq!([left, child, coming].map(|image| is_there(&fake, &image)), [false, true, true]);
}

#[test]
fn a_guard_whose_image_was_not_seen_outlives_any_load_and_no_more() {
    let fake = Arc::new(Fake::with_image("x"));
    guards(&fake, &ended(), "r");
    begun(&fake);
    assert_eq!(names(&fake).len(), 1, "the engine may still take the image in");
    let image = nameless(&fake, &[APP, (app_image::BUILD_KEY, "r")]);
    begun(&fake);
    assert!(names(&fake).is_empty() && !is_there(&fake, &image));

    guards(&fake, &ended(), "r");
    let now = jiff::Timestamp::now().as_second();
    fake.state().made_at = Some(now - 25 * 60 * 60);
    begun(&fake);
    assert!(names(&fake).is_empty());
}

#[test]
fn what_an_image_says_is_no_reason_to_touch_anything() {
    let fake = Arc::new(Fake::with_image("x"));
    let (victim, other) = (fake.add_image("postgres:16", &[]), fake.add_image("evil:1", &[]));
    let owner = ended();
    let of_kind = |kind: &'static str, lent_to: &str| {
        [
            ("stager.kind", kind.to_owned()),
            ("stager.owner", owner.clone()),
            (labels::LENT, "postgres:16".to_owned()),
            (labels::LENT_TO, lent_to.to_owned()),
            (labels::LENT_FROM, other.0.clone()),
        ]
    };
    for kind in ["guard", "staging", "cache"] {
        let labels = of_kind(kind, &victim.0);
        let labels = labels.each_ref().map(|(name, value)| (*name, value.as_str()));
        fake.add_image(kind, &labels);
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let spec = ContainerSpec { image: kind.to_owned(), labels, ..guard::guard("x", BTreeMap::new()) };
        let id = fake.create(Some(kind), &spec).unwrap();
        if kind != "guard" {
            fake.start(&id).unwrap();
        }
    }
    // One that somebody made by hand, with names where ids belong.
    let labels = of_kind("guard", "postgres:16");
    container(&fake, "by-hand", &labels.each_ref().map(|(name, value)| (*name, value.as_str())));
    let walked = begun(&fake);
    assert_eq!(fake.image("postgres:16").unwrap().unwrap().id, victim, "{}", walked.text);
    assert_eq!(names(&fake).iter().filter(|name| *name != "by-hand").count(), 3, "{}", walked.text);
    let said = "3 containers have stager's labels but were not made by stager; they are left alone: ";
    assert!(walked.said(said) && ["guard", "staging", "cache"].iter().all(|kind| walked.said(kind)), "{}", walked.text);
}

#[test]
fn however_many_containers_only_look_like_ours_one_line_names_the_first() {
    for (count, said) in [
        (1, "container c00 has stager's labels but was not made by stager; it is left alone"),
        (3, "3 containers have stager's labels but were not made by stager; they are left alone: c00, c01, c02\""),
        (
            12,
            "12 containers have stager's labels but were not made by stager; they are left alone: c00, c01, c02 and 9 more",
        ),
    ] {
        let fake = Arc::new(Fake::with_image("x"));
        let owner = ended();
        fake.add_image("evil", &[("stager.kind", "staging"), ("stager.owner", &owner)]);
        for at in 0..count {
            let labels = [("stager.kind", "staging"), ("stager.owner", owner.as_str())];
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let spec = ContainerSpec { image: "evil".to_owned(), labels, ..ContainerSpec::default() };
            let id = fake.create(Some(&format!("c{at:02}")), &spec).unwrap();
            fake.start(&id).unwrap();
        }
        let walked = begun(&fake);
        assert!(walked.said(said), "{}", walked.text);
        assert_eq!(walked.text.matches("left alone").count(), 1, "{}", walked.text);
        assert_eq!(names(&fake).len(), count);
    }
}

#[test]
fn a_name_that_was_lent_for_a_push_goes_back_to_where_it_was() {
    for (owner, back) in [(ended(), true), (living(), false)] {
        let fake = Arc::new(Fake::with_image("x"));
        let (old, new) = (fake.add_image("r/a:1", &[APP]), fake.add_image("cf-app/a:1", &[APP]));
        let lent = TemporaryTag::wanted(&*fake, &new, "r/a:1").unwrap().unwrap();
        let mut spec = guard::guard(&new.0, lent.labels());
        spec.labels.insert(labels::OWNER.to_owned(), owner);
        fake.create(None, &spec).unwrap();
        fake.tag(&new, "r/a:1").unwrap();
        let walked = begun(&fake);
        let bearer = fake.image("r/a:1").unwrap().unwrap().id;
        assert_eq!(bearer, if back { old } else { new });
        assert_eq!(walked.said("the name r/a:1 of an image"), back, "{}", walked.text);
    }
}

#[test]
fn a_guard_of_an_apps_image_has_no_build_key_of_its_own_and_goes_at_once() {
    let fake = Arc::new(Fake::with_image("x"));
    fake.add_image("cf-app/a:1", &[APP, (app_image::BUILD_KEY, "r")]);
    let labels = [("stager.kind", "guard"), ("stager.owner", &ended()), (app_image::BUILD_KEY, "r")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let spec = ContainerSpec { labels, ..guard::guard("cf-app/a:1", BTreeMap::new()) };
    fake.create(Some("stager-launch-a-web"), &spec).unwrap();
    begun(&fake);
    assert!(names(&fake).is_empty());
}
