//! A home folder with logs in it, lines to put there, and the program that looks for them.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) const STAGER: &str = ".run/log/diego-cc-bridge/stager/stager.stdout.log";
pub(crate) const LISTENER: &str = ".run/log/diego-cc-bridge/nsync/nsync_listener.stdout.log";
pub(crate) const BULKER: &str = ".run/log/diego-cc-bridge/nsync/nsync_bulker.stdout.log";

pub(crate) const GUID: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";
pub(crate) const OTHER_GUID: &str = "18c50a86-1111-2222-3333-444444444444";

/// The folder of the recorded requests of a year.
pub(crate) fn recorded(year: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/requests").join(year)
}

/// A home folder of its own for one test.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A home whose stager has logged these lines.
    pub(crate) fn staged(lines: &[String]) -> Self {
        Self::new().with(STAGER, lines)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn with(self, file: &str, lines: &[String]) -> Self {
        self.with_bytes(file, (lines.join("\n") + "\n").as_bytes())
    }

    pub(crate) fn with_bytes(self, file: &str, bytes: &[u8]) -> Self {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), bytes).unwrap();
        self
    }

    pub(crate) fn with_gzip(self, file: &str, lines: &[String]) -> Self {
        let packed = gzip((lines.join("\n") + "\n").as_bytes());
        self.with_bytes(file, &packed)
    }

    /// The program with arguments that hold no spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        self.command_called(Path::new(env!("CARGO_BIN_EXE_host-cli")), arguments)
    }

    /// The same under another name.
    pub(crate) fn command_called(&self, program: &Path, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).env_clear().env("HOME", self.0.path()).current_dir(self.0.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// Runs the program with `input` on standard input.
    pub(crate) fn run_fed(&self, arguments: &str, input: &[u8]) -> Said {
        let mut child = self.command(arguments);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).unwrap());
            Said::of(child.wait_with_output().unwrap())
        })
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, after a run in which nothing went wrong.
    #[track_caller]
    pub(crate) fn printed(&self) -> &str {
        assert!(self.code == 0 && self.err.is_empty(), "{self:?}");
        self.out.trim_end()
    }

    /// The `mark` of the request that it printed.
    #[track_caller]
    pub(crate) fn mark(&self) -> String {
        let document: Value = serde_json::from_str(self.printed()).unwrap();
        document["mark"].as_str().unwrap_or("no mark").to_owned()
    }

    /// The same, where it also said this on standard error.
    #[track_caller]
    pub(crate) fn mark_and_warning(&self, warning: &str) -> String {
        assert!(self.err.lines().count() == 1 && self.err.contains(warning), "{warning:?} is not all of {}", self.err);
        Self { err: String::new(), out: self.out.clone(), code: self.code }.mark()
    }

    /// It ended with this code, printed nothing, and said all of these.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, texts: &[&str]) {
        assert!(self.code == code && self.out.is_empty(), "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in {}", self.err);
        }
    }
}

/// A request to be logged. Its `mark` tells it from others.
pub(crate) struct Logged {
    time: String,
    mark: String,
    name: String,
    guid: String,
}

/// A request of `node-env` that was logged at `time` in one of lager's forms.
pub(crate) fn at(time: &str, mark: &str) -> Logged {
    Logged { time: time.to_owned(), mark: mark.to_owned(), name: "node-env".to_owned(), guid: GUID.to_owned() }
}

impl Logged {
    pub(crate) fn of(self, name: &str, guid: &str) -> Self {
        Self { name: name.to_owned(), guid: guid.to_owned(), ..self }
    }

    fn run(&self, path: &str) -> Value {
        let vcap = json!({"application_name": self.name, "space_name": format!("space of {}", &self.guid[..13])});
        json!({"run": {"path": path, "args": [], "user": "vcap",
            "env": [{"name": "VCAP_APPLICATION", "value": vcap.to_string()}]}})
    }

    /// As the stager logs it.
    pub(crate) fn staging(&self) -> String {
        let task = json!({"mark": self.mark, "log_guid": self.guid, "action": self.run("/tmp/lifecycle/builder")});
        line(&self.time, &json!({"staging-guid": self.staging_guid(), "session": "1.1", "taskDefinition": task}))
    }

    /// As nsync logs it.
    pub(crate) fn launch(&self) -> String {
        let lrp = json!({"mark": self.mark, "process_guid": self.process_guid(), "log_guid": self.guid,
            "action": self.run("/tmp/lifecycle/launcher")});
        line(&self.time, &json!({"session": "1", "desiredLRP": lrp}))
    }

    pub(crate) fn staging_guid(&self) -> String {
        format!("{}-staged-{}", self.guid, self.mark)
    }

    pub(crate) fn process_guid(&self) -> String {
        format!("{}-{}", self.guid, self.mark)
    }
}

/// A line of lager's.
pub(crate) fn line(time: &str, data: &Value) -> String {
    format!(r#"{{"timestamp":"{time}","source":"s","message":"s.m","log_level":1,"data":{data}}}"#)
}

/// A line without a request.
pub(crate) fn noise(time: &str) -> String {
    line(time, &json!({"session": "1", "error": "none"}))
}
