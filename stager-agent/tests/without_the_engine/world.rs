//! What a test stands on: a directory open to the builder's user, a request, the agent started on it.

use serde_json::{Value, json};
use shared_model::event::{Event, Stream};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A directory for one test; every path of its requests lies in it.
pub(crate) struct World {
    directory: TempDir,
}

/// Writes a program of these lines of shell, as a process of its own: a file that this one had open for writing, another that
/// this one is just starting may still hold, and "Text file busy" is what comes of running it.
pub(crate) fn write_program(path: &Path, script: &str) {
    let mut install =
        Command::new("install").args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    install.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
}

/// How a run of the agent ended.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) events: Vec<Event>,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // As /tmp is in a container: everybody's, and each one's own is safe from the others.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// A run action of a shell script, in this world's directory.
    pub(crate) fn shell(&self, script: &str) -> Value {
        json!({"run": {"path": "/bin/sh", "args": ["-c", script], "user": user(), "dir": self.text("")}})
    }

    /// Starts the agent on `request`, which it gets on standard input.
    pub(crate) fn start(&self, request: &Value, options: &[&str]) -> Child {
        let mut agent = agent(options).current_dir(&self.directory).spawn().unwrap();
        // It may end before it has read all, or take its request from elsewhere.
        let _ = agent.stdin.take().unwrap().write_all(request.to_string().as_bytes());
        agent
    }

    /// Runs the agent on `request` to its end.
    pub(crate) fn stage(&self, request: &Value, options: &[&str]) -> Outcome {
        Outcome::of(self.start(request, &[&["--output", "json"], options].concat()))
    }
}

/// The agent with these options, its three streams piped.
pub(crate) fn agent(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stager-agent"));
    // Where tests run there may be a real engine, which is none of theirs.
    command.arg("--no-image").args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Outcome {
    /// Waits for `agent`, which was started with `--output json`. Every line must be an event.
    pub(crate) fn of(agent: Child) -> Self {
        let output = agent.wait_with_output().unwrap();
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let events: Vec<Event> = String::from_utf8(output.stdout).unwrap().lines().map(read).collect();
        let code = output.status.code().unwrap_or(-1);
        Self { code, events, err: String::from_utf8(output.stderr).unwrap() }
    }

    /// What programs printed on `stream`.
    pub(crate) fn lines(&self, wanted: Stream) -> Vec<&str> {
        let line = |event| match event {
            &Event::Line { stream, ref text, .. } if stream == wanted => Some(text.as_str()),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }

    pub(crate) fn out(&self) -> Vec<&str> {
        self.lines(Stream::Out)
    }

    /// What was said by the way.
    pub(crate) fn notes(&self) -> Vec<&str> {
        let text = |event| match event {
            &Event::Note { ref text } | &Event::Warning { ref text } | &Event::Ignored { ref text } => {
                Some(text.as_str())
            }
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    /// Text and advice of the failure that the stream ends with; its code must be the exit code.
    #[track_caller]
    pub(crate) fn failure(&self) -> (&str, &str) {
        match self.events.last() {
            Some(Event::Failed { code, text, advice }) => {
                assert_eq!(i32::from(*code), self.code);
                (text, advice)
            }
            other => panic!("ended with {other:?}, exit code {}", self.code),
        }
    }

    /// Fails unless all went well.
    #[track_caller]
    pub(crate) fn done(&self) -> &Self {
        assert!(matches!(self.events.last(), Some(Event::Done { .. })), "{:#?}", self.events);
        assert_eq!(self.code, 0);
        self
    }
}

/// A task that does `action`.
pub(crate) fn task(action: &Value) -> Value {
    json!({
        "rootfs": "preloaded:cflinuxfs4",
        "env": [{"name": "LANG", "value": "en_US.UTF-8"}],
        "action": action,
        "log_source": "STG",
        "log_guid": "18c50a86-b045-5fed-bae9-e6ea03383693",
        "result_file": "",
        "completion_callback_url": "http://stager:8888/v1/staging/a-staging-guid/completed",
    })
}

/// Who builders run as: somebody else where we are root.
pub(crate) fn user() -> String {
    if am_root() { "nobody".to_owned() } else { printed_by("id", &["-un"]) }
}

pub(crate) fn am_root() -> bool {
    printed_by("id", &["-u"]) == "0"
}

/// What a program prints, without the line end.
pub(crate) fn printed_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Waits until `path` is there, as tests wait for a builder to have begun.
#[track_caller]
pub(crate) fn wait_for(path: &Path) {
    for _ in 0..2_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} never came", path.display());
}
