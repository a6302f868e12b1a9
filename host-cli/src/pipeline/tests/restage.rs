//! `restage` against a recording engine: what is asked for in which order, and what is undone after a failure.

mod early_image;

use crate::arguments::{Command, Restage, invocation::Invocation};
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{Limits, Quota, Store};
use crate::labels;
use crate::pipeline::{Target, push_if_wanted, restage};
use crate::recorded_run::*;
use shared_model::event::{PROTOCOL, Purpose, Step, Stream};
use std::io::{Read as _, Write};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

pub(super) type Output<'a> = &'a mut dyn FnMut(Stream, &[u8]);

pub(crate) fn engine() -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    fake.add_image("stager-rootfs:cflinuxfs2", &[]);
    let fake = Arc::new(fake);
    let mut state = fake.state();
    state.files.insert("/tmp/droplet".into(), tar("droplet", &droplet()));
    state.files.insert("/tmp/lifecycle/launcher".into(), tar("launcher", b"#!"));
    state.files.insert("/tmp/result.json".into(), tar("result.json", RESULT.as_bytes()));
    drop(state);
    fake
}

fn droplet() -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    archive.append_data(&mut header, "app/", &[][..]).unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}

pub(crate) fn typed(words: &str) -> (Restage, Vec<String>) {
    let words = ["host-cli", "restage"].into_iter().chain(words.split_whitespace()).map(Into::into);
    let invocation = Invocation::read(words).unwrap();
    match invocation.command {
        Command::Restage(command) => (command, invocation.agent_options),
        other => panic!("{other:?}"),
    }
}

fn restaged(fake: &Arc<Fake>, words: &str) -> Walked {
    restaged_by(fake, words, nobody, document(STAGER_2016, "taskDefinition", |_| {}))
}

fn restaged_by(fake: &Arc<Fake>, words: &str, watch: impl FnOnce(Sender<Ended>), document: String) -> Walked {
    let (command, agent_options) = typed(words);
    walked(fake, watch, move |session| {
        restage(session, &request(RequestKind::Staging, document), (&command, &agent_options), None).map(drop)
    })
}

/// As `restage` does it with `--push` among the words.
fn restaged_and_pushed(fake: &Arc<Fake>, words: &str) -> Walked {
    let (command, agent_options) = typed(words);
    walked(fake, nobody, move |session| {
        let target = Target::from_restage(&command)?;
        let request = request(RequestKind::Staging, document(STAGER_2016, "taskDefinition", |_| {}));
        let image = restage(session, &request, (&command, &agent_options), None)?;
        push_if_wanted(session, image.as_ref(), target.as_ref())
    })
}

fn say(output: Output<'_>, event: &Event) {
    output(Stream::Out, format!("{}\n", event.to_json_line()).as_bytes());
}

pub(crate) fn hello(output: Output<'_>) {
    say(output, &Event::Hello { protocol: PROTOCOL, version: "x".into() });
}

/// An agent that says these events and ends so.
pub(crate) fn agent(fake: &Fake, events: Vec<Event>, status: i64) {
    fake.script(move |_, output| {
        hello(output);
        for event in &events {
            say(output, event);
        }
        status
    });
}

pub(crate) fn failed(code: u8) -> Event {
    Event::Failed { code, text: "the builder failed".into(), advice: "look above".into() }
}

const RESULT: &str =
    r#"{"process_types":{"web":"./run","worker":"./work"},"lifecycle_metadata":{"detected_buildpack":"Ruby"}}"#;

#[test]
fn a_staging_becomes_an_image_and_its_container_is_removed() {
    let fake = engine();
    agent(&fake, vec![Event::Result { text: RESULT.into() }, Event::Done { ms: 1 }], 0);
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Success);
    let order = [
        "has_network",
        "image",
        "image",
        "ensure_volume",
        "create",
        "run",
        "copy_out",
        "copy_out",
        "copy_out",
        "load",
        "tag",
        "remove",
    ];
    let mut verbs = fake.verbs().into_iter();
    assert!(order.iter().all(|verb| verbs.any(|done| done == *verb)), "{:?}", fake.verbs());
    assert!(fake.state().containers.is_empty());

    let state = fake.state();
    let image = state.images.last().unwrap();
    assert!(image.tags[0].starts_with("cf-app/node-env-18c50a86:droplet-"), "{:?}", image.tags);
    for (label, value) in [("stager.app-name", "node-env"), ("stager.app-guid", GUID), ("stager.stack", "cflinuxfs2")] {
        assert_eq!(image.labels[label], value);
    }
    assert!(image.labels["stager.process-types"].contains("./work"));
    drop(state);
    let ended: Vec<&Event> = walked.events.iter().rev().take(3).collect();
    assert!(matches!(ended[..], [Event::Done { .. }, Event::Image { .. }, Event::StepEnded { .. }]), "{}", walked.text);
}

#[test]
fn an_image_is_pushed_when_it_has_its_names_and_stays_whole_when_that_fails() {
    for refusal in [None, Some("no basic auth credentials")] {
        let fake = engine();
        agent(&fake, vec![Event::Result { text: RESULT.into() }, Event::Done { ms: 1 }], 0);
        if let Some(reason) = refusal {
            fake.refuse("push", reason);
        }
        let walked = restaged_and_pushed(&fake, "--push r.invalid/team/app:1 --push-by engine");
        let names = fake.state().images.last().unwrap().tags.clone();
        assert!(names[0].starts_with("cf-app/node-env-18c50a86:droplet-"), "{names:?}");
        if refusal.is_none() {
            assert_eq!((walked.code, names.len(), names[2].as_str()), (ExitCode::Success, 3, "r.invalid/team/app:1"));
            let image = walked.text.find("\"event\":\"image\"");
            assert!(image < walked.text.find("\"event\":\"pushing\""), "{}", walked.text);
        } else {
            assert_eq!((walked.code, names.len()), (ExitCode::Image, 2));
            let again = format!("`host-cli push {} r.invalid/team/app:1 --by engine`", names[0]);
            assert!(walked.said("needs a login") && walked.said(&again), "{}", walked.text);
        }
        assert!(fake.state().containers.is_empty());
    }
}

#[test]
fn what_cannot_be_pushed_is_refused_before_anything_is_done() {
    for (words, text) in [
        ("--push r.invalid/Team/app", "lower case"),
        ("--push r.invalid/app@sha256:00", "`@`"),
        ("--push r.invalid/app --no-image", "--no-image none"),
        ("--username me --password-stdin", "--push"),
        ("--push r.invalid/app --username me", "go together"),
        ("--push r.invalid/app --password-stdin", "go together"),
        ("--push r.invalid/app --username me --password-stdin --request -", "both read standard input"),
        ("--push r.invalid/app --username me --password-stdin --stager-log -", "both read standard input"),
    ] {
        let fake = engine();
        let walked = restaged_and_pushed(&fake, words);
        assert_eq!((walked.code, fake.calls().len()), (ExitCode::CommandLine, 0), "{words}");
        assert!(walked.failure().contains(text), "{words}: {}", walked.failure());
    }
}

#[test]
fn the_request_goes_in_whole_and_none_of_its_secrets_comes_out() {
    let fake = engine();
    let (sends, received) = mpsc::channel();
    fake.script(move |stdin, output| {
        sends.send(String::from_utf8(stdin.to_vec()).unwrap()).unwrap();
        hello(output);
        0
    });
    let document = document(STAGER_2016, "taskDefinition", |_| {});
    let walked = restaged_by(&fake, "", nobody, document.clone());
    assert_eq!(received.recv().unwrap(), document);
    for secret in ["md5=", "p@ss", "credentials", "bridge-secret", "internal_user"] {
        assert!(!walked.said(secret), "{secret}");
        assert!(!fake.calls().join("\n").contains(secret), "{secret}");
    }
}

#[test]
fn what_is_missing_is_said_before_anything_is_made() {
    for (missing, text) in [
        ("hcf", "no network \"hcf\" on this Docker Engine"),
        ("stager:latest", "no stager image \"stager:latest\" on this Docker Engine"),
        ("stager-rootfs:cflinuxfs2", "no root file system \"stager-rootfs:cflinuxfs2\" on this Docker Engine"),
    ] {
        let fake = engine();
        fake.state().networks.remove(missing);
        fake.state().images.retain(|image| image.tags != [missing]);
        let walked = restaged(&fake, "");
        assert_eq!((walked.code, walked.failure()), (ExitCode::Engine, text));
        assert!(!fake.verbs().contains(&"create".to_owned()));
    }
}

#[test]
fn a_failure_at_any_step_removes_what_was_made() {
    for (verb, code) in [
        ("has_network", ExitCode::Engine),
        ("image", ExitCode::Engine),
        ("ensure_volume", ExitCode::Engine),
        ("create", ExitCode::Engine),
        ("run", ExitCode::Engine),
        ("copy_out", ExitCode::Engine),
        ("tag", ExitCode::Image),
    ] {
        let fake = engine();
        agent(&fake, vec![], 0);
        fake.refuse(verb, "because of a test");
        let walked = restaged(&fake, "");
        assert!(walked.code == code || walked.code == ExitCode::Engine, "{verb}: {:?}", walked.code);
        assert!(walked.failure().contains("because of a test"), "{verb}: {}", walked.failure());
        assert!(fake.state().containers.is_empty(), "{verb}");
    }
}

#[test]
fn the_agents_code_and_words_are_passed_on_once() {
    for (said, status, code) in
        [(223, 223, 223), (232, 232, 232), (4, 4, 4), (0, 124, 124), (223, 0, 223), (0, 0, 1), (99, 0, 1)]
    {
        let fake = engine();
        agent(&fake, vec![failed(said)], status);
        let walked = restaged(&fake, "");
        assert_eq!(walked.code.number(), code, "said {said}, status {status}");
        assert_eq!(walked.failure(), "the builder failed");
        assert!(fake.state().containers.is_empty());
        assert!(!fake.verbs().contains(&"load".to_owned()));
    }
}

#[test]
fn an_end_that_nobody_explains_is_told_as_far_as_it_is_known() {
    for (greets, status, code, text) in [
        (true, 2, 2, "the agent in stager:latest ended with status 2"),
        (true, 77, 1, "the agent in stager:latest ended with status 77 and did not say why"),
        (true, 137, 9, "the staging container was killed (status 137)"),
        (false, 127, 9, "stager:latest ended with status 127"),
        (false, 0, 9, "stager:latest ended without output that host-cli understands"),
    ] {
        let fake = engine();
        fake.script(move |_, output| {
            if greets {
                hello(output);
            }
            output(Stream::Err, b"a last word\x07\n");
            status
        });
        let walked = restaged(&fake, "");
        assert_eq!((walked.code.number(), walked.failure()), (code, text));
        assert!(walked.said("a last word"));
        assert_eq!(walked.said("docker kill"), status == 137);
    }
}

#[test]
fn out_of_memory_is_told_with_the_limit() {
    let fake = engine();
    let of_script = Arc::clone(&fake);
    fake.script(move |_, output| {
        hello(output);
        say(output, &failed(5));
        of_script.state().containers.values_mut().for_each(|(container, _)| container.out_of_memory = true);
        5
    });
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Builder);
    assert_eq!(walked.failure(), "the builder failed; out of memory (memory_mb=1024)");

    // An engine may know of its first process only, which is the agent.
    let fake = engine();
    fake.script(|_, output| {
        hello(output);
        let text = "the builder failed (out of memory)".to_owned();
        say(output, &Event::Failed { code: 5, text, advice: String::new() });
        5
    });
    assert_eq!(restaged(&fake, "").failure(), "the builder failed; out of memory (memory_mb=1024)");
}

#[test]
fn another_protocol_is_answered_with_what_to_rebuild() {
    let fake = engine();
    fake.script(|_, output| {
        say(output, &Event::Hello { protocol: PROTOCOL + 1, version: "9".into() });
        say(output, &Event::Note { text: "believe me".into() });
        0
    });
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Engine);
    assert_eq!(walked.failure(), "the agent in stager:latest speaks protocol 3; this host-cli uses protocol 2");
    assert!(walked.said("docker/build") && !walked.said("believe me"));
    assert!(fake.state().containers.is_empty());
}

#[test]
fn a_container_cannot_say_what_is_the_hosts_to_say_nor_decide_to_stay() {
    let fake = engine();
    let hostile = vec![
        Event::Hello { protocol: PROTOCOL, version: "again".into() },
        Event::Image { name: "evil".into(), id: "evil".into(), bytes: 1 },
        Event::Launching {
            app_name: "evil".into(),
            app_guid: "evil".into(),
            process: "evil".into(),
            image: "evil".into(),
        },
        Event::NotDone { what: vec!["evil".into()] },
        Event::Running { url: "http://evil".into(), container: "evil".into(), name: "evil".into() },
        Event::Next { purpose: Purpose::Launch, command: "evil".into() },
        Event::Exporting { kind: "image".into(), image: "evil".into(), path: "evil".into() },
        Event::ExportProgress { path: "evil".into(), bytes: 1, total: None },
        Event::Exported { kind: "image".into(), path: "evil".into(), digest: "evil".into(), bytes: 1 },
        Event::Pushing { image: "evil".into(), reference: "evil".into() },
        Event::PushProgress { reference: "evil".into(), bytes: 1, total: 2 },
        Event::Pushed {
            reference: "evil".into(),
            digest: "evil".into(),
            bytes: 1,
            layers_pushed: 1,
            layers_existing: 0,
            ms: 1,
        },
        Event::StepStarted { step: Step::Push },
        Event::StepEnded { step: Step::Export, ms: 9999 },
        Event::Kept { seconds: 9999 },
        Event::Done { ms: 1 },
        Event::Note { text: "after the end".into() },
    ];
    agent(&fake, hostile, 0);
    let walked = restaged(&fake, "");
    assert_eq!(walked.code, ExitCode::Success);
    assert!(!walked.said("evil") && !walked.said("9999"));
    assert!(fake.state().containers.is_empty());
}

#[test]
fn what_is_no_droplet_is_not_taken() {
    for (path, content, text) in [
        ("/tmp/droplet", tar("passwd", b"x"), "`passwd`, another entry, is in the container"),
        ("/tmp/droplet", tar("droplet", b""), "the droplet is empty"),
        ("/tmp/droplet", tar("droplet", b"no archive"), "the droplet is corrupt"),
        ("/tmp/lifecycle/launcher", Vec::new(), "the staging left no /tmp/lifecycle/launcher"),
    ] {
        let fake = engine();
        agent(&fake, vec![], 0);
        if path.ends_with("launcher") {
            fake.state().files.remove(path);
        } else {
            fake.state().files.insert(path.into(), content);
        }
        let walked = restaged(&fake, "");
        assert_eq!(walked.code, ExitCode::Image, "{}", walked.failure());
        assert!(walked.failure().contains(text), "{}", walked.failure());
        assert!(fake.state().containers.is_empty() && fake.state().loaded.is_empty());
    }
}

#[test]
fn keep_leaves_the_container_after_success_and_after_failure_and_prints_the_way_in() {
    for last in [Event::Done { ms: 1 }, failed(223)] {
        let fake = engine();
        let (ends, ended) = mpsc::channel::<()>();
        let ends_well = matches!(last, Event::Done { .. });
        fake.script(move |_, output| {
            hello(output);
            say(output, &Event::Kept { seconds: 3600 });
            say(output, &last);
            // The agent would stay for an hour; the session must not wait for it.
            let _ = ended.recv();
            0
        });
        let walked = restaged(&fake, "--keep");
        assert_eq!(walked.code.number(), if ends_well { 0 } else { 223 });
        assert!(walked.said("docker exec -it -u vcap -w /tmp/app c3 bash"), "{}", walked.text);
        let state = fake.state();
        let (container, spec) = state.containers.values().next().expect("it stays");
        assert_eq!(container.labels[labels::KEPT], "true");
        assert!(spec.auto_remove);
        assert_eq!(state.loaded.len(), usize::from(ends_well));
        drop(state);
        drop(ends);
    }
}

#[test]
fn a_signal_removes_the_container_whatever_the_road_waits_for_even_a_kept_one() {
    for (words, signal, code) in [
        ("", signal_hook::consts::SIGINT, ExitCode::Interrupted),
        ("--keep", signal_hook::consts::SIGTERM, ExitCode::Terminated),
    ] {
        let fake = engine();
        let (began, begins) = mpsc::channel();
        let (ends, ended) = mpsc::channel::<()>();
        fake.script(move |_, output| {
            hello(output);
            began.send(()).unwrap();
            let _ = ended.recv();
            137
        });
        let watch = move |session: Sender<Ended>| {
            std::thread::spawn(move || {
                begins.recv().unwrap();
                session.send(Ended::BySignal(signal)).unwrap();
            });
        };
        let walked = restaged_by(&fake, words, watch, document(STAGER_2016, "taskDefinition", |_| {}));
        assert_eq!(walked.code, code);
        assert!(fake.state().containers.is_empty());
        drop(ends);
    }
}

#[test]
fn requests_that_cannot_be_staged_are_refused_before_the_engine_is_asked() {
    let odd = |document: &mut serde_json::Value| document["rootfs"] = "docker-like:x".into();
    for (document, text) in [
        (document(STAGER_2016, "taskDefinition", odd), "the request's root file system \"docker-like:x\""),
        (String::new(), "the request cannot be used:\nempty: no request was given"),
        ("{\"a\":1}".to_owned(), "the request cannot be used:\n"),
        ("no json".to_owned(), "the request cannot be used:\nnot JSON (line 1, column 2)"),
    ] {
        let fake = engine();
        let walked = restaged_by(&fake, "", nobody, document);
        assert_eq!(walked.code, ExitCode::Request);
        assert!(walked.failure().starts_with(text), "{}", walked.failure());
        assert_eq!(fake.calls(), Vec::<String>::new());
    }
}

#[test]
fn where_containers_write_through_fuse_the_staging_works_in_a_volume() {
    let through_fuse = |store: fn(String) -> Store, driver: &str| {
        let fake = engine();
        let (of_script, folders) = (Arc::clone(&fake), Arc::new(Mutex::new(Vec::new())));
        let sees = Arc::clone(&folders);
        fake.script(move |_, _| {
            let state = of_script.state();
            let folders = state.containers.values().flat_map(|(_, spec)| spec.scratch_folders.clone());
            *sees.lock().unwrap() = folders.collect();
            1
        });
        fake.state().store = Some(store(driver.to_owned()));
        restaged(&fake, "--no-image");
        folders.lock().unwrap().clone()
    };
    for store in [Store::Layers, Store::Containerd] {
        assert_eq!(through_fuse(store, "fuse-overlayfs"), ["/tmp"]);
        assert_eq!(through_fuse(store, "overlay2"), Vec::<String>::new());
    }
    // Of an ended container Podman gives nothing out of a volume.
    assert_eq!(through_fuse(Store::Podman, "fuse-overlayfs"), Vec::<String>::new());
}

#[test]
fn without_an_image_neither_base_nor_droplet_is_touched() {
    let fake = engine();
    agent(&fake, vec![], 0);
    let walked = restaged(&fake, "--no-image");
    assert_eq!(walked.code, ExitCode::Success);
    assert_eq!(
        fake.verbs(),
        ["has_network", "containers_labelled", "image", "ensure_volume", "info", "create", "run", "remove"]
    );
}

#[test]
fn the_agents_help_is_shown_and_nothing_is_staged() {
    let fake = engine();
    fake.script(|_, output| {
        output(Stream::Out, b"Usage: stager-agent\n");
        0
    });
    let walked = restaged(&fake, "-- --help");
    assert_eq!(walked.code, ExitCode::Success);
    assert!(walked.said("Usage: stager-agent"));
    assert!(!fake.verbs().contains(&"load".to_owned()));
}

#[test]
fn certificates_are_looked_at_before_a_container_is_made() {
    let fake = engine();
    agent(&fake, vec![], 0);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let words = format!("--ca {}", file.path().display());
    assert_eq!(restaged(&fake, &words).code, ExitCode::CommandLine);
    assert_eq!(fake.calls(), Vec::<String>::new());
    file.write_all(b"-----BEGIN CERTIFICATE-----\n").unwrap();
    assert_eq!(restaged(&fake, &words).code, ExitCode::Success);
}

#[test]
fn what_was_fetched_is_kept_in_a_volume_with_our_label_unless_nobody_wants_it() {
    for (words, volume) in [("", Some("stager-cache")), ("--cache-volume mine", Some("mine")), ("--no-cache", None)] {
        let fake = engine();
        agent(&fake, vec![], 0);
        assert_eq!(restaged(&fake, words).code, ExitCode::Success);
        let made: Vec<_> = fake.state().volumes.clone().into_iter().collect();
        let expected = volume.map(|name| (name.to_owned(), [(labels::KIND.to_owned(), "cache".to_owned())].into()));
        assert_eq!(made, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_request_that_runs_a_program_as_root_gets_no_volume_which_it_could_change() {
    for user in ["root", "0"] {
        let fake = engine();
        agent(&fake, vec![], 0);
        let document = document(STAGER_2016, "taskDefinition", |_| {})
            .replace("\"user\":\"vcap\"", &format!("\"user\":\"{user}\""));
        let walked = restaged_by(&fake, "--no-image", nobody, document);
        assert!(
            walked.text.contains("the cache is not filled, because the request runs a program as root"),
            "{}",
            walked.text
        );
        assert_eq!(
            fake.verbs(),
            ["has_network", "containers_labelled", "image", "info", "create", "run", "remove"],
            "{user}"
        );
    }
}

#[test]
fn a_volume_of_that_name_that_is_there_is_used_as_it_is() {
    let fake = engine();
    fake.state().volumes.insert("stager-cache".into(), [].into());
    agent(&fake, vec![], 0);
    assert_eq!(restaged(&fake, "").code, ExitCode::Success);
    assert!(fake.state().volumes["stager-cache"].is_empty());
}

#[test]
fn a_directory_of_the_hosts_is_no_volume_and_no_cache_has_none() {
    for (words, text) in [
        ("--cache-volume /etc", "--cache-volume \"/etc\": not a volume's name"),
        ("--cache-volume a:b", "--cache-volume \"a:b\": not a volume's name"),
        ("--no-cache --cache-limit 1G", "--no-cache cannot go with --cache-volume or --cache-limit"),
        ("--key /nowhere", "--key is given without --cert"),
    ] {
        let fake = engine();
        let walked = restaged(&fake, words);
        assert_eq!((walked.code, walked.failure()), (ExitCode::CommandLine, text));
        assert_eq!(fake.calls(), Vec::<String>::new());
    }
}

#[test]
fn an_engine_that_keeps_no_limits_is_warned_of_once() {
    let fake = engine();
    let kept = restaged(&fake, "--no-image");
    assert!(!kept.said("does not limit"), "{}", kept.text);
    fake.state().limits = Limits { memory: false, processes: false };
    let walked = restaged(&fake, "");
    assert_eq!(
        walked.text.matches("this Docker Engine does not limit memory and processes").count(),
        1,
        "{}",
        walked.text
    );
}

#[test]
fn storage_that_can_bound_a_container_is_asked_to_and_other_storage_is_not() {
    let of_task = (4096 << 20) + (1 << 30);
    for (quota, bound) in [(Quota::Nothing, 0), (Quota::Written, of_task), (Quota::WithImage, of_task + 1)] {
        let fake = engine();
        fake.state().quota = quota;
        agent(&fake, vec![Event::Kept { seconds: 1 }, Event::Done { ms: 1 }], 0);
        assert_eq!(restaged(&fake, "--no-image --keep").code, ExitCode::Success);
        let state = fake.state();
        let bounds: Vec<u64> = state.containers.values().map(|(_, spec)| spec.disk_bytes).collect();
        assert_eq!(bounds, [bound], "{quota:?}");
    }
}

#[test]
fn storage_that_refuses_to_bound_a_container_after_all_leaves_that_to_the_agent_and_it_is_said() {
    let fake = engine();
    fake.state().quota = Quota::Written;
    fake.refuse("create", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
    agent(&fake, vec![Event::Kept { seconds: 1 }, Event::Done { ms: 1 }], 0);
    let walked = restaged(&fake, "--no-image --keep");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.said("Disk limit kept by the agent, not by this Docker Engine: disk_mb=4096"), "{}", walked.text);
    let bounds: Vec<u64> = fake.state().containers.values().map(|(_, spec)| spec.disk_bytes).collect();
    assert_eq!(bounds, [0]);
}

/// An app's container that runs on `network` under these names.
fn app_called(fake: &Fake, network: &str, names: &[&str]) {
    let spec = ContainerSpec {
        image: "stager:latest".to_owned(),
        labels: [(labels::KIND.to_owned(), labels::KIND_APP.to_owned())].into(),
        network: network.to_owned(),
        aliases: names.iter().map(|name| (*name).to_owned()).collect(),
        ..ContainerSpec::default()
    };
    let id = fake.create(Some("cf-app-evil"), &spec).unwrap();
    fake.start(&id).unwrap();
    fake.state().calls.clear();
}

#[test]
fn an_app_that_answers_for_a_host_of_the_request_keeps_the_staging_from_beginning() {
    let request = document(STAGER_2016, "taskDefinition", |_| {});
    let hosts = shared_model::validate::task(&request).unwrap().hosts();
    let host = hosts.first().unwrap().to_ascii_uppercase();
    for name in [host.as_str(), "cf-app-evil"] {
        let fake = engine();
        app_called(&fake, "hcf", &["x", name]);
        let document = request.replace(hosts.first().unwrap(), &name.to_ascii_lowercase());
        let walked = restaged_by(&fake, "", nobody, document);
        assert_eq!(walked.code, ExitCode::Engine, "{}", walked.text);
        let words = format!("on network hcf the app container cf-app-evil answers for {}", name.to_ascii_lowercase());
        assert!(walked.failure().starts_with(&words), "{}", walked.failure());
        assert!(walked.said("docker rm -fv cf-app-evil") && !fake.verbs().contains(&"create".to_owned()));
    }
    for (network, names) in [("other", [host.as_str()]), ("hcf", ["node-env"])] {
        let fake = engine();
        app_called(&fake, network, &names);
        agent(&fake, vec![Event::Done { ms: 1 }], 0);
        assert_eq!(restaged(&fake, "").code, ExitCode::Success);
    }
}

#[test]
fn the_address_of_an_app_is_one_of_its_names() {
    let fake = engine();
    app_called(&fake, "hcf", &[]);
    let address = fake.state().containers.values().next().unwrap().0.endpoints["hcf"].addresses[0].clone();
    let request = document(STAGER_2016, "taskDefinition", |request| {
        request["completion_callback_url"] = format!("http://{address}:8080/v1/staging/g/completed").into();
    });
    let walked = restaged_by(&fake, "", nobody, request);
    assert!(walked.failure().contains(&format!("answers for {address}")), "{}", walked.text);
}

#[test]
fn a_host_that_is_mapped_is_no_longer_an_apps_to_answer_for_and_its_address_must_be_no_apps() {
    let request = document(STAGER_2016, "taskDefinition", |_| {});
    let hosts = shared_model::validate::task(&request).unwrap().hosts();
    let fake = engine();
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    app_called(&fake, "hcf", &hosts.iter().map(String::as_str).collect::<Vec<_>>());
    let mapped_to = |address: &str| {
        let mappings: Vec<String> = hosts.iter().map(|host| format!("--add-host {host}={address}")).collect();
        restaged_by(&fake, &mappings.join(" "), nobody, request.clone())
    };
    assert_eq!(mapped_to("192.0.2.1").code, ExitCode::Success);
    let address = fake.state().containers.values().next().unwrap().0.endpoints["hcf"].addresses[0].clone();
    assert!(mapped_to(&address).failure().contains(&format!("answers for {address}")));
    let asked = restaged_by(&fake, &format!("--dns {address}"), nobody, request.clone());
    assert!(asked.failure().contains("cf-app-evil answers for"), "{}", asked.text);
}

#[test]
fn egress_rules_that_nobody_keeps_are_named() {
    let fake = engine();
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    let request = document(STAGER_2016, "taskDefinition", |request| {
        request["egress_rules"] = serde_json::json!([{"protocol": "all", "destinations": ["0.0.0.0/0"]}]);
    });
    let walked = restaged_by(&fake, "", nobody, request);
    assert!(walked.said("\"what\":[\"1 egress rule\"]"), "{}", walked.text);
}

#[test]
fn a_droplet_beyond_the_requests_disk_is_refused_and_leaves_nothing() {
    let fake = engine();
    agent(&fake, vec![Event::Result { text: RESULT.into() }, Event::Done { ms: 1 }], 0);
    let images = fake.state().images.len();
    let mut bomb = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(8 << 20);
    header.set_mode(0o644);
    bomb.append_data(&mut header, "app/zeros", std::io::repeat(0).take(8 << 20)).unwrap();
    let bomb = bomb.into_inner().unwrap().finish().unwrap();
    fake.state().files.insert("/tmp/droplet".into(), tar("droplet", &bomb));
    let request = document(STAGER_2016, "taskDefinition", |request| request["disk_mb"] = 4.into());
    let walked = restaged_by(&fake, "", nobody, request);
    assert_eq!(walked.code, ExitCode::Image);
    let words = "the droplet makes a layer of more than 4 MiB, the most that its request allows (disk_mb=4)";
    assert_eq!(walked.failure(), words);
    assert!(fake.state().images.len() == images && fake.state().containers.is_empty(), "{:?}", fake.verbs());
}
