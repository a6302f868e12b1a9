//! Filling the cache and looking into it.

use crate::arguments::{Cache, CacheCommand, CacheUp, Command, invocation::Invocation};
use crate::commands::cache;
use crate::commands::cache_up::cache_up;
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::recorded_run::*;
use shared_model::event::{PROTOCOL, Stream};
use std::sync::Mutex;

fn engine() -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    fake.state().volumes.insert("stager-cache".into(), [].into());
    Arc::new(fake)
}

fn typed(words: &str) -> (Command, Vec<String>) {
    let invocation = Invocation::read(words.split_whitespace().map(Into::into)).unwrap();
    (invocation.command, invocation.agent_options)
}

fn filled(fake: &Arc<Fake>, words: &str, documents: Vec<String>) -> Walked {
    let (Command::CacheUp(command), agent_options) = typed(&format!("cache-up {words}")) else { panic!("{words}") };
    filled_as(fake, command, agent_options, documents)
}

fn filled_as(fake: &Arc<Fake>, command: CacheUp, options: Vec<String>, documents: Vec<String>) -> Walked {
    let requests: Vec<Request> =
        documents.into_iter().map(|document| request(RequestKind::Staging, document)).collect();
    walked(fake, nobody, move |session| cache_up(session, &requests, &command, &options).map(drop))
}

fn recorded() -> String {
    document(STAGER_2016, "taskDefinition", |_| {})
}

/// An agent that greets, says these lines on standard output and ends so; what it was asked is remembered.
fn agent(fake: &Arc<Fake>, events: Vec<Event>, status: i64) -> Arc<Mutex<Vec<(String, ContainerSpec)>>> {
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let (of_agent, of_fake) = (Arc::clone(&asked), Arc::clone(fake));
    fake.script(move |stdin, output| {
        let spec = of_fake.state().containers.values().next_back().unwrap().1.clone();
        of_agent.lock().unwrap().push((String::from_utf8(stdin.to_vec()).unwrap(), spec));
        let hello = Event::Hello { protocol: PROTOCOL, version: "x".into() };
        for event in std::iter::once(&hello).chain(&events) {
            output(Stream::Out, format!("{}\n", event.to_json_line()).as_bytes());
        }
        status
    });
    asked
}

#[test]
fn the_requests_go_in_one_after_the_other_and_the_agents_lines_are_shown() {
    let fake = engine();
    let line = Event::Downloading {
        name: String::new(),
        to: "/tmp/lifecycle".into(),
        from: "http://diego-access:8080/v1/static/lifecycle.tgz".into(),
    };
    let asked = agent(&fake, vec![line.clone()], 0);
    let walked = filled(&fake, "--cache-limit 2G -- --retries=1", vec![recorded(), recorded()]);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.events.contains(&line));
    let (stdin, spec) = asked.lock().unwrap().pop().unwrap();
    assert_eq!(stdin, format!("{0}\n{0}", recorded()));
    assert_eq!(spec.command.join(" "), "--output json --lease --cache-limit 2G --retries=1 cache up");
    assert_eq!((spec.network.as_str(), &spec.binds[..]), ("hcf", &["stager-cache:/var/cache/stager".to_owned()][..]));
    assert_eq!(
        fake.verbs(),
        ["has_network", "containers_labelled", "image", "ensure_volume", "create", "run", "remove"]
    );
}

#[test]
fn what_could_not_be_fetched_ends_it_with_the_agents_code_and_nothing_is_left() {
    let fake = engine();
    agent(&fake, vec![Event::Failed { code: 4, text: "expired".into(), advice: "push".into() }], 4);
    let walked = filled(&fake, "", vec![recorded()]);
    assert_eq!((walked.code, walked.failure()), (ExitCode::Fetch, "expired"));
    assert!(fake.state().containers.is_empty());
}

#[test]
fn of_all_requests_in_the_logs_those_that_are_none_are_left_out_and_told() {
    let fake = engine();
    let asked = agent(&fake, vec![], 0);
    let walked = filled(&fake, "--all", vec!["{}".into(), recorded()]);
    assert_eq!(walked.code, ExitCode::Success);
    assert!(walked.said("skipped a request: the request cannot be used"), "{}", walked.text);
    assert_eq!(asked.lock().unwrap()[0].0, recorded());
    assert_eq!(filled(&fake, "--all", vec!["{}".into()]).code, ExitCode::Request);
    assert_eq!(filled(&fake, "", vec!["{}".into()]).code, ExitCode::Request);
}

#[test]
fn what_is_baked_becomes_a_stager_image_that_says_what_it_holds_and_replaces_the_earlier_one() {
    let fake = engine();
    let by_somebody = fake.add_image("stager:baked", &[(labels::KIND, labels::KIND_STAGER)]);
    agent(&fake, vec![], 0);
    assert_eq!(filled(&fake, "--bake stager:baked", vec![recorded()]).code, ExitCode::Success);
    assert!(fake.image(&by_somebody.0).unwrap().is_some(), "it lost its name, but nobody knows that it is ours");
    let earlier = fake.image("stager:baked").unwrap().unwrap().id;
    let asked = agent(&fake, vec![], 0);
    let walked = filled(&fake, "--bake stager:baked", vec![recorded()]);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let (_, spec) = asked.lock().unwrap().pop().unwrap();
    assert_eq!(spec.command.join(" "), "--output json --lease cache up --into /usr/share/stager-cache");
    assert_eq!(spec.binds, Vec::<String>::new());
    let state = fake.state();
    let made = state.images.last().unwrap();
    assert_eq!((&made.tags[..], &made.labels[labels::KIND][..]), (&["stager:baked".to_owned()][..], "stager"));
    assert_eq!(made.labels[labels::BAKED_DEPENDENCIES], "10");
    assert!(made.labels[labels::BAKED_AT].ends_with('Z'));
    assert!(!state.images.iter().any(|image| image.id == earlier), "{:?}", state.calls);
    let said =
        |event: &Event| matches!(event, Event::Image { name, id, .. } if name == "stager:baked" && *id == made.id.0);
    assert!(walked.events.iter().any(said), "{}", walked.text);
    assert!(state.containers.is_empty());
}

#[test]
fn a_bake_that_fails_anywhere_leaves_neither_container_nor_image() {
    for (verb, code) in [
        ("create", ExitCode::Engine),
        ("run", ExitCode::Engine),
        ("commit", ExitCode::Engine),
        ("tag", ExitCode::Image),
    ] {
        let fake = engine();
        agent(&fake, vec![], 0);
        fake.refuse(verb, "because of a test");
        let walked = filled(&fake, "--bake stager:baked", vec![recorded()]);
        assert_eq!(walked.code, code, "{verb}");
        assert!(fake.state().containers.is_empty(), "{verb}");
        assert_eq!(fake.state().images.len(), 1, "{verb}");
    }
    let fake = engine();
    agent(&fake, vec![], 4);
    assert_eq!(filled(&fake, "--bake stager:baked", vec![recorded()]).code, ExitCode::Fetch);
    assert!(!fake.verbs().contains(&"commit".to_owned()));
}

#[test]
fn options_that_contradict_each_other_are_refused_before_the_engine_is_asked() {
    for (words, text) in [
        ("--bake Stager:x", "Stager:x"),
        ("--bake x --cache-volume mine", "--bake cannot go with --cache-volume"),
        ("--cache-volume /srv", "not a volume's name"),
    ] {
        let fake = engine();
        let walked = filled(&fake, words, vec![recorded()]);
        assert_eq!(walked.code, ExitCode::CommandLine, "{words}");
        assert!(walked.failure().contains(text), "{}", walked.failure());
        assert_eq!(fake.calls(), Vec::<String>::new());
    }
}

fn looked(fake: &Arc<Fake>, words: &str) -> (Walked, Arc<Mutex<String>>) {
    let (Command::Cache(Cache { command }), _) = typed(&format!("host-cli cache {words}")) else { panic!("{words}") };
    let printed = Arc::<Mutex<String>>::default();
    let prints = Arc::clone(&printed);
    let walked = walked(fake, nobody, move |session| match command {
        CacheCommand::List(command) => cache::listed(session, &command).map(|text| *prints.lock().unwrap() = text),
        CacheCommand::Verify(command) => cache::judged(&command).and_then(|()| cache::verified(session, &command)),
        CacheCommand::Clear(command) => cache::cleared(session, command.options(), command.key.as_deref()),
    });
    (walked, printed)
}

#[test]
fn a_list_is_a_table_or_json_and_what_is_no_list_is_refused() {
    let answer = r#"[{"key":"k","origin":"https://b/x","kind":"tree","bytes":1,"verified":true,"later":1}]"#;
    for (words, answer, expected) in [
        (
            "list",
            answer,
            "NAME  KEY  KIND  SIZE  FETCHED  USED  VERIFIED  FROM\n—     k    tree  1 B                  yes       https://b/x",
        ),
        ("list --output json", "[]", "[]"),
    ] {
        let fake = engine();
        fake.script(move |_, output| {
            output(Stream::Out, answer.as_bytes());
            0
        });
        let (walked, printed) = looked(&fake, words);
        assert_eq!((walked.code, printed.lock().unwrap().as_str()), (ExitCode::Success, expected));
        assert_eq!(fake.verbs(), ["image", "has_volume", "create", "run", "remove"]);
    }
    let fake = engine();
    fake.script(|_, output| {
        output(Stream::Err, b"error: the cache is not ours\n  try: another volume\n");
        4
    });
    let walked = looked(&fake, "list").0;
    assert_eq!((walked.code, walked.failure()), (ExitCode::Fetch, "the cache is not ours"));
    assert!(walked.said("another volume"));
    let walked = looked(&fake, "list").0;
    assert_eq!(walked.failure(), "the agent in stager:latest did not answer with a list");
}

#[test]
fn verify_and_clear_pass_the_key_on_and_end_as_the_agent_does() {
    for (words, status, code) in [("verify", 4, ExitCode::Fetch), ("clear", 0, ExitCode::Success)] {
        let fake = engine();
        let note = Event::Note { text: "k is whole".into() };
        let asked = agent(&fake, vec![note.clone()], status);
        let walked = looked(&fake, &format!("{words} k")).0;
        assert_eq!(walked.code, code);
        assert!(walked.events.contains(&note));
        let (_, spec) = asked.lock().unwrap().pop().unwrap();
        assert_eq!(
            (spec.command.join(" "), spec.network.as_str()),
            (format!("--output json --lease cache {words} k"), "none")
        );
    }
}

#[test]
fn verify_joins_a_network_only_to_compare_with_the_origins() {
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let path = ca.path().canonicalize().unwrap();
    let path = path.to_str().unwrap();
    let mounts = format!("{path}:/etc/stager/ca.pem:ro stager-cache:/var/cache/stager");
    for (words, network, command, binds) in [
        ("", "none", "verify", "stager-cache:/var/cache/stager".to_owned()),
        ("--origin", "hcf", "verify --origin", "stager-cache:/var/cache/stager".to_owned()),
        (&format!("--origin --network mine --ca {path} k"), "mine", "verify --origin k", mounts),
    ] {
        let fake = engine();
        fake.state().networks.insert("mine".into());
        let asked = agent(&fake, vec![], 4);
        assert_eq!(looked(&fake, &format!("verify {words}")).0.code, ExitCode::Fetch);
        let (_, spec) = asked.lock().unwrap().pop().unwrap();
        let given = spec.command.join(" ");
        assert!(
            given.starts_with("--output json --lease ") && given.ends_with(&format!(" cache {command}")),
            "{given}"
        );
        assert_eq!((spec.network.as_str(), spec.binds.join(" ")), (network, binds));
    }
    for (words, code, text) in [
        ("--network hcf", ExitCode::CommandLine, "need --origin"),
        ("--ca /x", ExitCode::CommandLine, "need --origin"),
        ("--add-host a=10.0.0.1", ExitCode::CommandLine, "need --origin"),
        ("--origin --ca /nowhere", ExitCode::CommandLine, "--ca /nowhere"),
        ("--origin --network none-such", ExitCode::Engine, "none-such"),
    ] {
        let fake = engine();
        let walked = looked(&fake, &format!("verify {words}")).0;
        assert_eq!(walked.code, code, "{words}");
        assert!(walked.failure().contains(text), "{}", walked.failure());
        assert!(!fake.verbs().contains(&"create".to_owned()));
    }
}

#[test]
fn without_a_volume_or_an_image_it_is_said_what_makes_them() {
    let fake = engine();
    fake.state().volumes.clear();
    let walked = looked(&fake, "list").0;
    let text = "no cache volume \"stager-cache\" on this Docker Engine";
    assert_eq!((walked.code, walked.failure()), (ExitCode::Engine, text));
    assert!(walked.said("`host-cli cache-up` or `host-cli restage` makes it"));
    assert!(fake.state().volumes.is_empty() && !fake.verbs().contains(&"create".to_owned()));
    let walked = looked(&fake, "verify --stager-image none:there").0;
    assert_eq!(walked.failure(), "no stager image \"none:there\" on this Docker Engine");
}
