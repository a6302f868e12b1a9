//! `launch` against a recording engine: what is asked for in which order, and what is undone after a failure.

mod health;
mod rootfs;

use crate::arguments::{Command, Launch, invocation::Invocation};
use crate::engine::container_spec::{ContainerSpec, LogConfig};
use crate::engine::{Container, Health, Quota};
use crate::labels;
use crate::owner::samples::ended;
use crate::pipeline::launch;
use crate::plan::{architecture, guard};
use crate::recorded_run::*;
use shared_model::event::Purpose;
use std::collections::BTreeMap;
use std::net::TcpListener;

mod supervisor;

pub(super) fn engine() -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    let types = r#"{"web":"node server.js","worker":"rake"}"#;
    let labels = [(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP), (labels::PROCESS_TYPES, types)];
    fake.add_image("cf-app/node-env-18c50a86:latest", &labels);
    has_supervisor(&fake, X86_64);
    Arc::new(fake)
}

/// As ELF counts machines.
const X86_64: u16 = 62;

/// The stager image has a supervisor for this machine.
fn has_supervisor(fake: &Fake, machine: u16) {
    let program = tar("app-supervisor", &architecture::sample(machine, &[]));
    fake.state().files.insert("/usr/local/bin/app-supervisor".into(), program);
}

fn typed(words: &str) -> Launch {
    let words = ["host-cli", "launch"].into_iter().chain(words.split_whitespace()).map(Into::into);
    match Invocation::read(words).unwrap().command {
        Command::Launch(command) => command,
        other => panic!("{other:?}"),
    }
}

fn launched(fake: &Arc<Fake>, words: &str) -> Walked {
    launched_from(fake, words, request(RequestKind::Launch, quick(|_| {})))
}

/// The recorded request with a start timeout that a test can wait for.
pub(super) fn quick(change: impl FnOnce(&mut serde_json::Value)) -> String {
    document(NSYNC_2016, "desiredLRP", |document| {
        document["start_timeout_ms"] = 300.into();
        change(document);
    })
}

pub(super) fn launched_from(fake: &Arc<Fake>, words: &str, request: Request) -> Walked {
    launched_all(fake, words, vec![request])
}

fn launched_all(fake: &Arc<Fake>, words: &str, requests: Vec<Request>) -> Walked {
    let command = typed(words);
    walked(fake, nobody, move |session| launch(session, &requests, &command))
}

pub(super) fn only_container(fake: &Fake) -> Container {
    let state = fake.state();
    let running: Vec<&Container> = state.containers.values().map(|(one, _)| one).filter(|one| one.running).collect();
    assert_eq!(running.len(), 1, "{:?}", state.calls);
    running[0].clone()
}

#[test]
fn a_healthy_app_is_left_running_and_its_address_is_told() {
    let fake = engine();
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let container = only_container(&fake);
    assert!(container.running);
    assert!(container.name.starts_with("cf-app-node-env-18c50a86-"), "{}", container.name);
    let url = format!("http://{}", container.labels[labels::PORTS]);
    let (id, name) = (container.id.0, container.name);
    let next = Event::Next { purpose: Purpose::Log, command: "host-cli logs node-env".to_owned() };
    let running = Event::Running { url, container: id, name };
    assert!(walked.events.contains(&running) && walked.events.contains(&next), "{}", walked.text);
    assert!(walked.said("ssh daemon (`host-cli ssh node-env` opens"));
    let order = [
        "has_network",
        "images_labelled",
        // Whether it is ours: remembered, or of its root file system and our layers.
        "image",
        "image",
        "history",
        // The launch is held, by a container that tells how the engine keeps what is printed.
        "create",
        // Which root file system it stands on.
        "image",
        "container",
        "info",
        // The supervisor, out of a container of the stager image that never starts.
        "image",
        "create",
        "copy_out",
        "remove",
        "containers_labelled",
        "create",
        "copy_in",
        "start",
        "container",
        // Healthy: from now on the engine starts it again.
        "set_restart_policy",
        "remove",
    ];
    assert_eq!(fake.verbs(), order);
}

#[test]
fn an_earlier_container_goes_when_the_new_one_is_healthy_and_not_before() {
    let fake = engine();
    launched(&fake, "");
    let earlier = only_container(&fake).id.0;
    fake.state().calls.clear();
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    let calls = fake.calls();
    let healthy = calls.iter().position(|call| call.starts_with("container ")).unwrap();
    let ended = calls.iter().position(|call| *call == format!("stop {earlier}")).unwrap();
    assert!(healthy < ended, "{calls:?}");
    assert_ne!(only_container(&fake).id.0, earlier);
}

#[test]
fn an_app_that_dies_is_shown_with_its_last_lines_and_the_earlier_one_stays() {
    let fake = engine();
    launched(&fake, "");
    let earlier = only_container(&fake).id;
    fake.state().dies_at_start = Some(3);
    fake.state().log_tail = b"starting\nboom\x07\xff\n".to_vec();
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert_eq!(walked.failure(), "node-env ended with status 3 before it was healthy");
    assert!(walked.said("\"text\":\"boom"), "{}", walked.text);
    assert_eq!(only_container(&fake).id, earlier);
    assert!(only_container(&fake).running);
}

#[test]
fn an_app_that_is_never_healthy_is_given_up_after_its_start_timeout() {
    for health in [Health::Starting, Health::Unhealthy] {
        let fake = engine();
        fake.state().health.push_back(health);
        let walked = launched(&fake, "");
        assert_eq!((walked.code, walked.failure()), (ExitCode::Launch, "node-env was not healthy within 0.30s"));
        assert!(fake.state().containers.is_empty());
    }
}

#[test]
fn a_volume_is_mounted_from_the_folder_that_was_typed_and_one_that_nobody_knows_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let request = || {
        let mounts = serde_json::json!([
            {"driver": "nfsv3driver", "container_dir": "/data/one", "mode": "r", "shared": {"volume_id": "vol-1"}},
            {"driver": "nfsv3driver", "container_dir": "/data/two", "mode": "rw", "shared": {"volume_id": "vol-2"}},
        ]);
        request(RequestKind::Launch, quick(|document| document["volume_mounts"] = mounts))
    };
    let fake = engine();
    let walked = launched_from(&fake, &format!("--volume-map vol-1={}", folder.display()), request());
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.said("1 volume mount (vol-2: --volume-map ID=DIR mounts a folder)"), "{}", walked.text);
    let state = fake.state();
    assert_eq!(state.containers.values().next().unwrap().1.binds, [format!("{}:/data/one:ro", folder.display())]);
    drop(state);

    let fake = engine();
    let walked = launched_from(&fake, &format!("--volume-map vol-3={}", folder.display()), request());
    let text = "--volume-map: the request has no volume \"vol-3\"; it has vol-1, vol-2";
    assert_eq!((walked.code, walked.failure()), (ExitCode::CommandLine, text));
    assert!(fake.state().containers.is_empty());
}

#[test]
fn an_app_without_a_check_is_healthy_when_it_keeps_running() {
    let fake = engine();
    let no_check = |document: &mut serde_json::Value| document["monitor"] = serde_json::Value::Null;
    let walked = launched_from(&fake, "", request(RequestKind::Launch, quick(no_check)));
    assert_eq!(walked.code, ExitCode::Success);
    fake.state().dies_at_start = Some(0);
    let walked = launched_from(&fake, "", request(RequestKind::Launch, quick(no_check)));
    assert_eq!(walked.failure(), "node-env ended with status 0 before it was healthy");
}

#[test]
fn a_wanted_port_that_the_earlier_one_holds_is_handed_over_and_handed_back() {
    let fake = engine();
    let port = free_port();
    let words = format!("--port {port}");
    assert_eq!(launched(&fake, &words).code, ExitCode::Success);
    let earlier = only_container(&fake).id.0;

    fake.state().calls.clear();
    fake.state().dies_at_start = Some(1);
    let walked = launched(&fake, &words);
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(
        walked.said("the app is down until the new container answers")
            && walked.said("The earlier container runs again")
    );
    let order: Vec<String> = fake.verbs().into_iter().skip_while(|verb| verb != "stop").collect();
    let undone = ["remove", "start", "remove"]; // the new one, the earlier one, the guard
    assert_eq!(order[..6], ["stop", "create", "copy_in", "start", "container", "log_tail"]);
    assert_eq!(order[6..], undone);
    assert!(fake.calls().contains(&format!("start {earlier}")));

    fake.state().dies_at_start = None;
    let other = launched(&fake, "--port 0.0.0.0:1");
    assert!(!other.said("uses the port"));
}

#[test]
fn a_port_of_another_program_is_refused_and_nothing_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let fake = engine();
    let walked = launched(&fake, &format!("--port {}", taken.local_addr().unwrap().port()));
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains("is in use by another program"), "{}", walked.failure());
    assert!(fake.state().containers.is_empty() && !fake.verbs().contains(&"start".to_owned()));
}

#[test]
fn a_port_of_another_app_of_ours_is_refused_with_that_apps_name() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let fake = engine();
    let labels: BTreeMap<String, String> = [
        (labels::KIND, labels::KIND_APP),
        (labels::APP_NAME, "other"),
        (labels::OWNER, &ended()),
        (labels::INSTANCE, "0"),
        (labels::PORTS, &format!("0.0.0.0:{port}")),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let told = labels.clone();
    let spec = ContainerSpec { image: "stager:latest".to_owned(), labels, ..ContainerSpec::default() };
    let holder = fake.create(Some("cf-app-other"), &spec).unwrap();
    let refused = |words: String| {
        let walked = launched(&fake, &words);
        assert_eq!(walked.code, ExitCode::Launch);
        walked
    };
    let stopped = refused(format!("--port {port}"));
    assert!(stopped.failure().contains("another program"), "{}", stopped.failure());
    fake.start(&holder).unwrap();
    let running = refused(format!("--port {port}"));
    assert_eq!(
        running.failure(),
        format!("port {port} of 127.0.0.1 is in use by app \"other\" (container cf-app-other)")
    );
    assert!(running.said("`docker stop cf-app-other` stops it"), "{}", running.text);
    // An image that somebody gave such labels says nothing of its containers.
    fake.state().images[0].labels.extend(told);
    let strangers = refused(format!("--port {port}"));
    assert!(strangers.failure().contains("another program"), "{}", strangers.failure());
}

#[test]
fn a_port_that_was_taken_since_it_was_chosen_is_told_in_words() {
    let fake = engine();
    fake.refuse("start", "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated");
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(
        walked.failure().starts_with("port in use: the Docker Engine cannot publish 127.0.0.1:"),
        "{}",
        walked.failure()
    );
    assert!(fake.state().containers.is_empty());
}

#[test]
fn a_failure_at_any_step_removes_what_was_made() {
    for verb in ["has_network", "images_labelled", "containers_labelled", "create", "start", "container"] {
        let fake = engine();
        fake.refuse(verb, "because of a test");
        let walked = launched(&fake, "");
        let expected = if verb == "start" { ExitCode::Launch } else { ExitCode::Engine };
        assert_eq!(walked.code, expected, "{verb}");
        assert!(walked.failure().contains("because of a test"));
        assert!(fake.state().containers.is_empty(), "{verb}");
    }
}

#[test]
fn only_an_image_with_the_apps_label_is_taken() {
    let fake = Arc::new(Fake::with_image("cf-app/node-env-18c50a86:latest"));
    fake.add_image("other", &[(labels::APP_GUID, GUID)]);
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().starts_with("no app image for \"node-env\""), "{}", walked.failure());
    assert!(walked.said("stage it first"));
}

#[test]
fn of_several_images_the_one_that_was_named_last_is_started_whatever_time_it_gives_as_its_own() {
    let fake = engine();
    let labels = [(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP)];
    for tag in ["cf-app/node-env-18c50a86:second", "cf-app/node-env-18c50a86:third"] {
        fake.add_image(tag, &labels);
    }
    let newest = fake.image("cf-app/node-env-18c50a86:second").unwrap().unwrap().id;
    for image in &mut fake.state().images {
        image.created = if image.id == newest { 1 } else { 1000 };
        image.details.named = if image.id == newest { 2000 } else { 1500 };
    }
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    let state = fake.state();
    assert_eq!(state.containers.values().next().unwrap().1.image, newest.0);
}

#[test]
fn an_image_older_than_the_request_is_started_with_a_warning() {
    let fake = engine();
    let logged =
        |time: &str| Request { time: Some(time.parse().unwrap()), ..request(RequestKind::Launch, quick(|_| {})) };
    let walked = launched_from(&fake, "", logged("2016-06-15T18:57:23.1Z"));
    assert_eq!(walked.code, ExitCode::Success);
    let warned = |event: &Event| matches!(event, Event::Warning { text } if text.contains("older than the launch request (2016-06-15T18:57:23Z)"));
    assert!(walked.events.iter().any(warned), "{}", walked.text);
    assert!(!launched_from(&fake, "", logged("1970-01-01T00:00:01Z")).said("older"));
}

/// The recorded request as that of another process type, which has no route and no check.
fn of_type(process_type: &'static str) -> Request {
    let document = quick(|document| {
        document["metric_tags"] = serde_json::json!({"process_type": {"static": process_type}});
        document["routes"] = serde_json::Value::Null;
        document["monitor"] = serde_json::Value::Null;
    });
    request(RequestKind::Launch, document)
}

#[test]
fn a_worker_is_launched_from_its_own_request_beside_web_and_replaces_only_a_worker() {
    let fake = engine();
    launched(&fake, "");
    let web = only_container(&fake).id;
    for _ in 0..2 {
        let walked = launched_from(&fake, "", of_type("worker"));
        assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        let running = |event: &Event| matches!(event, Event::Running { url, name, .. } if url.is_empty() && name.contains("-worker-"));
        assert!(walked.events.iter().any(running), "{}", walked.text);
    }
    let state = fake.state();
    let running: Vec<&Container> = state.containers.values().map(|(one, _)| one).filter(|one| one.running).collect();
    assert_eq!(running.len(), 2);
    assert!(running.iter().any(|one| one.id == web));
}

#[test]
fn all_processes_start_in_one_session_and_the_ports_that_were_typed_are_the_firsts() {
    let fake = engine();
    let free = free_port();
    let requests = vec![request(RequestKind::Launch, quick(|_| {})), of_type("clock"), of_type("worker")];
    let walked = launched_all(&fake, &format!("--all-processes --port {free}"), requests);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let started = |event: &Event| match event {
        Event::Launching { process, .. } => Some(process.clone()),
        _ => None,
    };
    assert_eq!(walked.events.iter().filter_map(started).collect::<Vec<_>>(), ["web", "clock", "worker"]);
    assert!(walked.said(&format!("http://127.0.0.1:{free}")), "{}", walked.text);
    assert_eq!(fake.state().containers.len(), 3);
}

#[test]
fn the_first_failure_of_all_processes_ends_the_rest_and_says_what_was_started() {
    let fake = engine();
    let holding = guard::guard("cf-app/node-env-18c50a86:latest", BTreeMap::new());
    let held = fake.create(Some(&guard::of_launch(GUID, "clock")), &holding).unwrap();
    let requests = vec![request(RequestKind::Launch, quick(|_| {})), of_type("clock"), of_type("worker")];
    let walked = launched_all(&fake, "--all-processes", requests);
    assert_eq!(walked.code, ExitCode::Launch);
    let told = "; started before it and still running: web; not started: worker";
    assert!(walked.failure().ends_with(told), "{}", walked.failure());
    fake.remove(&held).unwrap();
    assert!(only_container(&fake).running, "web runs on");
}

#[test]
fn another_process_starts_by_its_own_command_beside_the_web_process() {
    let fake = engine();
    launched(&fake, "");
    let walked = launched(&fake, "--process worker");
    assert_eq!(walked.code, ExitCode::Success);
    let state = fake.state();
    assert_eq!(state.containers.len(), 2);
    let (container, spec) = state.containers.values().find(|(one, _)| one.labels[labels::PROCESS] == "worker").unwrap();
    assert_eq!((spec.command[1].as_str(), spec.ports.len()), ("rake", 0));
    let (container, name) = (container.id.0.clone(), container.name.clone());
    assert!(walked.events.contains(&Event::Running { url: String::new(), container, name }));
    drop(state);
    let walked = launched(&fake, "--process clock");
    assert_eq!(walked.code, ExitCode::CommandLine);
    assert_eq!(walked.failure(), "the app has no process type \"clock\"; its image has web, worker");
}

#[test]
fn a_signal_while_the_app_starts_removes_it_and_the_earlier_one_stays() {
    let fake = engine();
    launched(&fake, "");
    let earlier = only_container(&fake).id;
    fake.state().health.push_back(Health::Starting);
    fake.state().calls.clear();
    let (command, request) = (typed(""), request(RequestKind::Launch, document(NSYNC_2016, "desiredLRP", |_| {})));
    let of_watch = Arc::clone(&fake);
    let watch = move |session: Sender<Ended>| {
        std::thread::spawn(move || {
            while !of_watch.verbs().contains(&"container".to_owned()) {
                std::thread::yield_now();
            }
            session.send(Ended::BySignal(signal_hook::consts::SIGINT)).unwrap();
        });
    };
    let walked = walked(&fake, watch, move |session| launch(session, &[request], &command));
    assert_eq!(walked.code, ExitCode::Interrupted);
    assert_eq!(only_container(&fake).id, earlier);
}

#[test]
fn requests_that_cannot_be_launched_are_refused() {
    let fake = engine();
    for (change, text) in [
        (("rootfs", "docker://r.io/A#1"), "the request's root file system \"r.io/A:1\" is no name of an image"),
        (("process_guid", ""), "the request cannot be used:\nprocess_guid: missing"),
    ] {
        let document = quick(|document| document[change.0] = change.1.into());
        let walked = launched_from(&fake, "", request(RequestKind::Launch, document));
        assert_eq!(walked.code, ExitCode::Request);
        assert!(walked.failure().starts_with(text), "{}", walked.failure());
    }
    let walked = launched(&fake, "--port http");
    assert_eq!(walked.code, ExitCode::CommandLine);
    assert!(!fake.verbs().contains(&"create".to_owned()));
}

#[test]
fn no_secret_of_the_request_is_said_or_labelled() {
    let fake = engine();
    let walked = launched(&fake, "");
    let labels = format!("{:?}", only_container(&fake).labels);
    for secret in ["10.244.7.6", "cf_2d1", "p@ss", "FIXTURE-NOT-A-KEY", "Jz3y3oOQ0f"] {
        assert!(!walked.said(secret) && !labels.contains(secret), "{secret}");
    }
}

#[test]
fn an_engine_that_quotes_a_variable_shows_no_secret() {
    for verb in ["create", "start"] {
        let fake = engine();
        fake.succeed("create"); // the guard of the launch
        fake.succeed("create"); // what the supervisor is taken out of
        fake.refuse(verb, "invalid environment variable: DATABASE=s3cret");
        let variable = serde_json::json!({"name": "DATABASE", "value": "s3cret"});
        let document = quick(|document| document["env"].as_array_mut().unwrap().push(variable));
        let walked = launched_from(&fake, "", request(RequestKind::Launch, document));
        assert!(walked.said("DATABASE=***") && !walked.said("s3cret"), "{verb}: {}", walked.text);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn of_launches_at_once_one_goes_on_and_the_others_make_nothing() {
    let fake = engine();
    let guard = guard::guard("stager:latest", std::collections::BTreeMap::new());
    let holds = format!("stager-launch-{GUID}-web");
    let id = fake.create(Some(&holds), &guard).unwrap();
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains(&format!("container {holds}")), "{}", walked.failure());
    assert!(fake.state().containers.keys().eq([&id.0]));
    assert_eq!(launched(&fake, "--process worker").code, ExitCode::Success, "another process is another launch");
}

#[test]
fn whose_labels_come_from_an_image_is_no_earlier_container_of_the_app() {
    let fake = engine();
    let labels = [
        (labels::KIND, labels::KIND_APP),
        (labels::APP_GUID, GUID),
        (labels::PROCESS, "web"),
        (labels::INSTANCE, "i"),
        (labels::OWNER, "a.1.1"),
    ];
    fake.add_image("strangers:1", &labels);
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let spec = ContainerSpec { image: "strangers:1".to_owned(), labels, ..ContainerSpec::default() };
    let strangers = fake.create(Some("strangers"), &spec).unwrap();
    fake.start(&strangers).unwrap();
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    assert!(fake.container(&strangers).unwrap().unwrap().running);
}

#[test]
fn an_image_that_was_built_on_the_apps_is_not_started() {
    let fake = engine();
    for image in fake.state().images.iter_mut().filter(|image| image.labels.contains_key(labels::APP_GUID)) {
        image.details.layers.push("sha256:backdoor".to_owned());
    }
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains("is not an app image of stager's"), "{}", walked.failure());
    assert!(fake.state().containers.is_empty());
}

#[test]
fn an_app_has_no_more_rights_than_it_needs_and_its_output_and_its_disk_have_bounds() {
    let log = LogConfig { driver: "json-file".into(), ..LogConfig::default() };
    let fake = engine();
    fake.state().log = log.clone();
    let walked = launched(&fake, "");
    let spec = |fake: &Fake| fake.state().containers.values().next().unwrap().1.clone();
    let bounded = spec(&fake).log.unwrap();
    assert_eq!((&*bounded.options["max-size"], &*bounded.options["max-file"]), ("10m", "3"));
    assert_eq!(spec(&fake).disk_bytes, 0);
    assert!(walked.said("disk limit (disk_mb=1024)"), "{}", walked.text);
    assert_eq!(
        (spec(&fake).pids, spec(&fake).drop_capabilities, spec(&fake).security_options),
        (1024, vec!["ALL".to_owned()], vec!["no-new-privileges".to_owned()])
    );

    let fake = engine();
    fake.state().log = LogConfig { options: [("max-size".to_owned(), "1m".to_owned())].into(), ..log };
    fake.state().quota = Quota::Written;
    let walked = launched(&fake, "");
    assert_eq!((spec(&fake).log, spec(&fake).disk_bytes), (None, 1 << 30));
    assert!(!walked.said("isk limit"), "{}", walked.text);

    let fake = engine();
    fake.state().quota = Quota::WithImage;
    let walked = launched(&fake, "");
    assert_eq!(spec(&fake).disk_bytes, (1 << 30) + 1);
    let note = "disk limit, perhaps (disk_mb=1024)";
    assert!(walked.said(note), "{}", walked.text);

    let fake = engine();
    let root = request(RequestKind::Launch, quick(as_root));
    assert_eq!(launched_from(&fake, "", root).code, ExitCode::Success);
    assert!(spec(&fake).drop_capabilities.is_empty());
    assert_eq!(spec(&fake).security_options, ["no-new-privileges"]);
}

#[test]
fn a_bound_of_the_disk_that_the_engine_refuses_after_all_is_left_out_and_said() {
    let fake = engine();
    fake.state().quota = Quota::Written;
    fake.succeed("create"); // the guard
    fake.succeed("create"); // what the supervisor is taken out of
    fake.refuse("create", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!(fake.state().containers.values().next().unwrap().1.disk_bytes, 0);
    let note = "disk limit (disk_mb=1024)";
    assert_eq!(walked.text.matches(note).count(), 1, "{}", walked.text);
    assert!(!walked.said("storage-opt"), "{}", walked.text);

    // What it refuses for another reason is refused without the bound too.
    let fake = engine();
    fake.state().quota = Quota::Written;
    fake.succeed("create");
    fake.succeed("create");
    fake.refuse("create", "no");
    fake.refuse("create", "not at all");
    let walked = launched(&fake, "");
    assert_eq!((walked.code, walked.failure()), (ExitCode::Engine, "create: not at all"));
    assert!(!walked.said("disk limit"), "{}", walked.text);
}

/// Every program of the request runs as root.
fn as_root(document: &mut serde_json::Value) {
    match document {
        serde_json::Value::Object(object) => {
            if let Some(user) = object.get_mut("user") {
                *user = "root".into();
            }
            object.values_mut().for_each(as_root);
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(as_root),
        _ => {}
    }
}

fn with_files() -> Request {
    request(
        RequestKind::Launch,
        quick(|document| {
            document["volume_mounted_files"] = serde_json::json!([{"path": "db/uri", "content": "s3cret"}]);
        }),
    )
}

#[test]
fn files_come_into_the_container_before_it_starts() {
    let fake = engine();
    let walked = launched_from(&fake, "", with_files());
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let verbs = fake.verbs();
    let at = |verb: &str| verbs.iter().rposition(|other| other == verb).unwrap();
    assert!(at("create") < at("copy_in") && at("copy_in") < at("start"), "{verbs:?}");
    let state = fake.state();
    assert_eq!(state.copied_in[0].0, "/etc/cf-service-bindings");
    assert!(state.copied_in[0].1.windows(6).any(|bytes| bytes == b"s3cret"));
    drop(state);
    assert!(!walked.said("s3cret"));
}

#[test]
fn an_app_whose_files_the_engine_refuses_does_not_start_and_nothing_is_left() {
    let fake = engine();
    fake.refuse("copy_in", "no space left on device");
    let walked = launched_from(&fake, "", with_files());
    assert!(walked.failure().contains("no space left on device"), "{}", walked.text);
    assert!(fake.state().containers.is_empty() && !fake.verbs().contains(&"start".to_owned()), "{:?}", fake.calls());
}
