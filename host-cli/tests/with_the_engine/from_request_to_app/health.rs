//! When `host-cli launch` calls an app healthy, on a real engine with the lifecycle's own program.

use crate::app::{App, inspect};
use crate::from_request_to_app::launch::staged;
use crate::hcf::docker;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An app that answers after three seconds.
fn slow(name: &str) -> App {
    staged(name, "slow-start", &["--env", "SLOW_START=0.2", "--env", "SLOW_PAGE=3"])
}

/// Its launch request with this check definition, and a monitor with these arguments of the lifecycle's program.
fn asked(app: &App, checks: &Value, monitor: &[&str]) -> PathBuf {
    app.changed("launch-req", |request| {
        request["check_definition"] = checks.clone();
        let run = json!({"path": "/tmp/lifecycle/healthcheck", "args": monitor, "user": "vcap"});
        request["monitor"] = json!({"timeout": {"timeout_ms": 30_000, "action": {"run": run}}});
    })
}

#[test]
fn a_slow_page_is_healthy_within_its_own_time_and_the_definition_comes_before_the_monitor() {
    let app = slow("slow-page");
    let check = json!({"port": 8080, "path": "/", "request_timeout_ms": 5000, "interval_ms": 4000});
    // Nobody listens at port 1.
    let request = asked(&app, &json!({"checks": [{"http_check": check}]}), &["-port=1"]);
    app.launch(&["--request", request.to_str().unwrap()]).done();
    let container = app.containers("app").remove(0);
    let wanted = inspect(&container)["Config"]["Healthcheck"].clone();
    let words = json!(["CMD", "/tmp/lifecycle/healthcheck", "-port=8080", "-timeout=5000ms", "-uri=/"]);
    assert_eq!(wanted["Test"], words);
    assert_eq!((&wanted["Interval"], &wanted["Retries"]), (&json!(4_000_000_000_u64), &json!(1)));

    // The engine goes on asking, and one failure is enough.
    let status = |wanted: &str| {
        let until = Instant::now() + Duration::from_secs(60);
        let now = || inspect(&container)["State"]["Health"]["Status"].as_str().unwrap().to_owned();
        while now() != wanted && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(now(), wanted);
    };
    status("healthy");
    docker(&["exec", "--user", "root", &container, "sh", "-c", "mv /tmp/lifecycle/healthcheck /tmp/gone"]).unwrap();
    status("unhealthy");
    assert_eq!(inspect(&container)["State"]["Health"]["FailingStreak"], 1);
}

#[test]
fn a_monitors_timeout_is_its_own_however_long_it_is() {
    let app = slow("slower-page");
    let request = asked(&app, &Value::Null, &["-port=8080", "-uri=/", "-timeout=15s"]);
    let text = fs::read_to_string(&request).unwrap();
    let slower = text.replace(r#"{"name":"SLOW_PAGE","value":"3"}"#, r#"{"name":"SLOW_PAGE","value":"11"}"#);
    assert_ne!(text, slower);
    fs::write(&request, slower).unwrap();
    app.launch(&["--request", request.to_str().unwrap()]).done();
}

#[test]
fn a_page_that_is_too_slow_is_told_in_the_words_of_the_check() {
    let app = slow("too-slow-page");
    let check = json!({"port": 8080, "request_timeout_ms": 500});
    let request = asked(&app, &json!({"checks": [{"http_check": check}]}), &[]);
    let mut hasty: Value = serde_json::from_str(&fs::read_to_string(&request).unwrap()).unwrap();
    for name in ["start_timeout", "start_timeout_ms"] {
        hasty[name] = if name.ends_with("ms") { 6000.into() } else { 6.into() };
    }
    fs::write(&request, hasty.to_string()).unwrap();
    let said = app.launch(&["--request", request.to_str().unwrap()]);
    let words = "Failed to make HTTP request to '/' on port 8080: timed out after 0.50 seconds";
    said.failed(8, &["too-slow-page was not healthy within 6.0s; the health check says: ", words]);
    assert_eq!(app.containers("app"), Vec::<String>::new());
}

#[test]
fn a_volume_is_a_folder_of_this_machine_and_read_only_where_the_request_says_so() {
    let app = staged("volumes", "hello-procfile", &[]);
    let mount =
        |id: &str, at: &str, mode: &str| json!({"container_dir": at, "mode": mode, "shared": {"volume_id": id}});
    let request = app.changed("launch-req", |request| {
        request["volume_mounts"] = json!([mount("vol-1", "/data/one", "r"), mount("vol-2", "/data/two", "rw")]);
    });
    let folder = app.hcf.folder("requests").join("volume");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file"), "content").unwrap();
    let map = |id: &str| format!("{id}={}", folder.display());
    let request = ["--request", request.to_str().unwrap(), "--volume-map"];
    app.launch(&[&request[..], &["vol-3=/"]].concat()).failed(2, &["no volume \"vol-3\"", "vol-1, vol-2"]);
    let said = app.launch(&[&request[..], &[&map("vol-1"), "--volume-map", &map("vol-2")]].concat()).done();
    assert!(!said.out.contains("volume mount"), "{}", said.out);
    let container = app.containers("app").remove(0);
    let shell = |script: &str| docker(&["exec", "--user", "root", &container, "sh", "-c", script]);
    assert_eq!(shell("cat /data/one/file").unwrap().trim(), "content");
    assert!(shell("echo x >/data/one/file").is_err());
    shell("echo new >/data/two/file").unwrap();
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "new\n");
}
