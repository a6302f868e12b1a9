//! `apps`, `logs`, `stop` and `delete` on a real engine.

use super::launch::{staged, url};
use crate::app::{App, get};
use crate::hcf::docker;
use crate::said::Said;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

fn words(words: &[&str]) -> Command {
    let mut cli = Command::new(env!("CARGO_BIN_EXE_host-cli"));
    cli.args(words).stdin(Stdio::null());
    cli
}

fn said(typed: &[&str]) -> Said {
    words(typed).output().unwrap().into()
}

/// The app in the list; `None`: it is not there.
fn listed(app: &App) -> Option<Value> {
    let all: Value = serde_json::from_str(&said(&["apps", "--output", "json"]).done().out).unwrap();
    all.as_array().unwrap().iter().find(|one| one["guid"] == app.guid.as_str()).cloned()
}

/// Follows a log until it is dropped.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn of(app: &App, options: &[&str]) -> Self {
        let mut child = words(&["logs", &app.guid]).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let (tells, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tells.send(line)));
        Self { child, lines }
    }

    /// The lines until one ends so.
    fn until(&self, end: &str) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.ends_with(end)) {
            let left = deadline.saturating_duration_since(Instant::now());
            lines.push(self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no {end} in {lines:#?}")));
        }
        lines
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The request with another start command.
fn starting(app: &App, command: &str) -> String {
    let file = app.changed("launch-req", |request| {
        let command = serde_json::to_string(command).unwrap();
        let text = request.to_string().replace(r#"["app","","#, &format!(r#"["app",{command},"#));
        *request = serde_json::from_str(&text).unwrap();
    });
    file.to_str().unwrap().to_owned()
}

#[test]
fn what_was_said_in_the_last_staging_is_told_before_the_app_runs_and_among_its_lines_until_it_is_deleted() {
    let app = staged("spoken", "hello-procfile", &[]);
    let said_first = said(&["logs", &app.guid, "--recent"]).done();
    assert!(said_first.err.contains(") is here; this is its last staging"), "{}", said_first.err);
    assert!(said_first.out.contains(" [STG/0] OUT "), "{}", said_first.out);
    app.launch(&["--request", &starting(&app, "echo it runs; ./hello")]).done();
    let both = said(&["logs", &app.guid, "--recent"]).done().out;
    let at = |what: &str| both.find(what).unwrap_or_else(|| panic!("no {what} in {both}"));
    assert!(at("[STG/0]") < at("[APP/PROC/WEB/0]"), "{both}");
    let of_one = said(&["logs", &app.guid, "--recent", "-i", "0"]).done().out;
    assert!(of_one.contains("[APP/PROC/WEB/0]") && !of_one.contains("STG"), "{of_one}");
    let last = said(&["logs", &app.guid, "--recent", "-n", "1"]).done().out;
    assert_eq!(last.matches("[STG/0]").count(), 1, "{last}");
    said(&["delete", &app.guid, "-f"]).done();
    said(&["logs", &app.guid, "--recent"]).failed(2, &["no app \""]);
}

#[test]
fn an_app_is_listed_stopped_started_again_and_deleted() {
    let app = staged("wording", "hello-procfile", &[]);
    assert_eq!(listed(&app), None);
    let address = url(&app.launch(&[]).done());
    let row = listed(&app).unwrap();
    assert_eq!((&row["name"], &row["requested_state"]), (&"wording".into(), &"started".into()));
    assert_eq!(row["routes"][0], address.trim_start_matches("http://"));
    let web = &row["processes"][0];
    assert_eq!((&web["type"], &web["running"], &web["wanted"]), (&"web".into(), &1.into(), &1.into()));
    let table = said(&["apps"]).done().out;
    assert!(table.starts_with("name") && table.contains("requested state  processes"), "{table}");

    let container = app.containers("app");
    let stopped = said(&["stop", &app.guid]).done();
    assert!(stopped.out.contains("wording web/0  cf-app-wording-"), "{}", stopped.out);
    assert_eq!(app.containers("app"), container, "it is still there");
    assert_eq!(listed(&app).unwrap()["requested_state"], "stopped");
    assert!(said(&["stop", &app.guid]).done().out.contains("wording is stopped already"));

    let address = url(&app.launch(&[]).done());
    assert_eq!(get(&address, "/"), "hello\n");
    assert_eq!((app.running().len(), app.containers("app").len()), (1, 2), "the stopped one was replaced, and is kept");

    said(&["delete", &app.guid]).failed(2, &["there is no terminal to ask at", "-f removes it without asking"]);
    let deleted = said(&["delete", &app.guid, "-f"]).done();
    assert!(deleted.out.contains("container cf-app-wording-") && deleted.out.contains("image"), "{}", deleted.out);
    assert_eq!((app.containers("app"), listed(&app)), (vec![], None));
    assert!(!app.images().is_empty(), "`launch` can start it again");
    let again = said(&["delete", &app.guid, "-f"]).done();
    assert!(again.err.contains("does not exist"), "{}", again.err);
}

#[test]
fn a_log_is_read_from_before_and_followed_to_the_successor_without_a_gap() {
    let app = staged("telling", "hello-procfile", &[]);
    let counting =
        "i=0; while :; do i=$((i+1)); echo \"$WHO $i\"; printf '\\033[2J%s\\n' oh >&2; sleep 0.1; done & ./hello";
    let first = starting(&app, &format!("WHO=first; {counting}"));
    app.launch(&["--request", &first]).done();
    let following = Follower::of(&app, &[]);
    let lines = following.until(" OUT first 5");
    assert!(lines.iter().any(|line| line.ends_with(" OUT first 1")), "{lines:#?}");
    assert!(lines[0].starts_with("   20") && lines[0].contains("+0000 [STG/0] "), "{}", lines[0]);
    assert!(
        lines.iter().any(|line| line.starts_with("   20") && line.contains("+0000 [APP/PROC/WEB/0] ")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.ends_with(" ERR \\u{1b}[2Joh")), "{lines:#?}");

    let second = starting(&app, &format!("WHO=second; {counting}"));
    app.launch(&["--request", &second]).done();
    let lines = following.until(" OUT second 20");
    let of_first: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(" OUT first ")?.1)).collect();
    let whole: Vec<String> = (6..).take(of_first.len()).map(|number: u32| number.to_string()).collect();
    assert_eq!(of_first, whole);
    let of_second: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(" OUT second ")?.1)).collect();
    let whole: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
    assert_eq!(of_second, whole);

    let recent = said(&["logs", &app.guid, "--recent", "-n", "4"]).done().out;
    assert_eq!(recent.lines().count(), 12, "of its staging, of the one that runs, and of the one before it: {recent}");
    let none = said(&["logs", &app.guid, "--recent", "--process", "worker"]);
    none.failed(2, &["telling has no process \"worker\"; it has web"]);
    let json = said(&["logs", &app.guid, "--recent", "-n", "2", "--output", "json"]).done().out;
    let line: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(line["source"], "APP/PROC/WEB/0");

    said(&["delete", &app.guid, "-f"]).done();
    let mut following = following;
    assert!(following.child.wait().unwrap().success(), "it ends with the app");
}

#[test]
fn a_container_of_a_tenants_image_is_no_app() {
    let app = staged("robbed", "hello-procfile", &[]);
    let image = "words-of-a-tenant";
    let labels = format!(
        "FROM stager-rootfs:cflinuxfs4\nLABEL stager.kind=app stager.owner=x.1.1 stager.instance=i stager.app-guid={} \
         stager.app-name=robbed stager.process=web\n",
        app.guid
    );
    let folder = app.hcf.folder("words-of-a-tenant");
    std::fs::write(folder.join("Dockerfile"), labels).unwrap();
    docker(&["build", "--quiet", "--tag", image, folder.to_str().unwrap()]).unwrap();
    let container = docker(&["run", "--detach", image, "sleep", "600"]).unwrap().trim().to_owned();
    assert_eq!(listed(&app), None);
    app.launch(&[]).done();
    let stopped = said(&["stop", &app.guid]).done();
    assert!(stopped.err.contains("was not made by stager; it is left alone"), "{}", stopped.err);
    said(&["delete", &app.guid, "-f"]).done();
    let left = app.containers("app");
    docker(&["rm", "--force", &container]).unwrap();
    docker(&["rmi", image]).unwrap();
    assert_eq!(left, [container]);
}
