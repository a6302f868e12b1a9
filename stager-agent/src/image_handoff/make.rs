//! Lets the `host-cli` beside the agent make the app image, and passes on what it says.

#![expect(clippy::disallowed_methods, reason = "this is the file that starts host-cli")]

use crate::session::scope::Scope;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// The binary in the stager image, beside the agent.
const HOST_CLI: &str = "host-cli";
/// One event of ours is far shorter; what is longer is not an event.
const LONGEST_EVENT: u64 = 1 << 20;

/// Where a program finds the files that it was started with.
const OPEN_FILES: &str = "/proc/self/fd";

/// What an image is made of: what was opened and read before, so that nothing can have taken its place since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ingredients<'a> {
    /// The staging request as it was read: names, labels and base follow from it.
    pub(crate) request: &'a str,
    pub(crate) droplet: &'a File,
    /// By its path in this container, the folder that holds the launcher.
    pub(crate) lifecycle: &'a Path,
    /// The builder's result, where the request asks for one.
    pub(crate) result: Option<&'a str>,
}

/// Why there is no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandoffError {
    #[error("host-cli could not be started: {reason}")]
    NotStarted { reason: String },
    /// It failed, and said why.
    #[error("{text}")]
    Failed { code: ExitCode, text: String, advice: String },
    #[error("host-cli ended with status {status} and did not say why")]
    Silent { status: i32 },
}

/// Runs `host-cli image` and relays its events, except the ends of a stream that is not ours to end.
pub(crate) fn make(ingredients: &Ingredients, scope: &Scope) -> Result<(), HandoffError> {
    let not_started = |error: io::Error| HandoffError::NotStarted { reason: error.to_string() };
    let result = ingredients.result.map(file_of).transpose().map_err(not_started)?;
    let mut child = command(ingredients, result.as_ref()).map_err(not_started)?.spawn().map_err(not_started)?;
    let mut stdin = child.stdin.take();
    let mut said = None;
    std::thread::scope(|threads| {
        // The request goes by a pipe, never by the arguments, which every process may read. A write that fails shows
        // in how the child ends.
        threads.spawn(move || stdin.as_mut().map(|pipe| pipe.write_all(ingredients.request.as_bytes())));
        if let Some(stdout) = child.stdout.take() {
            said = relay(BufReader::new(stdout), scope);
        }
    });
    let status = child.wait().map_err(not_started)?;
    match (status.success(), said) {
        (true, _) => Ok(()),
        (false, Some(failed)) => Err(failed),
        (false, None) => Err(HandoffError::Silent { status: status.code().unwrap_or(-1) }),
    }
}

/// A file without a name that holds `text`.
fn file_of(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("result", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// The name under which a program that we start finds `file`. Nothing foreign is started any more.
fn handed_over(file: &File) -> io::Result<String> {
    fcntl_setfd(file, FdFlags::empty())?;
    Ok(format!("{OPEN_FILES}/{}", file.as_raw_fd()))
}

fn command(ingredients: &Ingredients, result: Option<&File>) -> io::Result<Command> {
    let beside = std::env::current_exe()?.with_file_name(HOST_CLI);
    let mut command = Command::new(beside);
    command.arg("image").args(["--request", "-", "--output", "json"]);
    command.arg("--droplet").arg(handed_over(ingredients.droplet)?).arg("--lifecycle").arg(ingredients.lifecycle);
    if let Some(result) = result {
        command.arg("--result").arg(handed_over(result)?);
    }
    // The socket that was judged, whatever engine the environment names, or a file that a builder left in its home folder.
    command.env("DOCKER_HOST", format!("unix://{}", super::decide::SOCKET));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

/// Reads to the end; gives the failure that the stream ended with, if it did.
fn relay(mut stdout: impl BufRead, scope: &Scope) -> Option<HandoffError> {
    let mut failed = None;
    let mut line = Vec::new();
    while matches!((&mut stdout).take(LONGEST_EVENT).read_until(b'\n', &mut line), Ok(length) if length > 0) {
        match serde_json::from_slice(&line) {
            Ok(Event::Hello { .. } | Event::Done { .. }) | Err(_) => {}
            Ok(Event::Failed { code, text, advice }) => {
                let code = ExitCode::from_number(i64::from(code)).unwrap_or(ExitCode::Image);
                failed = Some(HandoffError::Failed { code, text, advice });
            }
            Ok(event) => scope.emit(event),
        }
        line.clear();
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::scope::Stop;
    use shared_model::event::{EventSink, PROTOCOL};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<Event>>);
    impl EventSink for Recorder {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    #[test]
    fn the_image_goes_to_the_engine_whose_socket_was_judged() {
        let droplet = file_of("a droplet").unwrap();
        let ingredients = Ingredients { request: "{}", droplet: &droplet, lifecycle: Path::new("/x"), result: None };
        let command = command(&ingredients, None).unwrap();
        let named = command.get_envs().find(|(name, _)| *name == "DOCKER_HOST").and_then(|(_, value)| value);
        assert_eq!(named.unwrap(), "unix:///var/run/docker.sock");
    }

    #[test]
    fn a_program_finds_the_very_file_that_was_opened() {
        let file = file_of("a droplet").unwrap();
        let output = Command::new("cat").arg(handed_over(&file).unwrap()).output().unwrap();
        assert_eq!(output.stdout, b"a droplet");
    }

    #[test]
    fn the_ends_of_the_other_stream_are_not_passed_on() {
        let image = Event::Image { name: "cf-app/a".into(), id: "sha256:1".into(), bytes: 7 };
        let stream = [
            Event::Hello { protocol: PROTOCOL, version: "0.1.0".into() }.to_json_line(),
            image.to_json_line(),
            "not an event".to_owned(),
            Event::Done { ms: 5 }.to_json_line(),
        ]
        .join("\n");
        let recorder = Recorder::default();
        assert_eq!(relay(stream.as_bytes(), &Scope::new(&recorder, "STG", &Stop::default())), None);
        assert_eq!(*recorder.0.lock().unwrap(), [image]);
    }

    #[test]
    fn a_failure_keeps_its_code_and_its_advice() {
        let stream = Event::Failed { code: 9, text: "no engine".into(), advice: "start it".into() }.to_json_line();
        let failed = relay(stream.as_bytes(), &Scope::new(&Recorder::default(), "STG", &Stop::default()));
        let expected =
            HandoffError::Failed { code: ExitCode::Engine, text: "no engine".into(), advice: "start it".into() };
        assert_eq!(failed, Some(expected));
    }
}
