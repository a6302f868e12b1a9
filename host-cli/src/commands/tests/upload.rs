//! What a restage says when it has replaced the droplet of an app that Diego runs.

use crate::commands::restage::restage;
use crate::pipeline::tests::restage::{agent, engine, failed, hello, typed};
use crate::recorded_run::*;

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/requests/2016/nsync_listener.stdout.log");

/// A restage with these words, of which the agent says this; the recorded app has a launch request in the log.
fn restaged(words: &str, said: Vec<Event>, status: i64) -> Walked {
    let fake = engine();
    agent(&fake, said, status);
    let (command, agent_options) = typed(words);
    let request = request(RequestKind::Staging, document(STAGER_2016, "taskDefinition", |_| {}));
    walked(&fake, nobody, move |session| restage(session, &request, (&command, &agent_options), None).map(drop))
}

fn uploaded() -> Event {
    Event::Uploaded { name: "droplet".into(), bytes: 1, ms: 1 }
}

const WARNING: &str =
    "the droplet of node-env was replaced: Diego cannot place the app again until `cf restart node-env`";

#[test]
fn a_replaced_droplet_of_an_app_on_diego_is_told_at_the_end_even_of_a_failure() {
    let words = format!("--nsync-log {LOG}");
    assert!(restaged(&words, vec![uploaded(), Event::Done { ms: 1 }], 0).said(WARNING));
    assert!(restaged(&words, vec![uploaded(), failed(6)], 6).said(WARNING));
}

#[test]
fn nothing_is_told_where_nothing_was_replaced_or_that_was_wanted_or_the_app_is_not_on_diego() {
    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/requests/2016/stager.stdout.log");
    let failure = restaged(&format!("--nsync-log {LOG}"), vec![failed(223)], 223);
    assert!(failure.code != ExitCode::Success && !failure.said("cf restart"), "{}", failure.text);
    for words in
        [format!("--nsync-log {LOG} --upload"), format!("--nsync-log {LOG} -- --report"), format!("--nsync-log {none}")]
    {
        let walked = restaged(&words, vec![uploaded(), Event::Done { ms: 1 }], 0);
        assert!(walked.code == ExitCode::Success && !walked.said("cf restart"), "{words}: {}", walked.text);
    }
}

#[test]
fn no_upload_is_the_agents_option_too() {
    let fake = engine();
    let of_agent = Arc::clone(&fake);
    fake.script(move |_, output| {
        hello(output);
        let state = of_agent.state();
        let is_told =
            state.containers.values().any(|(_, spec)| spec.command.last().is_some_and(|last| last == "--no-upload"));
        if is_told { 0 } else { 99 }
    });
    let (command, agent_options) = typed("--no-upload");
    let request = request(RequestKind::Staging, document(STAGER_2016, "taskDefinition", |_| {}));
    let walked =
        walked(&fake, nobody, move |session| restage(session, &request, (&command, &agent_options), None).map(drop));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
}
