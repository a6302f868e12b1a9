//! Several apps at once against a recording engine: all are tried, each cleans up, and a signal ends them all.

use crate::app_ref::AppRef;
use crate::commands::batch::{self, Batch, StopBroadcast};
use crate::pipeline::tests::restage::{agent, engine, failed, hello, typed};
use crate::recorded_run::*;
use crate::screen::batch::Screens;
use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/requests/2016/stager.stdout.log");

/// The apps of that log, by the starts of their guids.
const APPS: [&str; 3] = ["18c50a86", "5d886c4d", "e05638ad"];

/// What the whole said, and what was said of the apps.
fn restaged(fake: &Arc<Fake>, apps: &[&str], jobs: usize, stop: &Arc<StopBroadcast>) -> (Walked, String) {
    restaged_with(fake, &format!("--stager-log {LOG}"), apps, jobs, stop)
}

fn restaged_with(
    fake: &Arc<Fake>,
    words: &str,
    apps: &[&str],
    jobs: usize,
    stop: &Arc<StopBroadcast>,
) -> (Walked, String) {
    let (recording, screen) = Recording::new();
    let (command, agent_options) = typed(words);
    let apps: Vec<AppRef> = apps.iter().map(|app| AppRef::word(app)).collect();
    let stop = Arc::clone(stop);
    let walked = walked(fake, nobody, move |session| {
        let (command, agent_options) = (Arc::new(command), agent_options.into());
        let stage = batch::on_engine(&session.engine, command, agent_options, Arc::default());
        let batch = Batch { stage, screens: Screens::recorded(screen), stop };
        batch::restage_all(session, &batch, &apps, NonZeroUsize::new(jobs).unwrap())
    });
    (walked, recording.text())
}

fn done(fake: &Fake) {
    agent(fake, vec![Event::Done { ms: 1 }], 0);
}

/// App, code and image of each end.
fn ends(walked: &Walked) -> Vec<(&str, u8, &str)> {
    let end = |event| match event {
        &Event::AppEnded { ref app, code, ref image, .. } => Some((app.as_str(), code, image.as_str())),
        _ => None,
    };
    walked.events.iter().filter_map(end).collect()
}

#[test]
fn all_are_tried_and_the_code_is_that_of_the_first_that_failed() {
    let fake = engine();
    done(&fake);
    agent(&fake, vec![failed(223)], 223);
    let apps = [APPS[0], APPS[1], "no-such-app"];
    let (walked, said) = restaged(&fake, &apps, 1, &Arc::default());
    assert_eq!(walked.code, ExitCode::BuildersOwn(223));
    assert_eq!(walked.failure(), "2 of 3 apps were not staged: 5d886c4d (223), no-such-app (3)");
    let ends = ends(&walked);
    assert!(ends[0].2.starts_with("cf-app/node-env-18c50a86:droplet-"), "{ends:?}");
    assert_eq!(
        ends.iter().map(|(app, code, _)| (*app, *code)).collect::<Vec<_>>(),
        [(apps[0], 0), (apps[1], 223), (apps[2], 3)]
    );
    assert!(walked.said("the builder failed") && walked.said("look above"), "{}", walked.text);
    assert!(["hello", "done", "failed"].iter().all(|name| !said.contains(&format!("\"event\":\"{name}\""))), "{said}");
    assert!(fake.state().containers.is_empty());
}

#[test]
fn the_apps_that_diego_can_no_longer_place_are_named_once() {
    const NSYNC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/requests/2016/nsync_listener.stdout.log");
    let fake = engine();
    let uploaded = Event::Uploaded { name: "droplet".into(), bytes: 1, ms: 1 };
    for _ in 0..2 {
        agent(&fake, vec![uploaded.clone(), Event::Done { ms: 1 }], 0);
    }
    agent(&fake, vec![failed(223)], 223);
    let words = format!("--stager-log {LOG} --nsync-log {NSYNC}");
    let (walked, said) = restaged_with(&fake, &words, &APPS, 1, &Arc::default());
    let warning = "the droplets of 2 apps were replaced: Diego cannot place each of them again until its `cf restart`";
    assert_eq!(walked.text.matches(warning).count(), 1, "{}", walked.text);
    assert!(walked.said(": node-env, forced-node") && !said.contains("cf restart"), "{}", walked.text);
}

#[test]
fn as_many_as_were_asked_for_are_staged_at_once_and_no_more() {
    let fake = engine();
    let (meet, inside, most) =
        (Arc::new(Barrier::new(2)), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    for number in 0..3 {
        let (meet, inside, most) = (Arc::clone(&meet), Arc::clone(&inside), Arc::clone(&most));
        fake.script(move |_, output| {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if number < 2 {
                meet.wait();
            }
            hello(output);
            inside.fetch_sub(1, Ordering::SeqCst);
            0
        });
    }
    let (walked, _) = restaged(&fake, &APPS, 2, &Arc::default());
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!((ends(&walked).len(), most.load(Ordering::SeqCst)), (3, 2));
}

#[test]
fn a_signal_ends_all_that_are_under_way_and_begins_no_other() {
    let fake = engine();
    let (stop, both) = (Arc::<StopBroadcast>::default(), Arc::new(Barrier::new(2)));
    for _ in 0..2 {
        let (stop, both, engine) = (Arc::clone(&stop), Arc::clone(&both), Arc::clone(&fake));
        fake.script(move |_, _| {
            if both.wait().is_leader() {
                stop.stop(2);
            }
            while !engine.state().containers.is_empty() {
                std::thread::yield_now();
            }
            137
        });
    }
    let (walked, _) = restaged(&fake, &APPS, 2, &stop);
    assert_eq!(
        (walked.code, walked.failure()),
        (ExitCode::Interrupted, &*format!("interrupted; what this run had begun is removed; not begun: {}", APPS[2]))
    );
    let mut codes: Vec<u8> = ends(&walked).iter().map(|(_, code, _)| *code).collect();
    codes.dedup();
    assert_eq!(codes, [130]);
    assert!(fake.state().containers.is_empty());
    assert_eq!(fake.verbs().iter().filter(|verb| *verb == "create").count(), 2);
}
