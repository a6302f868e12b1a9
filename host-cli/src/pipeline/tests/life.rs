//! An app that lives on, against a recording engine: what is started and ended in which order, and what is remembered.

use super::launch::{engine, launched_from, quick};
use crate::app_ref::AppRef;
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::backend::docker::wishes::wishes;
use crate::cell::view::InstanceKey;
use crate::cell::{Lives, NotUp};
use crate::engine::ContainerId;
use crate::engine::Health;
use crate::labels;
use crate::pipeline::cell::OnEngine;
use crate::pipeline::life::{self, Scale};
use crate::plan::apps::{Part, Selected, choose};
use crate::plan::guard;
use crate::plan::launch::Size;
use crate::plan::wish::AppWish;
use crate::recorded_run::*;

fn launched(fake: &Arc<Fake>, words: &str) -> Walked {
    launched_from(fake, words, request(RequestKind::Launch, quick(|_| {})))
}

fn selected(session: &Session, word: &str) -> Result<Selected, Failure> {
    Ok(choose(&AppsOnEngine::new(session).apps()?, &AppRef::word(word), &Part::default())?)
}

/// What `act` does with the app that is called `word`; what was called on the engine before is forgotten.
fn acted(
    fake: &Arc<Fake>,
    word: &'static str,
    act: impl FnOnce(&Session, &Selected) -> Result<(), Failure> + Send + 'static,
) -> Walked {
    fake.state().calls.clear();
    walked(fake, nobody, move |session| act(session, &selected(session, word)?))
}

fn scaled(fake: &Arc<Fake>, instances: u32) -> Walked {
    let scale = Scale { instances: Some(instances), size: Size::default() };
    acted(fake, "node-env", move |session, app| life::scale(session, app, "web", scale))
}

fn wish(fake: &Fake) -> AppWish {
    wishes(fake).unwrap().of(GUID).unwrap().unwrap()
}

/// The instances that run: index, revision and id, in the order in which they were made.
fn running(fake: &Fake) -> Vec<(String, String, String)> {
    let state = fake.state();
    let mut all: Vec<_> = state.containers.values().filter(|(one, _)| one.running).collect();
    all.sort_by_key(|(one, _)| one.id.0[1..].parse::<usize>().unwrap());
    let label = |labels: &std::collections::BTreeMap<String, String>, name: &str| labels[name].clone();
    all.iter()
        .map(|(one, _)| (label(&one.labels, labels::INDEX), label(&one.labels, labels::REVISION), one.id.0.clone()))
        .collect()
}

fn indices(fake: &Fake) -> Vec<String> {
    running(fake).into_iter().map(|(index, ..)| index).collect()
}

#[test]
fn each_of_several_instances_knows_its_number_and_has_a_guid_of_its_own() {
    let fake = engine();
    let walked = launched(&fake, "--instances 3");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!(indices(&fake), ["0", "1", "2"]);
    let state = fake.state();
    let value = |name: &str| {
        let of = |spec: &crate::engine::container_spec::ContainerSpec| {
            spec.environment.iter().find(|(known, _)| known == name).unwrap().1.clone()
        };
        state.containers.values().map(|(_, spec)| of(spec)).collect::<std::collections::BTreeSet<String>>()
    };
    for name in ["INSTANCE_INDEX", "CF_INSTANCE_INDEX", "INSTANCE_GUID", "CF_INSTANCE_GUID", "CF_INSTANCE_PORT"] {
        assert_eq!(value(name).len(), 3, "{name}");
    }
    drop(state);
    let wish = wish(&fake);
    assert_eq!((wish.processes["web"].instances, wish.processes["web"].revision), (3, 1));
}

#[test]
fn a_request_for_several_instances_gets_them() {
    let fake = engine();
    let two = quick(|document| document["instances"] = 2.into());
    let walked = launched_from(&fake, "", request(RequestKind::Launch, two));
    assert_eq!((walked.code, indices(&fake).len()), (ExitCode::Success, 2));
    assert!(!walked.said("of 2 instances"), "{}", walked.text);
}

#[test]
fn instances_are_replaced_one_by_one_and_no_earlier_one_ends_before_its_successor_is_healthy() {
    let fake = engine();
    launched(&fake, "--instances 2");
    let earlier = running(&fake);
    fake.state().calls.clear();
    launched(&fake, "--instances 2");
    let calls = fake.calls();
    let at = |call: String| calls.iter().position(|one| *one == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    let later = running(&fake);
    for ((_, _, old), (_, _, new)) in earlier.iter().zip(&later) {
        assert!(at(format!("start {new}")) < at(format!("stop {old}")), "{calls:?}");
    }
    assert!(at(format!("stop {}", earlier[0].2)) < at(format!("start {}", later[1].2)), "one by one: {calls:?}");
    let left = fake.state().containers.len();
    assert_eq!(left, 4, "the earlier ones stay, for what they printed");
    launched(&fake, "--instances 2");
    assert_eq!(fake.state().containers.len(), 4, "and those before them go");
}

#[test]
fn a_failure_leaves_the_earlier_instances_and_what_was_remembered() {
    let fake = engine();
    launched(&fake, "--instances 2");
    let (earlier, remembered) = (running(&fake), wish(&fake));
    fake.state().dies_at_start = Some(7);
    let walked = launched(&fake, "--instances 2");
    assert_eq!(walked.code, ExitCode::Launch);
    assert_eq!((running(&fake), wish(&fake)), (earlier, remembered));
}

#[test]
fn a_launch_that_fails_in_the_middle_is_remembered_so_that_it_can_go_on_or_be_taken_back() {
    let fake = engine();
    launched(&fake, "--instances 2");
    // Its guard is not started; of its two instances the second one is refused.
    fake.succeed("start");
    fake.refuse("start", "no room");
    let walked = launched(&fake, "--instances 2 --env COLOUR=blue");
    assert_eq!(walked.code, ExitCode::Launch, "{}", walked.text);
    assert!(walked.failure().contains("started before it and still running: instance 0"), "{}", walked.failure());
    let revisions: Vec<(String, String)> = running(&fake).into_iter().map(|(index, of, _)| (of, index)).collect();
    assert_eq!(revisions, [("1".to_owned(), "1".to_owned()), ("2".to_owned(), "0".to_owned())]);
    assert_eq!((wish(&fake).processes["web"].revision, wish(&fake).processes["web"].instances), (2, 2));
    let walked = acted(&fake, "node-env", |session, app| life::rollback(session, app, None));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!(running(&fake).len(), 2);
    assert!(running(&fake).iter().all(|(_, revision, _)| revision == "3"), "{:?}", running(&fake));
}

#[test]
fn of_each_revision_that_is_remembered_the_last_container_stays_and_no_more() {
    let fake = engine();
    let revisions = |fake: &Fake| {
        let state = fake.state();
        let mut all: Vec<(bool, String)> =
            state.containers.values().map(|(one, _)| (one.running, one.labels[labels::REVISION].clone())).collect();
        all.sort();
        all.into_iter().map(|(running, of)| if running { format!("{of} runs") } else { of }).collect::<Vec<_>>()
    };
    launched(&fake, "");
    launched(&fake, "");
    assert_eq!(revisions(&fake), ["1", "1 runs"]);
    launched(&fake, "--env COLOUR=red");
    assert_eq!(revisions(&fake), ["1", "2 runs"]);
    launched(&fake, "--env COLOUR=green");
    launched(&fake, "--env COLOUR=green");
    assert_eq!(revisions(&fake), ["1", "2", "3", "3 runs"]);
    launched(&fake, "--env COLOUR=blue");
    launched(&fake, "--env COLOUR=white");
    assert_eq!(revisions(&fake), ["2", "3", "4", "5 runs"]);
}

#[test]
fn a_start_that_fails_in_the_middle_keeps_what_it_has_started() {
    for (act, wanted) in [(life::start as fn(&_, &_) -> _, 2), (|session: &_, app: &_| scale_to(session, app, 4), 4)] {
        let fake = engine();
        launched(&fake, "--instances 2");
        if wanted == 2 {
            acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).stop(app));
        }
        let before = running(&fake).len();
        fake.succeed("start");
        fake.refuse("start", "no room");
        let walked = acted(&fake, "node-env", act);
        assert_eq!((walked.code, running(&fake).len()), (ExitCode::Launch, before + 1), "{}", walked.text);
        let process = &wish(&fake).processes["web"];
        assert_eq!((process.started, process.instances), (true, wanted), "or a cell would end it again");
    }
}

fn scale_to(session: &Session, app: &Selected, instances: u32) -> Result<(), Failure> {
    life::scale(session, app, "web", Scale { instances: Some(instances), size: Size::default() })
}

#[test]
fn two_who_scale_a_stopped_app_at_once_do_not_lose_each_others_change() {
    let fake = engine();
    launched(&fake, "");
    acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).stop(app));
    let session = Session::silent(fake.clone());
    let app = selected(&session, "node-env").unwrap();
    for round in 2..40 {
        let one = Scale { instances: Some(round), size: Size::default() };
        let size = Size { memory_mb: i32::try_from(round).ok(), disk_mb: None };
        std::thread::scope(|scope| {
            for scale in [one, Scale { instances: None, size }] {
                let (session, app) = (&session, &app);
                scope.spawn(move || life::scale(session, app, "web", scale).unwrap());
            }
        });
        let process = &wish(&fake).processes["web"];
        assert_eq!((process.instances, process.size), (round, size));
    }
    assert!(running(&fake).is_empty());
}

/// What becomes of an instance that the cell brings up.
fn brought_up(fake: &Arc<Fake>, index: u32) -> Result<ContainerId, NotUp> {
    let (says, hears) = std::sync::mpsc::channel();
    walked(fake, nobody, move |session| {
        let key = InstanceKey { app_guid: GUID.into(), process: "web".into(), index };
        says.send(OnEngine::new(session).bring_up(&key)).unwrap();
        Ok(())
    });
    hears.recv().unwrap()
}

#[test]
fn what_the_cell_cannot_bring_up_stays_for_its_log_until_the_next_one_has_crashed_too() {
    let fake = engine();
    launched(&fake, "");
    let first = running(&fake)[0].2.clone();
    fake.state().containers.get_mut(&first).unwrap().0.running = false;
    fake.state().dies_at_start = Some(7);
    for _ in 0..3 {
        let NotUp::Crashed(crash) = brought_up(&fake, 0).unwrap_err() else { panic!("no crash") };
        assert_eq!((crash.exit_status, &*crash.words), (Some(7), "Exited with status 7"));
        assert!(crash.id.starts_with(&crash.container), "{}", crash.id);
        let left: Vec<String> = fake.state().containers.keys().cloned().collect();
        assert_eq!(left, [crash.container], "its guard went, and the one before it");
    }
    fake.state().dies_at_start = None;
    let living = brought_up(&fake, 0).unwrap();
    let state = fake.state();
    assert_eq!((state.containers.len(), &*state.containers[&living.0].0.labels[labels::BY]), (2, labels::BY_CELL));
}

#[test]
fn the_cell_gives_way_to_whoever_wants_the_app_and_to_who_has_changed_it() {
    let fake = engine();
    let slow = quick(|document| document["start_timeout_ms"] = 60_000.into());
    launched_from(&fake, "", request(RequestKind::Launch, slow));
    let launch = guard::of_launch(GUID, "web");
    let end_all = |fake: &Fake| fake.state().containers.values_mut().for_each(|(one, _)| one.running = false);
    end_all(&fake);
    // Somebody asks while it waits for an app that does not get healthy.
    fake.state().never_checks = true;
    fake.state().health = [Health::Starting; 99].into();
    let asks = Arc::clone(&fake);
    let asking = std::thread::spawn(move || {
        let session = Session::silent(asks.clone());
        while asks.state().calls.iter().all(|call| !call.starts_with("start ")) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let image = asks.state().images[0].id.0.clone();
        session.hold(&launch, &image).unwrap()
    });
    fake.state().calls.clear();
    assert_eq!(brought_up(&fake, 0), Err(NotUp::Unwanted));
    let guard = asking.join().unwrap();
    assert!(running(&fake).is_empty());
    fake.remove(&guard).unwrap();
    // What nobody wants any more is not begun.
    wishes(&*fake)
        .unwrap()
        .change(GUID, |wish| {
            wish.map(|mut wish| {
                wish.processes.get_mut("web").unwrap().started = false;
                wish
            })
        })
        .unwrap();
    assert_eq!(brought_up(&fake, 0), Err(NotUp::Unwanted));
}

#[test]
fn fewer_instances_in_a_launch_end_those_of_the_highest_numbers() {
    let fake = engine();
    launched(&fake, "--instances 3");
    launched(&fake, "--instances 1");
    assert_eq!((indices(&fake), wish(&fake).processes["web"].instances), (vec!["0".to_owned()], 1));
}

#[test]
fn scaling_starts_what_is_missing_beside_what_runs_and_ends_the_highest_numbers_first() {
    let fake = engine();
    launched(&fake, "");
    let first = running(&fake);
    assert_eq!(scaled(&fake, 3).code, ExitCode::Success);
    assert_eq!((indices(&fake), &running(&fake)[0]), (vec!["0".into(), "1".into(), "2".into()], &first[0]));
    assert_eq!(scaled(&fake, 1).code, ExitCode::Success);
    assert_eq!((running(&fake), fake.state().containers.len()), (first, 1));
    assert_eq!(wish(&fake).processes["web"].instances, 1);
    assert!(scaled(&fake, 1).said("has that already"));
    assert_eq!(scaled(&fake, 0).code, ExitCode::Success);
    assert!(running(&fake).is_empty());
    // Of none the size can be changed, too: it is what the next ones get.
    let size = Size { memory_mb: Some(77), disk_mb: None };
    acted(&fake, "node-env", move |session, app| life::scale(session, app, "web", Scale { instances: None, size }));
    assert_eq!((wish(&fake).processes["web"].instances, wish(&fake).processes["web"].size), (0, size));
}

#[test]
fn another_size_replaces_the_instances_and_is_the_engines_bound() {
    let fake = engine();
    launched(&fake, "--instances 2");
    let size = Size { memory_mb: Some(77), disk_mb: None };
    let walked =
        acted(&fake, "node-env", move |session, app| life::scale(session, app, "web", Scale { instances: None, size }));
    assert_eq!((walked.code, indices(&fake).len()), (ExitCode::Success, 2), "{}", walked.text);
    let state = fake.state();
    let bounds = state.containers.values().filter(|(one, _)| one.running).map(|(_, spec)| spec.memory_bytes);
    assert!(bounds.into_iter().all(|bytes| bytes == 77 << 20));
}

#[test]
fn what_was_stopped_stays_so_until_it_is_started_and_answers_where_it_did() {
    let fake = engine();
    launched(&fake, "--instances 2");
    let ports = |fake: &Fake| -> Vec<String> {
        let state = fake.state();
        let running = state.containers.values().filter(|(one, _)| one.running);
        running.map(|(one, _)| one.labels[labels::PORTS].clone()).collect()
    };
    let before = ports(&fake);
    acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).stop(app));
    assert!(running(&fake).is_empty() && !wish(&fake).processes["web"].started);
    let walked = acted(&fake, "node-env", life::start);
    assert_eq!((walked.code, indices(&fake).len()), (ExitCode::Success, 2), "{}", walked.text);
    let mut after = ports(&fake);
    after.sort();
    let mut before = before;
    before.sort();
    assert_eq!((after, wish(&fake).processes["web"].started), (before, true));
    assert!(acted(&fake, "node-env", life::start).said("is started already"));
}

#[test]
fn one_instance_alone_is_restarted() {
    let fake = engine();
    launched(&fake, "--instances 3");
    let before = running(&fake);
    let walked = acted(&fake, "node-env/1", life::restart);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let after = running(&fake);
    let ids = |all: &[(String, String, String)], wanted: &str| {
        all.iter().filter(|(index, ..)| index == wanted).map(|(_, _, id)| id.clone()).collect::<Vec<_>>()
    };
    assert_eq!((ids(&before, "0"), ids(&before, "2")), (ids(&after, "0"), ids(&after, "2")));
    assert_ne!(ids(&before, "1"), ids(&after, "1"));
}

#[test]
fn a_rollback_starts_the_image_and_the_request_of_then_and_is_a_revision_of_its_own() {
    let fake = engine();
    launched(&fake, "--instances 2");
    let first = wish(&fake).revisions[0].image.clone();
    let label = [(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP)];
    fake.add_image("cf-app/node-env-18c50a86:second", &label);
    launched(&fake, "--instances 2");
    assert_ne!(wish(&fake).revisions[1].image, first);
    assert!(running(&fake).iter().all(|(_, revision, _)| revision == "2"));
    let walked = acted(&fake, "node-env", |session, app| life::rollback(session, app, None));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let now = wish(&fake);
    assert_eq!((&now.revisions[2].image, &*now.revisions[2].description), (&first, "Rolled back to revision 1."));
    assert!(running(&fake).iter().all(|(_, revision, _)| revision == "3"));
    let state = fake.state();
    let of = state.containers.values().filter(|(one, _)| one.running).map(|(_, spec)| spec.image.clone());
    assert!(of.into_iter().all(|image| image == first));
}

#[test]
fn a_rollback_whose_image_is_gone_says_so_and_leaves_what_runs() {
    let fake = engine();
    launched(&fake, "");
    let first = wish(&fake).revisions[0].image.clone();
    fake.add_image("cf-app/node-env-18c50a86:second", &[(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP)]);
    launched(&fake, "");
    let before = running(&fake);
    fake.state().images.retain(|image| image.id.0 != first);
    let walked = acted(&fake, "node-env", |session, app| life::rollback(session, app, Some(1)));
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains("is gone from the engine"), "{}", walked.failure());
    assert_eq!(running(&fake), before);
    let walked = acted(&fake, "node-env", |session, app| life::rollback(session, app, Some(9)));
    assert!(walked.failure().contains("nothing is remembered of revision 9"), "{}", walked.failure());
}

#[test]
fn where_nothing_is_remembered_what_runs_is_listed_and_stopped_and_a_launch_remembers_again() {
    let fake = engine();
    launched(&fake, "");
    wishes(&*fake).unwrap().change(GUID, |_| None).unwrap();
    let walked = acted(&fake, "node-env", life::restart);
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains("nothing is remembered of node-env"), "{}", walked.failure());
    assert_eq!(acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).stop(app)).code, ExitCode::Success);
    launched(&fake, "");
    assert_eq!(wish(&fake).processes["web"].instances, 1);
}

#[test]
fn what_was_pruned_is_listed_and_started_from_what_is_remembered_and_a_deleted_app_is_not() {
    let fake = engine();
    launched(&fake, "");
    acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).stop(app));
    fake.state().containers.clear();
    assert_eq!(acted(&fake, "node-env", life::start).code, ExitCode::Success);
    assert_eq!(indices(&fake), ["0"]);
    acted(&fake, "node-env", |session, app| AppsOnEngine::new(session).delete(&app.app));
    assert!(wishes(&*fake).unwrap().all().unwrap().is_empty() && fake.state().containers.is_empty());
}
