//! The app and its sidecars as processes: how each is started, what it is told, and how it is ended.

#![expect(clippy::disallowed_methods, reason = "starts the processes")]

use crate::stage::Role;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, prlimit, setrlimit};
use shared_model::action::RunAction;
use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The variable over all others of that name: Diego's executor sets it last.
const INTERNAL_ADDRESS: &str = "CF_INSTANCE_INTERNAL_IP";

/// What an engine gives every process of a container, as garden does: a sidecar has it too, unless it says otherwise.
const OF_THE_ENGINE: [&str; 3] = ["PATH", "HOME", "HOSTNAME"];

/// What a shell says of a program that is not there, and of one that cannot be run.
const NOT_THERE: u8 = 127;
const CANNOT_RUN: u8 = 126;

/// A process that is to be started.
#[derive(Debug)]
pub(crate) struct Start {
    command: Command,
    /// The log source of a sidecar; `None`: it is the app.
    source: Option<String>,
    /// Files that it may have open; `None`: as many as this process. More than those nobody can give it.
    open_files: Option<u64>,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: Pid,
    /// The log source of a sidecar; `None`: it is the app.
    pub(crate) source: Option<String>,
}

/// Why a process could not be started.
#[derive(Debug)]
pub(crate) struct NotStarted {
    pub(crate) text: String,
    /// As a shell's.
    pub(crate) status: u8,
}

impl Start {
    /// The app: with what this process has, its output too.
    pub(crate) fn app(program: OsString, arguments: Vec<OsString>, address: IpAddr) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env(INTERNAL_ADDRESS, address.to_string());
        Self { command, source: None, open_files: None }
    }

    /// A sidecar: with an environment of its own. Where it names no folder, it starts in the app's.
    pub(crate) fn sidecar(run: &RunAction, address: IpAddr) -> Self {
        let mut command = Command::new(&run.path);
        command.args(run.arguments()).env_clear();
        command.envs(OF_THE_ENGINE.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(run.environment().iter().map(|variable| (&variable.name, variable.value.reveal())));
        command.env(INTERNAL_ADDRESS, address.to_string());
        if let Some(folder) = run.dir.as_deref().filter(|folder| !folder.is_empty()) {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, source: Some(run.log_source.clone().unwrap_or_default()), open_files: run.nofile() }
    }

    /// The log source of a sidecar; `None`: it is the app.
    pub(crate) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Starts it, in a group of its own. `Child` is for its pipes; whoever reaps does so for all.
    ///
    /// # Errors
    /// The system cannot run it.
    pub(crate) fn spawn(mut self) -> Result<(Running, std::process::Child), NotStarted> {
        self.command.process_group(0);
        let child = self.spawn_limited().map_err(|error| self.not_started(&error))?;
        Ok((Running { pid: Pid::from_child(&child), source: self.source }, child))
    }

    /// A child begins with its parent's limits. The hard one, once lowered, nobody raises again; so it is the child's alone, and
    /// comes a moment after its start.
    fn spawn_limited(&mut self) -> io::Result<std::process::Child> {
        let own = getrlimit(Resource::Nofile);
        let wanted = self.open_files.map(|wanted| own.maximum.map_or(wanted, |most| wanted.min(most)));
        let Some(wanted) = wanted else { return self.command.spawn() };
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: own.maximum })?;
        let child = self.command.spawn();
        setrlimit(Resource::Nofile, own)?;
        let child = child?;
        let limit = Rlimit { current: Some(wanted), maximum: Some(wanted) };
        let _ = prlimit(Some(Pid::from_child(&child)), Resource::Nofile, limit); // it may have ended
        Ok(child)
    }

    /// The system says "not found" of a program, of its interpreter and of its folder alike.
    fn not_started(&self, error: &io::Error) -> NotStarted {
        let program = self.command.get_program().to_string_lossy();
        let folder = self.command.get_current_dir().map(|folder| format!(" in {}", folder.display()));
        NotStarted {
            text: format!("cannot start {program}{}: {error}", folder.unwrap_or_default()),
            status: if error.kind() == ErrorKind::NotFound { NOT_THERE } else { CANNOT_RUN },
        }
    }
}

impl Running {
    pub(crate) fn role(&self) -> Role {
        if self.source.is_some() { Role::Sidecar } else { Role::App }
    }

    /// Sends it a signal. Diego's goes to the process itself, too: what it does with its children is its own business.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal); // it may have ended
    }

    /// Ends it with all that it started.
    pub(crate) fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}
