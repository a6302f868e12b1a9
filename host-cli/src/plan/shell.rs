//! A command beside a running app, as the app itself would be started: through its launcher, so that PATH, `profile.d` and
//! `VCAP_APPLICATION` are the app's. Pure.
//!
//! What the scripts before it say is no part of what the command prints: a launcher of today prints two lines of its own. So its
//! standard output is put aside until the command begins. Errors are heard.

use super::instance::INTERNAL_ADDRESS;
use super::supervisor::PROGRAM_PATH;
use crate::engine::{ContainerProgram, ExecSpec, WindowSize};

/// What an app's launcher is started with, but for the command: `/tmp/lifecycle/launcher app COMMAND METADATA`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Launcher {
    path: String,
    /// `app`, in the folder that the container starts in.
    folder: String,
    /// Of a docker app what its image says of itself; else empty.
    metadata: String,
}

/// What runs where no command was typed.
const SHELL: &str = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi";

/// Says first which process the command is going to be, and puts standard output aside. All that follows becomes one process.
const BEFORE: &str = "echo \"$$\"; exec 9>&1 >/dev/null; exec \"$@\"";
/// In the command's own shell: takes standard output back.
const AGAIN: &str = "exec >&9 9>&-";

/// The most characters of a terminal's name that are passed on.
const LONGEST_TERM: usize = 60;

impl Launcher {
    /// Of what a container runs; `None`: that is no app that a launcher started.
    pub(crate) fn of(program: &ContainerProgram) -> Option<Self> {
        let (first, behind) = program.entrypoint.split_first()?;
        let path = if first == PROGRAM_PATH {
            let dashes = behind.iter().position(|word| word == "--")?;
            behind.get(dashes + 1)?
        } else {
            first
        };
        let arguments = program.command.reveal();
        // A CNB app's launcher may have none.
        let argument = |at: usize, otherwise: &str| arguments.get(at).map_or(otherwise, String::as_str).to_owned();
        Some(Self { path: path.clone(), folder: argument(0, "app"), metadata: argument(2, "") })
    }

    /// What runs `line`; empty: a shell to talk to. Its first line of output is the number of its process in the container.
    pub(crate) fn command(&self, line: &str) -> Vec<String> {
        let line = if line.is_empty() { SHELL } else { line };
        let command = format!("{AGAIN}\n{line}");
        ["/bin/sh", "-c", BEFORE, "sh", &self.path, &self.folder, &command, &self.metadata].map(str::to_owned).to_vec()
    }
}

/// The command as an engine runs it beside the app. `term` names the terminal's kind, as TERM has it here.
pub(crate) fn exec_spec(
    launcher: &Launcher,
    line: &str,
    program: &ContainerProgram,
    terminal: Option<(WindowSize, &str)>,
) -> ExecSpec {
    // The supervisor tells the app so, and no variable of the container does.
    let address = program.addresses.first().map(|address| (INTERNAL_ADDRESS.to_owned(), address.clone()));
    let is_plain = |term: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_+.".contains(c);
        !term.is_empty() && term.len() <= LONGEST_TERM && term.chars().all(plain)
    };
    let term = terminal.map(|(_, term)| term).filter(is_plain).map(|term| ("TERM".to_owned(), term.to_owned()));
    ExecSpec {
        command: launcher.command(line),
        environment: address.into_iter().chain(term).collect(),
        terminal: terminal.map(|(size, _)| size),
    }
}

/// What ends a command that is this process in its container: all of its group, as a terminal does that goes away.
pub(crate) fn hang_up(process: u32) -> Vec<String> {
    let script = format!("kill -s HUP -- -{process} 2>/dev/null || kill -s HUP {process}");
    ["/bin/sh", "-c", &script].map(str::to_owned).to_vec()
}

/// Finds the process's number, which is the first line, in what comes in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct FirstLine {
    seen: Vec<u8>,
    is_over: bool,
}

/// What a piece of output came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The process's number, once.
    pub(crate) process: Option<u32>,
    /// What the command itself printed.
    pub(crate) output: Vec<u8>,
}

impl FirstLine {
    /// Digits of the largest number, and a line end of a terminal.
    const LONGEST: usize = 12;

    /// The next piece. Where the line is no number, nothing that can be understood was started, and all of it is output.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Found {
        if self.is_over {
            return Found { process: None, output: piece.to_vec() };
        }
        self.seen.extend_from_slice(piece);
        if let Some(end) = self.seen.iter().position(|byte| *byte == b'\n') {
            self.is_over = true;
            let line = self.seen.get(..end).unwrap_or_default();
            let process = std::str::from_utf8(line).ok().and_then(|line| line.trim_end_matches('\r').parse().ok());
            let process = process.filter(|process| *process > 1);
            let shown = if process.is_some() { end + 1 } else { 0 };
            return Found { process, output: std::mem::take(&mut self.seen).split_off(shown) };
        }
        let is_number = self.seen.iter().all(|byte| byte.is_ascii_digit() || *byte == b'\r');
        if is_number && self.seen.len() <= Self::LONGEST {
            return Found::default();
        }
        Found { process: None, output: self.rest() }
    }

    /// What is left when the output has ended.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        self.is_over = true;
        std::mem::take(&mut self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::secret::Secret;

    fn program(entrypoint: &[&str], command: &[&str]) -> ContainerProgram {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ContainerProgram {
            entrypoint: words(entrypoint),
            command: Secret::new(words(command)),
            addresses: vec!["172.18.0.2".to_owned()],
            ..ContainerProgram::default()
        }
    }

    #[test]
    fn the_launcher_is_found_behind_the_supervisor_and_without_one() {
        for entrypoint in [
            &["/tmp/lifecycle/launcher"][..],
            &["/.stager/supervisor", "--", "/tmp/lifecycle/launcher"],
            &["/.stager/supervisor", "--sidecars", "/.stager/sidecars.json", "--", "/tmp/lifecycle/launcher"],
        ] {
            let launcher = Launcher::of(&program(entrypoint, &["app", "./start", "{}"])).unwrap();
            let command = launcher.command("ls -l");
            assert_eq!(
                command[4..],
                ["/tmp/lifecycle/launcher", "app", "exec >&9 9>&-\nls -l", "{}"],
                "{entrypoint:?}"
            );
        }
        assert!(Launcher::of(&program(&["/.stager/supervisor"], &[])).is_none());
        assert!(Launcher::of(&program(&[], &["app"])).is_none());
        let bare = Launcher::of(&program(&["/launcher"], &[])).unwrap();
        assert_eq!((bare.folder.as_str(), bare.metadata.as_str()), ("app", ""));
        assert!(bare.command("")[6].ends_with(SHELL));
    }

    #[test]
    fn a_command_knows_the_containers_address_and_one_with_a_terminal_its_kind() {
        let program = program(&["/launcher"], &["app"]);
        let launcher = Launcher::of(&program).unwrap();
        let variables = |terminal| exec_spec(&launcher, "x", &program, terminal).environment;
        let address = ("CF_INSTANCE_INTERNAL_IP".to_owned(), "172.18.0.2".to_owned());
        assert_eq!(variables(None), std::slice::from_ref(&address));
        let size = WindowSize { columns: 80, rows: 24 };
        let term = ("TERM".to_owned(), "xterm-256color".to_owned());
        assert_eq!(variables(Some((size, "xterm-256color"))), [address.clone(), term]);
        for odd in ["", "a b", "x\u{1b}[2J", &"x".repeat(61)] {
            assert_eq!(variables(Some((size, odd))), std::slice::from_ref(&address), "{odd:?}");
        }
        assert_eq!(exec_spec(&launcher, "x", &program, Some((size, ""))).terminal, Some(size));
    }

    #[test]
    fn the_first_line_is_the_process_however_it_comes_and_the_rest_is_output() {
        for (whole, process, output) in [
            (&b"17\nhello\n"[..], Some(17), &b"hello\n"[..]),
            (b"17\r\n$ ", Some(17), b"$ "),
            (b"17\n", Some(17), b""),
            (b"17", None, b"17"),
            (b"1\nx", None, b"1\nx"),
            (b"OCI runtime exec failed\r\n", None, b"OCI runtime exec failed\r\n"),
            (b"99999999999999\n", None, b"99999999999999\n"),
            (b"", None, b""),
        ] {
            for size in 1..=whole.len().max(1) {
                let mut first = FirstLine::default();
                let found: Vec<Found> = whole.chunks(size).map(|piece| first.feed(piece)).collect();
                let shown: Vec<u8> = found.iter().flat_map(|one| one.output.clone()).chain(first.rest()).collect();
                assert_eq!((found.iter().find_map(|one| one.process), shown.as_slice()), (process, output), "{size}");
            }
        }
    }
}
