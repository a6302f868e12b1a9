//! An app that lives on after its launch, on a real engine: its instances, what is remembered of it, and what several do to it at once.

mod settings;
mod several;

use super::launch::staged;
use crate::app::{App, inspect};
use crate::hcf::{docker, stager_image};
use crate::said::Said;
use serde_json::Value;
use shared_model::event::Event;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// An app with a state folder of its own.
struct Life {
    app: App,
    state: TempDir,
}

impl Life {
    fn of(name: &str, folder: &str, options: &[&str]) -> Self {
        Self { app: staged(name, folder, options), state: tempfile::tempdir().unwrap() }
    }

    /// `host-cli VERB APP`.
    fn typing(&self, verb: &str, options: &[&str]) -> Command {
        let mut cli = if verb == "launch" {
            self.app.launching(options)
        } else {
            let mut cli = Command::new(env!("CARGO_BIN_EXE_host-cli"));
            cli.env("STAGER_IMAGE", stager_image()).args([verb, &self.app.guid]).args(options);
            cli
        };
        cli.env("XDG_STATE_HOME", self.state.path()).stdin(Stdio::null());
        cli
    }

    fn typed(&self, verb: &str, options: &[&str]) -> Said {
        self.typing(verb, options).output().unwrap().into()
    }

    /// As [`Self::typed`], which goes well and starts instances: where each of them answers.
    #[track_caller]
    fn started(&self, verb: &str, options: &[&str]) -> Vec<String> {
        let said = self.typed(verb, &[options, &["--output", "json"]].concat()).done();
        let running = said.events().into_iter().filter_map(|event| match event {
            Event::Running { url, .. } => Some(url),
            _ => None,
        });
        running.map(|url| url.trim_start_matches("http://").to_owned()).collect()
    }

    /// The row of `app --output json`.
    #[track_caller]
    fn row(&self) -> Value {
        let mut rows: Value = serde_json::from_str(&self.typed("app", &["--output", "json"]).done().out).unwrap();
        rows[0].take()
    }

    /// The one file in which it is remembered; `None`: it is not.
    fn file(&self) -> Option<PathBuf> {
        let engines = fs::read_dir(self.state.path().join("stager/engines")).ok()?;
        let files = engines.filter_map(|engine| fs::read_dir(engine.unwrap().path().join("apps")).ok()).flatten();
        let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        let files: Vec<PathBuf> = files.into_iter().filter(|file| file.extension().is_some()).collect();
        assert!(files.len() < 2, "{files:?}");
        files.into_iter().next()
    }

    /// The ids of its containers that run, of all instances or of one, the newest first.
    fn running(&self, index: Option<usize>) -> Vec<String> {
        let mut words = vec!["ps".to_owned(), "--quiet".to_owned(), "--no-trunc".to_owned()];
        let app = [format!("stager.app-guid={}", self.app.guid), "stager.kind=app".to_owned()];
        for label in app.into_iter().chain(index.map(|index| format!("stager.index={index}"))) {
            words.extend(["--filter".to_owned(), format!("label={label}")]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        docker(&words).unwrap().lines().map(str::to_owned).collect()
    }

    /// Where an instance answers now, the newest first.
    fn addresses(&self, index: usize) -> Vec<String> {
        let of = |id: &String| docker(&["inspect", "--format", r#"{{index .Config.Labels "stager.ports"}}"#, id]).ok();
        self.running(Some(index)).iter().filter_map(of).collect()
    }

    /// Asks an instance again and again until it `is_over`: how often, and how often no container of that number answered. One that is
    /// ended while it answers is asked no more; its successor is.
    fn asked(&self, index: usize, mut addresses: Vec<String>, is_over: &AtomicBool) -> (usize, usize) {
        let (mut asked, mut failed) = (0, 0);
        while !is_over.load(Ordering::Relaxed) {
            asked += 1;
            if !addresses.iter().any(|address| answer(address, "/").is_some()) {
                addresses = self.addresses(index);
                failed += usize::from(!addresses.iter().any(|address| answer(address, "/").is_some()));
            }
            thread::sleep(Duration::from_millis(2));
        }
        (asked, failed)
    }
}

/// What is at `ADDRESS:PORT`; `None`: nobody answers with all of it.
fn answer(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

/// The variables of an instance of env-page.
#[track_caller]
fn environment(address: &str) -> Value {
    let text = answer(address, "/env.json").unwrap_or_else(|| panic!("nobody answers at {address}"));
    serde_json::from_str(&text).unwrap()
}

/// As many different ones as there are.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> usize {
    values.collect::<BTreeSet<_>>().len()
}

#[test]
fn instances_know_their_numbers_are_scaled_and_replaced_without_a_gap() {
    let life = Life::of("many", "env-page", &["--style", "2017"]);
    let addresses = life.started("launch", &["--instances", "3"]);
    assert_eq!((addresses.len(), distinct(addresses.iter().map(String::as_str))), (3, 3));
    let known: Vec<Value> = addresses.iter().map(|address| environment(address)).collect();
    for (index, variables) in known.iter().enumerate() {
        assert_eq!(variables["INSTANCE_INDEX"], index.to_string());
        assert_eq!(variables["CF_INSTANCE_ADDR"], addresses[index]);
        let application: Value = serde_json::from_str(variables["VCAP_APPLICATION"].as_str().unwrap()).unwrap();
        assert_eq!(application["instance_index"], index);
        assert_eq!(application["instance_id"], variables["INSTANCE_GUID"]);
    }
    assert_eq!(distinct(known.iter().map(|variables| variables["INSTANCE_GUID"].as_str().unwrap())), 3);

    let first = life.running(Some(0));
    life.typed("scale", &["-i", "1"]).done();
    assert_eq!(life.running(None), first, "the highest numbers end, and nothing is replaced");
    let added = life.started("scale", &["-i", "2"]);
    assert_eq!((added.len(), &environment(&added[0])["INSTANCE_INDEX"]), (1, &"1".into()));
    let row = life.row();
    let web = &row["processes"][0];
    assert_eq!((&web["running"], &web["wanted"], &row["routes"].as_array().unwrap().len()), (&2.into(), &2.into(), &2));
    assert_eq!((&web["instances"][0]["index"], &web["instances"][1]["index"]), (&0.into(), &1.into()));
    assert_eq!(life.running(Some(0)), first);

    let (is_over, before) = (AtomicBool::new(false), [addresses[0].clone(), added[0].clone()]);
    let ended: BTreeSet<String> = life.running(None).into_iter().collect();
    let asked = thread::scope(|scope| {
        let ask = |index: usize| life.asked(index, vec![before[index].clone()], &is_over);
        let asking = [scope.spawn(move || ask(0)), scope.spawn(move || ask(1))];
        let restarted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.started("restart", &[])));
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(restarted.unwrap().len(), 2);
        asking.map(|asking| asking.join().unwrap())
    });
    assert!(asked.iter().all(|(asked, failed)| *asked > 20 && *failed == 0), "{asked:?}");
    let now: BTreeSet<String> = life.running(None).into_iter().collect();
    assert!(now.len() == 2 && now.is_disjoint(&ended), "{now:?} {ended:?}");
    let kept: BTreeSet<String> = life.app.containers("app").into_iter().filter(|id| !now.contains(id)).collect();
    assert_eq!(kept, ended, "for what they printed");
    let recent = life.typed("logs", &["--recent"]).done().out;
    assert_eq!(recent.matches("[APP/PROC/WEB/0] OUT Listening on port").count(), 2, "{recent}");
    assert_eq!(recent.matches("[APP/PROC/WEB/1] OUT Listening on port").count(), 2, "{recent}");

    life.typed("scale", &["-i", "1", "-m", "200M"]).done();
    let left = life.running(None);
    assert_eq!((left.len(), &inspect(&left[0])["HostConfig"]["Memory"]), (1, &(200 << 20).into()));
}

#[test]
fn what_is_remembered_brings_an_app_back_and_what_cannot_be_read_is_in_nobodys_way() {
    let life = Life::of("back", "hello-procfile", &[]);
    life.started("launch", &["--instances", "2"]);
    let file = life.file().unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    life.typed("stop", &[]).done();
    for container in life.app.containers("app") {
        docker(&["rm", "--volumes", &container]).unwrap();
    }
    let addresses = life.started("start", &[]);
    assert_eq!((addresses.len(), answer(&addresses[1], "/").as_deref()), (2, Some("hello\n")));

    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    life.listed_read_and_stopped(&addresses[0], "the file is damaged");
    life.typed("start", &[]).failed(8, &["the file is damaged", "`host-cli launch APP` makes it anew"]);
    assert_eq!(fs::read(&file).unwrap(), whole[..whole.len() / 2], "who cannot make it anew leaves it");
    let addresses = life.started("launch", &[]);
    let row = life.row();
    assert_eq!((&row["processes"][0]["wanted"], &row["processes"][0]["running"]), (&1.into(), &1.into()));

    fs::write(&file, r#"{"form":9,"new":true}"#).unwrap();
    life.listed_read_and_stopped(&addresses[0], "which a newer host-cli has written");
    life.typed("restart", &[]).failed(8, &["form 9, which a newer host-cli has written", "use the newer host-cli"]);
    let said = life.typed("launch", &[]).done();
    assert!(said.err.contains("form 9, which a newer host-cli has written"), "{}", said.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), r#"{"form":9,"new":true}"#);
}

impl Life {
    /// What cannot be read of it is told once, and hinders nobody.
    #[track_caller]
    fn listed_read_and_stopped(&self, address: &str, told: &str) {
        assert_eq!(answer(address, "/").as_deref(), Some("hello\n"));
        let mut apps = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        apps.args(["apps", "--output", "json"]).env("XDG_STATE_HOME", self.state.path());
        let apps = Said::from(apps.output().unwrap()).done().out;
        assert!(apps.contains(&self.app.guid), "{apps}");
        assert!(self.typed("app", &[]).done().err.contains(told));
        let logs = self.typed("logs", &["--recent"]).done().out;
        assert!(logs.contains("[APP/PROC/WEB/0] ERR "), "{logs}");
        let stopped = self.typed("stop", &[]).done();
        assert!(stopped.out.contains("back web/0") && stopped.err.contains(told), "{}{}", stopped.out, stopped.err);
        assert_eq!(self.running(None), Vec::<String>::new());
    }
}
