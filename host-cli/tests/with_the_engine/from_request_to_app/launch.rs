//! `host-cli launch` on a real engine.

use crate::app::{App, get, inspect, signal};
use crate::hcf::docker;
use crate::said::Said;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A pushed and staged app.
pub(crate) fn staged(name: &str, folder: &str, options: &[&str]) -> App {
    let app = App::pushed(name, folder, options);
    app.restage(&["--ca", app.hcf.ca().to_str().unwrap(), "--", "--no-upload"]).done();
    app
}

/// The address in `✓ launch  http://…`.
#[track_caller]
pub(crate) fn url(said: &Said) -> String {
    let address = said.out.split_whitespace().find(|word| word.starts_with("http://"));
    address.unwrap_or_else(|| panic!("{}\n{}", said.out, said.err)).to_owned()
}

#[test]
fn an_app_runs_as_its_request_says_and_is_replaced_by_its_next_start() {
    let app = staged("runs", "env-page", &["--style", "2017", "--env", "GREETING=hello"]);
    let said = app.launch(&[]).done();
    let address = url(&said);
    let environment: Value = serde_json::from_str(&get(&address, "/env.json")).unwrap();
    let port = address.rsplit(':').next().unwrap();
    for (name, value) in [
        ("GREETING", "hello"),
        ("PORT", "8080"),
        ("VCAP_APP_PORT", "8080"),
        ("INSTANCE_INDEX", "0"),
        ("CF_INSTANCE_PORT", port),
        ("CF_INSTANCE_ADDR", &format!("127.0.0.1:{port}")),
        ("CF_INSTANCE_PORTS", &format!(r#"[{{"external":{port},"internal":8080}}]"#)),
        ("USER", "vcap"),
        ("LANG", "en_US.UTF-8"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert_eq!(environment["INSTANCE_GUID"], environment["CF_INSTANCE_GUID"]);
    let application: Value = serde_json::from_str(environment["VCAP_APPLICATION"].as_str().unwrap()).unwrap();
    assert_eq!((&application["instance_index"], &application["port"]), (&0.into(), &8080.into()));
    assert_eq!(application["instance_id"], environment["INSTANCE_GUID"]);

    let first = app.containers("app");
    let inspected = inspect(&first[0]);
    assert_eq!(inspected["HostConfig"]["Memory"], 256 << 20);
    assert_eq!(inspected["Config"]["User"], "vcap");
    let aliases = &inspected["NetworkSettings"]["Networks"][&app.hcf.network]["Aliases"];
    let of_app: Vec<_> = aliases.as_array().unwrap().iter().filter_map(|alias| alias.as_str()).collect();
    assert!(
        of_app.iter().any(|alias| alias.starts_with("runs-") && alias.ends_with(".apps.stager.internal")),
        "{aliases}"
    );
    assert!(!of_app.contains(&"runs"), "{aliases}");
    let without_environment = format!("{}{}{}", inspected["Config"]["Labels"], said.out, said.err);
    let password = environment["VCAP_SERVICES"].as_str().unwrap().split("password\":\"").nth(1).unwrap();
    assert!(!without_environment.contains(password.split('"').next().unwrap()));

    let again = app.launch(&[]).done();
    let second = app.running();
    assert_eq!((second.len(), app.containers("app").len()), (1, 2), "the earlier one stays for what it printed");
    assert_ne!(first, second);
    assert!(get(&url(&again), "/healthz").contains("ok"));
}

#[test]
fn an_app_that_dies_is_told_with_its_last_lines_and_nothing_of_it_is_left() {
    let app = staged("dies", "dies-at-start", &[]);
    let said = app.launch(&[]).failed(8, &["dies ended with status 3 before it was healthy"]);
    assert!(said.err.lines().count() > 1, "{}", said.err);
    assert_eq!(app.containers("app"), Vec::<String>::new());
}

#[test]
fn an_app_without_an_image_must_be_restaged_first() {
    let app = App::pushed("unstaged", "hello-procfile", &[]);
    app.launch(&[]).failed(8, &["no app image for \"unstaged\"", "stage it first"]);
}

#[test]
fn a_fixed_port_goes_from_one_start_to_the_next_and_back_on_failure() {
    let app = staged("fixed", "hello-procfile", &[]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fixed = ["--port", &port.to_string()];
    let address = url(&app.launch(&fixed).done());
    assert_eq!(address, format!("http://127.0.0.1:{port}"));
    let first = app.containers("app");

    let dying = app.changed("launch-req", |request| {
        let text = request.to_string().replace(r#"["app","","#, r#"["app","exit 7","#);
        *request = serde_json::from_str(&text).unwrap();
    });
    let said = app.launch(&[&fixed[..], &["--request", dying.to_str().unwrap()]].concat());
    let said = said.failed(8, &["fixed ended with status 7"]);
    assert!(said.out.contains("the app is down until the new container answers"), "{}", said.out);
    assert!(said.out.contains("The earlier container runs again"), "{}", said.out);
    assert_eq!(app.running(), first);
    wait_for(&address);

    assert_eq!(url(&app.launch(&fixed).done()), address);
    assert_ne!(app.running(), first);
    assert_eq!(get(&address, "/"), "hello\n");
}

/// Until something answers there; a container that was started again needs a moment.
pub(crate) fn wait_for(url: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until && std::panic::catch_unwind(|| get(url, "/")).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(get(url, "/"), "hello\n");
}

#[test]
fn a_port_of_another_program_is_refused() {
    let app = staged("taken", "hello-procfile", &[]);
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    app.launch(&["--port", &port]).failed(8, &[&format!("port {port} of 127.0.0.1 is in use"), "--port"]);
    assert_eq!(app.containers("app"), Vec::<String>::new());
}

#[test]
fn a_worker_runs_beside_the_web_process() {
    let app = staged("workers", "hello-procfile", &[]);
    app.launch(&[]).done();
    let said = app.launch(&["--process", "worker"]).done();
    assert!(said.out.contains(" launch  container cf-app-workers-"), "{}", said.out);
    assert_eq!(app.containers("app").len(), 2);
    let worker = docker(&[
        "ps",
        "--quiet",
        "--filter",
        "label=stager.process=worker",
        "--filter",
        &format!("label=stager.app-guid={}", app.guid),
    ]);
    let command = inspect(&worker.unwrap())["Config"]["Cmd"].clone();
    assert_eq!(command, serde_json::json!(["app", "./hello --worker", ""]));
    app.launch(&["--process", "clock"]).failed(2, &["no process type \"clock\"; its image has web, worker"]);
}

#[test]
fn an_app_that_is_too_slow_is_given_up_and_a_signal_ends_the_waiting() {
    let app = staged("slow", "slow-start", &["--env", "SLOW_START=60"]);
    let hasty = app.changed("launch-req", |request| request["start_timeout"] = 3.into());
    let said = app.launch(&["--request", hasty.to_str().unwrap()]);
    said.failed(8, &["slow was not healthy within 3.0s", "try: "]);
    assert_eq!(app.containers("app"), Vec::<String>::new());

    let mut launching = app.launching(&[]);
    let child = launching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while app.containers("app").is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(&child, "INT");
    Said::from(child.wait_with_output().unwrap()).failed(130, &["interrupted"]);
    assert_eq!(app.containers("app"), Vec::<String>::new());
}

/// A log in which the app has a launch request of `web` and, logged later, one of a worker with a command of its own.
fn log_with_a_worker(app: &App) -> PathBuf {
    let web = app.request("launch-req");
    let mut worker = web.clone();
    worker["process_guid"] = "0badcafe-2222-4222-8222-222222222222-1".into();
    worker["metric_tags"] = serde_json::json!({"process_type": {"static": "worker"}});
    for absent in ["routes", "monitor", "check_definition"] {
        worker[absent] = Value::Null;
    }
    worker["memory_mb"] = 64.into();
    let text = worker.to_string().replace(r#"["app","","#, r#"["app","./hello --worker # its own","#);
    let worker: Value = serde_json::from_str(&text).unwrap();
    let line = |second, lrp: &Value| {
        serde_json::json!({"timestamp": format!("179590000{second}.0"), "data": {"desiredLRP": lrp}}).to_string()
    };
    let log = app.hcf.folder("requests").join(format!("{}-nsync.log", app.name));
    fs::write(&log, format!("{}\n{}\n", line(1, &web), line(2, &worker))).unwrap();
    log
}

#[test]
fn a_worker_with_a_request_of_its_own_runs_beside_web_and_replaces_only_itself() {
    let app = staged("types", "hello-procfile", &[]);
    let log = log_with_a_worker(&app);
    let logged = ["--nsync-log", log.to_str().unwrap()];
    let of_type = |process: &str| {
        let (app, process) = (format!("label=stager.app-guid={}", app.guid), format!("label=stager.process={process}"));
        docker(&["ps", "--quiet", "--no-trunc", "--filter", &app, "--filter", &process]).unwrap().trim().to_owned()
    };
    let address = url(&app.launch(&logged).done());
    assert_eq!(get(&address, "/"), "hello\n", "the newest request is the worker's, and web is meant");

    let said = app.launch(&[&logged[..], &["--process", "worker"]].concat()).done();
    assert!(said.out.contains(" launch  container cf-app-types-worker-"), "{}", said.out);
    let (web, worker) = (of_type("web"), of_type("worker"));
    let inspected = inspect(&worker);
    assert_eq!(inspected["Config"]["Cmd"], serde_json::json!(["app", "./hello --worker # its own", ""]));
    assert_eq!(inspected["HostConfig"]["Memory"], 64 << 20);

    let said = app.launch(&[&logged[..], &["--all-processes"]].concat()).done();
    assert_eq!(said.out.matches(" ✓ launch ").count() + said.out.matches("[ok]   launch").count(), 2, "{}", said.out);
    assert_eq!(app.running().len(), 2);
    assert!(of_type("web") != web && of_type("worker") != worker);
}
