//! Watches what anybody on the machine may see while commands run: the list of processes, what the engine tells of, and
//! the containers that stage.

use crate::hcf::docker;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two looks at the list: a program lives longer.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks at the arguments of all processes, and at the variables that a `host-cli` hands on, until it is asked what it saw.
pub(crate) struct Processes {
    enough: Arc<AtomicBool>,
    looks: JoinHandle<Seen>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Everybody's arguments, each line once.
    pub(crate) arguments: HashSet<Vec<u8>>,
    /// Variables of the programs that `host-cli` started, each block once.
    pub(crate) variables: HashSet<Vec<u8>>,
}

impl Processes {
    /// From now on.
    pub(crate) fn watched() -> Self {
        let enough = Arc::<AtomicBool>::default();
        let done = Arc::clone(&enough);
        let looks = thread::spawn(move || {
            let mut seen = Seen::default();
            while !done.load(Ordering::SeqCst) {
                seen.look();
                thread::sleep(PAUSE);
            }
            seen
        });
        Self { enough, looks }
    }

    /// All that was seen so far.
    pub(crate) fn seen(self) -> Seen {
        self.enough.store(true, Ordering::SeqCst);
        self.looks.join().unwrap()
    }
}

impl Seen {
    fn look(&mut self) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(arguments) = fs::read(process.path().join("cmdline")) else { continue };
            let started_by_us = [&b"docker-credential-"[..], b"host-cli\0image\0"];
            if started_by_us.iter().any(|name| arguments.windows(name.len()).any(|part| part == *name)) {
                self.variables.extend(fs::read(process.path().join("environ")));
            }
            self.arguments.insert(arguments);
        }
    }
}

/// Reads what the engine tells of, and looks at each staging container of an app as soon as there is one.
pub(crate) struct EngineEvents {
    events: Child,
    told: Arc<Mutex<Told>>,
}

/// What the engine told.
#[derive(Clone, Default)]
pub(crate) struct Told {
    /// Its events.
    pub(crate) events: String,
    /// What `docker inspect` says of the staging containers, before they start and while they run.
    pub(crate) stagings: BTreeSet<String>,
}

impl EngineEvents {
    /// From now on; `app_guid` says whose containers are looked at.
    pub(crate) fn watched(app_guid: &str) -> Self {
        let mut command = Command::new("docker");
        command.args(["events", "--format", "{{json .}}"]).stdout(Stdio::piped());
        let mut events = command.spawn().unwrap();
        let lines = BufReader::new(events.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = Arc::<Mutex<Told>>::default();
        let (tells, label) = (Arc::clone(&told), format!("\"stager.app-guid\":\"{app_guid}\""));
        thread::spawn(move || {
            for line in lines {
                tells.lock().unwrap().events.extend([line.as_str(), "\n"]);
                if !line.contains(&label) || !line.contains("\"stager.kind\":\"staging\"") {
                    continue;
                }
                let event: serde_json::Value = serde_json::from_str(&line).unwrap();
                if !["create", "start"].contains(&event["Action"].as_str().unwrap_or_default()) {
                    continue;
                }
                // One that has gone again was a short one.
                if let Ok(inspected) = docker(&["inspect", event["Actor"]["ID"].as_str().unwrap()]) {
                    tells.lock().unwrap().stagings.insert(inspected);
                }
            }
        });
        Self { events, told }
    }

    /// All that was told so far.
    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for EngineEvents {
    fn drop(&mut self) {
        let _ = self.events.kill();
        let _ = self.events.wait();
    }
}
