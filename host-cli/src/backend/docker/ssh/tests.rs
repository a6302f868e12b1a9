//! Against a recording engine: into which container, with what, and what comes of it.

use super::*;
use crate::app_ref::AppRef;
use crate::backend::apps::AppsBackend;
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::apps::{Part, choose};
use crate::recorded_run::{Engine, Fake, GUID};
use std::collections::BTreeMap;

const IMAGE: &str = "cf-app/shop:latest";

fn engine() -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    fake.add_image(IMAGE, &[(labels::KIND, labels::KIND_APP), (labels::APP_GUID, GUID)]);
    Arc::new(fake)
}

/// An instance of the app; its container's id.
fn add(fake: &Fake, process: &str, index: &str, runs: bool) -> String {
    let name = format!("{process}-{index}-{runs}");
    let own = [
        (labels::KIND, labels::KIND_APP),
        (labels::OWNER, "a.1.1"),
        (labels::INSTANCE, &name),
        (labels::APP_GUID, GUID),
        (labels::APP_NAME, "shop"),
        (labels::PROCESS, process),
        (labels::INDEX, index),
    ];
    let labels: BTreeMap<String, String> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let spec = ContainerSpec {
        image: IMAGE.to_owned(),
        labels,
        entrypoint: words(&["/.stager/supervisor", "--", "/tmp/lifecycle/launcher"]),
        command: words(&["app", "./start", ""]),
        ..ContainerSpec::default()
    };
    let id = fake.create(Some(&name), &spec).unwrap();
    fake.start(&id).unwrap();
    if !runs {
        fake.stop(&id, Duration::ZERO).unwrap();
    }
    id.0
}

/// What comes of `ssh WORD -c LINE`, and which containers were entered.
fn entered(fake: &Arc<Fake>, word: &str, part: &Part) -> (Result<u8, Failure>, Vec<String>) {
    let session = Session::silent(Arc::<Fake>::clone(fake) as Arc<dyn Engine>);
    let place = AppsOnEngine::new(&session);
    let selected = choose(&place.apps().unwrap(), &AppRef::word(word), part).unwrap();
    let status = Ssh::into(&session, &place, &selected).and_then(|way| way.run("ls", false, &RemoteCommand::default()));
    let calls = fake
        .calls()
        .into_iter()
        .filter_map(|call| Some(call.strip_prefix("exec_attached ")?.split(' ').next().unwrap_or_default().to_owned()));
    (status, calls.collect())
}

fn prints(fake: &Fake, pieces: &'static [&'static str], status: i64) {
    fake.script(move |_, output| {
        for piece in pieces {
            output(Stream::Out, piece.as_bytes());
        }
        status
    });
}

#[test]
fn the_first_instance_of_web_that_runs_is_entered_unless_another_is_named() {
    let fake = engine();
    add(&fake, "worker", "0", true);
    add(&fake, "web", "0", false);
    add(&fake, "web", "2", true);
    let web_1 = add(&fake, "web", "1", true);
    let worker_1 = add(&fake, "worker", "1", true);
    let part = |process: Option<&str>, index| Part { process: process.map(str::to_owned), index };
    for (word, part, container) in [
        ("shop", part(None, None), &web_1),
        ("shop/1", part(None, None), &web_1),
        ("shop", part(Some("worker"), Some(1)), &worker_1),
    ] {
        fake.state().calls.clear();
        prints(&fake, &["17\n"], 7);
        let (status, containers) = entered(&fake, word, &part);
        assert_eq!((status, containers), (Ok(7), vec![container.clone()]), "{word}");
    }
    let refused = entered(&fake, "shop", &part(Some("web"), Some(0))).0.unwrap_err();
    assert_eq!((refused.code, refused.text.as_str()), (ExitCode::Launch, "shop does not run"));
}

#[test]
fn a_container_without_a_shell_is_told_with_the_engines_words_and_a_command_without_output_is_none() {
    let fake = engine();
    add(&fake, "web", "0", true);
    let said = "OCI runtime exec failed: exec: \"/bin/sh\": no such \u{1b}[2Jfile";
    for (pieces, status) in [(&["17\n", "x"][..], 126), (&["17\r\n"], 127)] {
        prints(&fake, pieces, status);
        assert_eq!(entered(&fake, "shop", &Part::default()).0, Ok(u8::try_from(status).unwrap()), "its own code");
    }
    fake.script(move |_, output| {
        output(Stream::Out, said.as_bytes());
        126
    });
    let refused = entered(&fake, "shop", &Part::default()).0.unwrap_err();
    assert_eq!(refused.code, ExitCode::Launch);
    assert!(refused.text.contains("no shell (/bin/sh)") && refused.text.contains("exec failed"), "{}", refused.text);
    assert!(!refused.text.contains('\u{1b}'), "{}", refused.text);
    prints(&fake, &["17\n"], -1);
    assert_eq!(entered(&fake, "shop", &Part::default()).0, Ok(255));
}

#[test]
fn who_ends_a_command_names_its_process_once() {
    let fake = engine();
    let id = add(&fake, "web", "0", true);
    let session = Session::silent(Arc::<Fake>::clone(&fake) as Arc<dyn Engine>);
    let container = fake.list_containers().unwrap().remove(0);
    let remote = RemoteCommand::default();
    remote.hang_up();
    remote.runs(&session, &container, 17);
    remote.clone().hang_up();
    remote.hang_up();
    let execs: Vec<String> = fake.calls().into_iter().filter(|call| call.starts_with("exec ")).collect();
    assert_eq!(execs, [format!("exec {id} /bin/sh -c kill -s HUP -- -17 2>/dev/null || kill -s HUP 17")]);
}
