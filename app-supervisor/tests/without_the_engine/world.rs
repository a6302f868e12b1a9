//! A supervisor of shell scripts.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What it came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A supervisor that runs.
pub(crate) struct Supervisor {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// `/bin/sh -c SCRIPT` as a sidecar of this name.
pub(crate) fn sidecar(name: &str, script: &str) -> Value {
    json!({"path": "/bin/sh", "args": ["-c", script], "log_source": format!("APP/PROC/WEB/SIDECAR/{name}"), "user": "vcap"})
}

/// The supervisor of `/bin/sh -c APP` and these sidecars.
pub(crate) fn command(app: &str, sidecars: &[Value]) -> Command {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_app-supervisor"));
    if !sidecars.is_empty() {
        let number = FILES.fetch_add(1, Ordering::SeqCst);
        let file =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sidecars-{}-{number}.json", std::process::id()));
        fs::write(&file, json!(sidecars).to_string()).unwrap();
        command.arg("--sidecars").arg(file);
    }
    command.args(["--", "/bin/sh", "-c", app]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// To its end.
pub(crate) fn run(app: &str, sidecars: &[Value]) -> Ended {
    ended(&mut command(app, sidecars))
}

/// A supervisor's end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

impl Supervisor {
    /// One that has printed so many lines, in whatever order.
    pub(crate) fn after(lines: usize, app: &str, sidecars: &[Value]) -> Self {
        let mut child = command(app, sidecars).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            assert_ne!(out.read_line(&mut String::new()).unwrap(), 0, "it has ended");
        }
        Self { child, out }
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Its end, with what it has printed since.
    pub(crate) fn ended(mut self) -> Ended {
        let mut out = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut out).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Ended { status: output.status.code().unwrap(), out, err: String::from_utf8(output.stderr).unwrap() }
    }
}
