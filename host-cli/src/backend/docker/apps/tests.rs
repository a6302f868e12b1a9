//! Against a recording engine: what is asked, what is left alone, and what is said.

use super::*;
use crate::app_ref::AppRef;
use crate::engine::Container;
use crate::engine::container_spec::ContainerSpec;
use crate::plan::apps::{Part, choose};
use crate::plan::guard;
use crate::recorded_run::*;
use shared_model::event::Stream;

/// An engine with the app's image.
fn engine() -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    fake.add_image("cf-app/shop:latest", &[(labels::KIND, labels::KIND_APP), (labels::APP_GUID, GUID)]);
    Arc::new(fake)
}

/// A container of the app, of that image, with these labels besides; its id.
fn add(fake: &Fake, (name, image): (&str, &str), runs: bool, more: &[(&str, &str)]) -> String {
    let own = [
        (labels::KIND, labels::KIND_APP),
        (labels::OWNER, "a.1.1"),
        (labels::INSTANCE, name),
        (labels::APP_GUID, GUID),
    ];
    let own = own.iter().chain(&[(labels::APP_NAME, "shop")]).chain(more);
    let labels = own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let spec = ContainerSpec { image: image.to_owned(), labels, ..ContainerSpec::default() };
    let id = fake.create(Some(name), &spec).unwrap();
    fake.start(&id).unwrap();
    if !runs {
        fake.stop(&id, GRACE).unwrap();
    }
    id.0
}

const OURS: &str = "cf-app/shop:latest";

/// One that has all of its labels from its image.
fn add_foreign(fake: &Fake, name: &str) -> String {
    let id = add(fake, (name, OURS), true, &[]);
    let labels: Vec<(String, String)> = fake.state().containers[&id].0.labels.clone().into_iter().collect();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let image = fake.add_image("evil:latest", &labels);
    fake.state().containers.get_mut(&id).unwrap().0.image = image;
    id
}

fn container(fake: &Fake, id: &str) -> Option<Container> {
    fake.state().containers.get(id).map(|(container, _)| container.clone())
}

fn stopped(fake: &Arc<Fake>, word: &'static str) -> Walked {
    fake.state().calls.clear();
    walked(fake, nobody, move |session| {
        let place = AppsOnEngine::new(session);
        place.stop(&choose(&place.apps()?, &AppRef::word(word), &Part::default())?)
    })
}

fn deleted(fake: &Arc<Fake>) -> Walked {
    fake.state().calls.clear();
    walked(fake, nobody, |session| {
        let place = AppsOnEngine::new(session);
        place.delete(&place.apps()?[0])
    })
}

#[test]
fn a_list_of_all_apps_takes_two_questions_however_many_there_are() {
    let fake = engine();
    for number in 0..20 {
        add(&fake, (&format!("c-{number}"), OURS), true, &[(labels::APP_GUID, &format!("g-{number}"))]);
    }
    add_foreign(&fake, "foreign");
    fake.state().calls.clear();
    let session = Session::silent(Arc::<Fake>::clone(&fake));
    let found = AppsOnEngine::new(&session).apps().unwrap();
    assert_eq!(found.len(), 20, "what has its labels from its image is none");
    let mut verbs = fake.verbs();
    verbs.sort();
    assert_eq!(verbs, ["images_labelled", "list_containers"]);
}

#[test]
fn stop_ends_what_runs_of_what_is_meant_and_keeps_it() {
    let fake = engine();
    let web = add(&fake, ("web", OURS), true, &[]);
    let worker = add(&fake, ("worker", OURS), true, &[(labels::PROCESS, "worker")]);
    let ended = add(&fake, ("ended", OURS), false, &[(labels::PROCESS, "clock")]);
    let walked = stopped(&fake, "shop/worker");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(container(&fake, &web).unwrap().running && !container(&fake, &worker).unwrap().running);
    let walked = stopped(&fake, "shop");
    let names: Vec<&String> = walked
        .events
        .iter()
        .filter_map(|event| if let Event::Stopped { name, .. } = event { Some(name) } else { None })
        .collect();
    assert_eq!(names, ["web"]);
    assert!(container(&fake, &ended).is_some(), "`launch` finds it");
    assert!(stopped(&fake, "shop").said("shop is stopped already"));
    assert!(!fake.verbs().contains(&"stop".to_owned()));
}

#[test]
fn nobody_ends_anothers_app_by_calling_a_container_of_his_its() {
    let fake = engine();
    let web = add(&fake, ("web", OURS), true, &[]);
    add(&fake, ("other", OURS), true, &[(labels::APP_NAME, "mine"), (labels::PROCESS, "worker")]);
    for word in ["mine", "shop"] {
        let walked = stopped(&fake, word);
        assert!(walked.failure().contains("has several names: mine, shop"), "{}", walked.text);
        assert!(container(&fake, &web).unwrap().running);
    }
    assert_eq!(stopped(&fake, GUID).code, ExitCode::Success);
    assert!(!container(&fake, &web).unwrap().running);
}

#[test]
fn a_container_with_its_images_labels_is_left_alone_and_named() {
    let fake = engine();
    add(&fake, ("web", OURS), true, &[]);
    let foreign = add_foreign(&fake, "evil\u{1b}[2J");
    for walked in [stopped(&fake, "shop"), deleted(&fake)] {
        assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        assert!(walked.said("was not made by stager; it is left alone") && !walked.text.contains('\u{1b}'));
        assert!(container(&fake, &foreign).unwrap().running);
    }
}

#[test]
fn delete_removes_what_it_ran_in_and_says_that_its_images_stay() {
    let fake = engine();
    add(&fake, ("web", OURS), true, &[]);
    add(&fake, ("old", OURS), false, &[]);
    let walked = deleted(&fake);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(fake.state().containers.is_empty(), "its guards go too");
    assert_eq!(walked.events.iter().filter(|event| matches!(event, Event::Deleted { .. })).count(), 2);
    assert!(walked.said("1 image with its label stays"), "{}", walked.text);
    assert!(fake.image(OURS).unwrap().is_some());
}

#[test]
fn while_a_launch_of_the_app_goes_on_it_is_neither_stopped_nor_deleted() {
    let fake = engine();
    let web = add(&fake, ("web", OURS), true, &[]);
    let holding = ContainerSpec { image: OURS.into(), ..ContainerSpec::default() };
    fake.create(Some(&guard::of_launch(GUID, "web")), &holding).unwrap();
    for walked in [stopped(&fake, "shop"), deleted(&fake)] {
        assert_eq!(walked.code, ExitCode::Launch);
        assert!(walked.failure().contains("starts, stops or deletes this app"), "{}", walked.text);
        assert!(container(&fake, &web).unwrap().running);
    }
}

#[test]
fn the_log_of_each_container_of_ours_is_a_source() {
    let fake = engine();
    let web = add(&fake, ("web", OURS), true, &[(labels::INDEX, "2")]);
    add(&fake, ("worker", OURS), false, &[(labels::PROCESS, "worker")]);
    add_foreign(&fake, "foreign");
    fake.state().logs.insert(web.clone(), vec![("2026-11-30T01:02:03Z", Stream::Err, "oh no\n".to_owned())]);
    let session = Session::silent(Arc::<Fake>::clone(&fake));
    let place = AppsOnEngine::new(&session);
    let app = place.apps().unwrap().remove(0);
    let sources = place.log_sources(&app).unwrap().unwrap();
    let mut named: Vec<(&str, bool)> = sources.iter().map(|one| (one.source.as_str(), one.is_up)).collect();
    named.sort_unstable();
    assert_eq!(named, [("APP/PROC/WEB/2", true), ("APP/PROC/WORKER/0", false)]);
    let source = sources.iter().find(|one| one.id == web).unwrap();
    let mut said = Vec::new();
    let read = place.read_log(source, &LogRange::default(), &mut |piece| {
        said.push((piece.stream, String::from_utf8_lossy(piece.bytes).into_owned()));
        ControlFlow::Continue(())
    });
    assert_eq!((read, said), (Ok(()), vec![(Stream::Err, "oh no\n".to_owned())]));
    fake.state().containers.clear();
    assert_eq!(place.log_sources(&app).unwrap(), None);
}
