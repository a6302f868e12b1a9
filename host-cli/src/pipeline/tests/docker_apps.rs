//! `restage` and `launch` of docker apps against a recording engine.

use super::launch::{launched_from, only_container, quick};
use super::restage::{agent, engine as staging_engine, failed, typed};
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ExecResult, Health, Platform, Quota, Reach, Store};
use crate::labels;
use crate::pipeline::{propose_launch, restage};
use crate::recorded_run::*;
use crate::registry::reference::Reference;
use crate::settings::Settings;
use serde_json::json;
use shared_model::event::{Purpose, Step};

const IMAGE: &str = "r.io:5000/acme/shop:1";

/// An engine with a stager image, whose agent copies a lifecycle.
fn engine() -> Arc<Fake> {
    let fake = Arc::new(Fake::with_image("stager:latest"));
    fake.state().files.insert("/tmp/copied/launcher".into(), tar("launcher", b"#!launcher"));
    let cached = Event::Cached {
        name: String::new(),
        to: "/tmp/lifecycle".into(),
        from: "http://files/l.tgz".into(),
        bytes: 1,
        fetched: String::new(),
        reason: None,
    };
    let of_the_task = Event::RunStarted { path: "/bin/cp".into(), user: "vcap".into() };
    agent(&fake, vec![of_the_task, cached, Event::Done { ms: 1 }], 0);
    fake
}

fn document(change: impl FnOnce(&mut serde_json::Value)) -> String {
    quick(|document| {
        document["rootfs"] = "docker://r.io:5000/acme/shop#1".into();
        change(document);
    })
}

fn launched(fake: &Arc<Fake>, words: &str) -> Walked {
    launched_from(fake, words, request(RequestKind::Launch, document(|_| {})))
}

fn pulls(fake: &Fake) -> Vec<String> {
    fake.calls().into_iter().filter(|call| call.starts_with("pull ")).collect()
}

#[test]
fn its_image_is_pulled_with_the_requests_login_and_gets_the_requests_lifecycle() {
    let fake = engine();
    let login = |document: &mut serde_json::Value| {
        document["image_username"] = "me".into();
        document["image_password"] = "s3cret-of-the-registry".into();
    };
    let walked = launched_from(&fake, "", request(RequestKind::Launch, document(login)));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_eq!(pulls(&fake), [format!("pull {IMAGE} the launch request")]);
    assert!(!walked.said("s3cret") && !walked.said("/bin/cp") && !walked.said("registry login"), "{}", walked.text);
    assert!(walked.events.contains(&Event::StepStarted { step: Step::Fetch }));
    let pulled = |event: &Event| matches!(event, Event::Pulled { image, .. } if image == IMAGE);
    assert!(walked.events.iter().any(pulled), "{}", walked.text);

    let container = only_container(&fake);
    let state = fake.state();
    let (_, spec) = &state.containers[&container.id.0];
    assert_eq!(spec.image, state.images.last().unwrap().id.0);
    assert_eq!(
        (&*spec.entrypoint, &*spec.volumes),
        (&["/tmp/lifecycle/launcher".to_owned()][..], &["/tmp/lifecycle".to_owned()][..])
    );
    let (folder, archive) = &state.copied_in[0];
    let mut archive = tar::Archive::new(&archive[..]);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    let (header, path) = (entry.header(), entry.path().unwrap());
    assert_eq!((folder.as_str(), path.to_str().unwrap()), ("/tmp/lifecycle", "launcher"));
    assert_eq!((header.mode().unwrap(), header.uid().unwrap()), (0o755, 0));
    assert!(!format!("{:?}", spec.labels).contains("s3cret"));
}

#[test]
fn several_checks_are_made_one_after_the_other_without_a_shell_whatever_the_engine_says_of_the_first() {
    let fake = engine();
    fake.state().health = [Health::Healthy].into();
    fake.state().reach = [Reach::Open].into();
    let ran = |status: i64| ExecResult { status: Some(status), output: Vec::new() };
    fake.state().executions = [ran(0), ran(4), ran(0), ran(0)].into();
    let checks = |document: &mut serde_json::Value| {
        document["start_timeout_ms"] = 5000.into();
        document["check_definition"] =
            json!({"checks": [{"tcp_check": {"port": 8080}}, {"tcp_check": {"port": 8081}}]});
    };
    let walked = launched_from(&fake, "", request(RequestKind::Launch, document(checks)));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let calls = fake.calls();
    let ports: Vec<&str> = calls
        .iter()
        .filter(|call| call.starts_with("exec "))
        .filter_map(|call| Some(call.split_once(" /tmp/lifecycle/healthcheck ")?.1))
        .collect();
    assert_eq!(ports, ["-port=8080", "-port=8081", "-port=8080", "-port=8081"]);
}

#[test]
fn an_image_that_came_from_the_registry_is_pulled_again_only_where_that_is_typed() {
    for (words, expected) in [("", 0), ("--pull always", 1), ("--pull never", 0)] {
        let fake = engine();
        fake.add_pulled(&Reference::pulled(IMAGE).unwrap(), &[]);
        let walked = launched(&fake, words);
        assert_eq!((walked.code, pulls(&fake).len()), (ExitCode::Success, expected), "{words}: {}", walked.text);
    }
    let walked = launched(&engine(), "--pull never");
    let text = format!("no image {IMAGE} on this Docker Engine");
    assert_eq!((walked.code, walked.failure()), (ExitCode::Launch, text.as_str()));
}

#[test]
fn a_name_of_this_engine_never_moves_to_a_registrys_image_which_is_had_by_its_digest() {
    let digest = format!("sha256:{}", "e".repeat(64));
    for (store, words) in [(None, ""), (None, "--pull always"), (Some(Store::Containerd("overlayfs".into())), "")] {
        let fake = engine();
        let (containerd, reference) = (store.is_some(), Reference::pulled(IMAGE).unwrap());
        let local = if containerd { fake.add_pulled(&reference, &[]) } else { fake.add_image(IMAGE, &[]) };
        fake.state().store = store;
        fake.state().in_registry = Some(digest.clone());
        for _ in 0..2 {
            agent(&fake, vec![Event::Done { ms: 1 }], 0);
            let walked = launched(&fake, words);
            assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        }
        assert_eq!(pulls(&fake), [format!("pull r.io:5000/acme/shop@{digest}")], "once");
        assert_eq!(fake.image(IMAGE).unwrap().unwrap().id, local);
        let container = only_container(&fake);
        assert_ne!(fake.state().containers[&container.id.0].1.image, local.0);
    }

    let fake = engine();
    fake.add_image(IMAGE, &[]);
    fake.state().in_registry = Some(String::new());
    let walked = launched(&fake, "");
    assert_eq!((walked.code, pulls(&fake).len()), (ExitCode::Launch, 0));
    assert!(walked.failure().contains("is not surely that of r.io:5000"), "{}", walked.failure());
    assert!(walked.said("`--pull never` takes the one that is here"), "{}", walked.text);
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    assert_eq!(launched(&fake, "--pull never").code, ExitCode::Success);
}

#[test]
fn a_requests_login_gets_an_image_that_is_here_only_if_the_registry_shows_it_one() {
    for (shown, pulled) in [(None, 0), (Some(String::new()), 1)] {
        let fake = engine();
        fake.add_pulled(&Reference::pulled(IMAGE).unwrap(), &[]);
        fake.state().in_registry = shown;
        fake.refuse("pull", "unauthorized: authentication required");
        let login = |document: &mut serde_json::Value| document["image_username"] = "me".into();
        let walked = launched_from(&fake, "", request(RequestKind::Launch, document(login)));
        let expected = if pulled == 0 { ExitCode::Success } else { ExitCode::Launch };
        assert_eq!((walked.code, pulls(&fake).len()), (expected, pulled), "{}", walked.text);
        assert_eq!(walked.said("does not accept the login of the launch request"), pulled == 1, "{}", walked.text);
    }
}

#[test]
fn the_disk_of_an_image_with_volumes_is_told_not_to_be_bounded() {
    for (others, is_told) in [(vec![], false), (vec!["Volumes".to_owned()], true)] {
        let fake = engine();
        fake.add_pulled(&Reference::pulled(IMAGE).unwrap(), &[]);
        let mut state = fake.state();
        state.quota = Quota::Written;
        state.images.last_mut().unwrap().details.settings.others = others;
        drop(state);
        let walked = launched(&fake, "");
        assert_eq!((walked.code, walked.said("disk limit (disk_mb=")), (ExitCode::Success, is_told), "{}", walked.text);
    }
}

#[test]
fn an_image_that_cannot_be_had_or_cannot_run_here_is_a_launch_that_fails_and_leaves_nothing() {
    let fake = engine();
    fake.refuse("pull", "manifest for r.io:5000/acme/shop:1 not found: manifest unknown");
    let walked = launched(&fake, "");
    assert!(walked.failure().starts_with("r.io:5000 has no image acme/shop of this name: "), "{}", walked.failure());
    assert_eq!((walked.code, fake.state().containers.len()), (ExitCode::Launch, 0));

    let fake = engine();
    fake.add_pulled(&Reference::pulled(IMAGE).unwrap(), &[]);
    for (image, architecture) in fake.state().images.iter_mut().zip(["amd64", "arm64"]) {
        image.details.platform = Platform { architecture: architecture.to_owned(), ..Platform::default() };
    }
    let walked = launched(&fake, "");
    let text = format!("the image {IMAGE} is for arm64, and this Docker Engine runs amd64");
    assert_eq!((walked.code, walked.failure()), (ExitCode::Launch, text.as_str()));
    assert!(fake.state().containers.is_empty());
}

#[test]
fn a_lifecycle_that_cannot_be_had_ends_a_launch_before_the_image_is_pulled() {
    let fake = Arc::new(Fake::with_image("stager:latest"));
    agent(&fake, vec![failed(4)], 4);
    let walked = launched(&fake, "");
    assert_eq!((walked.code, walked.failure(), pulls(&fake).len()), (ExitCode::Fetch, "the builder failed", 0));
    assert!(fake.state().containers.is_empty());

    let fake = Arc::new(Fake::with_image("stager:latest"));
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    let walked = launched(&fake, "");
    assert_eq!(
        (walked.code, walked.failure()),
        (ExitCode::Launch, "the launch request's lifecycle has no launcher in it")
    );
    assert!(fake.state().containers.is_empty());

    let walked = launched(&Arc::new(Fake::with_image("other:1")), "");
    assert_eq!(walked.code, ExitCode::Engine);
    assert!(walked.failure().starts_with("no stager image"), "{}", walked.failure());
}

#[test]
fn an_image_that_bears_our_labels_is_neither_another_app_nor_kept_from_being_replaced() {
    const VICTIM: &str = "99999999-b045-5fed-bae9-e6ea03383693";
    let evil = [
        (labels::KIND, labels::KIND_APP),
        (labels::APP_GUID, VICTIM),
        (labels::PROCESS, "web"),
        (labels::PROCESS_TYPES, r#"{"web":"evil","worker":"evil"}"#),
        (labels::KEPT, "true"),
        (labels::OWNER, "a.1.1"),
    ];
    let fake = engine();
    let cached = vec![Event::Done { ms: 1 }];
    (0..3).for_each(|_| agent(&fake, cached.clone(), 0));
    fake.state().labels_of_pulled =
        evil.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    let first = only_container(&fake);
    assert_eq!((first.labels[labels::APP_GUID].as_str(), first.labels[labels::KEPT].as_str()), (GUID, ""));
    assert_ne!(first.labels[labels::OWNER], "a.1.1");
    let digest = fake.state().images.last().unwrap().id.0.clone();
    fake.state().in_registry = Some(digest);

    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert_ne!(only_container(&fake).id, first.id, "it is known again as the app's earlier container");
    let asked = fake.verbs().iter().filter(|verb| *verb == "digest_in_registry").count();
    assert_eq!((asked, pulls(&fake).len()), (1, 1), "what says that it is one of ours is not taken unasked");

    let walked = launched(&fake, "--process worker");
    assert!(walked.failure().contains("its image has none"), "{}", walked.failure());
    // The container of the image itself, whoever runs it, is not the victim's.
    let evil = fake.state().images.last().unwrap().clone();
    let spec = ContainerSpec { image: evil.id.0.clone(), labels: evil.labels, ..ContainerSpec::default() };
    let strangers = fake.create(Some("strangers"), &spec).unwrap();
    fake.start(&strangers).unwrap();
    let of_victim = document(|document| {
        document["log_guid"] = VICTIM.into();
        document["process_guid"] = format!("{VICTIM}-1").into();
    });
    let walked = launched_from(&fake, "", request(RequestKind::Launch, of_victim));
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(fake.container(&strangers).unwrap().unwrap().running);
}

#[test]
fn an_image_with_more_labels_than_a_list_of_containers_can_bear_is_refused() {
    let fake = engine();
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    fake.state().labels_of_pulled = [("x".repeat(70_000), String::new())].into();
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Launch);
    assert!(walked.failure().contains("have names of 70000 bytes"), "{}", walked.failure());
    assert!(fake.state().containers.is_empty(), "it is in no list");
}

#[test]
fn long_labels_of_an_image_are_in_no_list_of_containers() {
    let fake = engine();
    agent(&fake, vec![Event::Done { ms: 1 }], 0);
    fake.state().labels_of_pulled = [("io.buildpacks.build.metadata".to_owned(), "y".repeat(70_000))].into();
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let made: Vec<ContainerSpec> = fake.state().containers.values().map(|(_, spec)| spec.clone()).collect();
    assert!(
        made.iter().any(|spec| spec.labels.get("io.buildpacks.build.metadata") == Some(&String::new())),
        "{made:?}"
    );
}

#[test]
fn an_app_of_a_droplet_gets_the_requests_lifecycle_where_that_is_typed() {
    let fake = engine();
    fake.add_image("cf-app/node-env-18c50a86:latest", &[(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP)]);
    let walked = launched_from(&fake, "--lifecycle request", request(RequestKind::Launch, quick(|_| {})));
    assert_eq!((walked.code, pulls(&fake).len()), (ExitCode::Success, 0), "{}", walked.text);
    assert_eq!(fake.state().copied_in[0].0, "/tmp/lifecycle");
}

#[test]
fn a_staging_makes_no_image_tells_the_apps_and_how_to_launch_it() {
    let fake = staging_engine();
    let found = Event::DockerImage { image: IMAGE.into(), ports: vec!["8080/tcp".into()], user: String::new() };
    agent(&fake, vec![found.clone(), Event::Done { ms: 1 }], 0);
    let task = crate::recorded_run::document(STAGER_2016, "taskDefinition", |document| {
        let run = json!({"path": "/tmp/docker_app_lifecycle/builder", "args": ["-dockerRef", IMAGE], "user": "vcap"});
        document["action"] = json!({ "run": run });
        document["image_password"] = "s3cret".into();
    });
    let (command, agent_options) = typed("--cert c.pem --key k.pem --stager-image stager:latest");
    let (certificate, key) = (command.cert.clone(), command.key.clone());
    let command = crate::arguments::Restage { cert: None, key: None, ..command };
    let walked = walked(&fake, nobody, move |session| {
        let request = request(RequestKind::Staging, task);
        let image = restage(session, &request, (&command, &agent_options), None)?;
        let command = crate::arguments::Restage { cert: certificate, key, ..command };
        propose_launch(session, &request, &command, &Settings::default(), image.as_ref());
        Ok(())
    });
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let command = format!("host-cli launch --stager-image stager:latest --cert c.pem --key k.pem {GUID}");
    let next = Event::Next { purpose: Purpose::Launch, command };
    assert!(walked.events.contains(&found) && walked.events.contains(&next), "{}", walked.text);
    assert!(!walked.said("s3cret") && !fake.verbs().iter().any(|verb| verb == "load" || verb == "copy_out"));
    assert!(fake.state().containers.is_empty());
}
