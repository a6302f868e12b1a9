//! Waits for signals, for what sidecars print and for the end of processes, and does what [`Stage`] decides.

use crate::child::{NotStarted, Running, Start};
use crate::output::{self, Outputs};
use crate::stage::{Others, Role, Stage};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, set_child_subreaper, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// Passed to the app alone, which may have a meaning for them; by default most end a process, and would end a sidecar.
const OF_THE_APP: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH];

/// What a shell adds to a signal's number.
const BY_SIGNAL: i32 = 128;

/// The processes of a container.
#[derive(Debug)]
pub(crate) struct Supervisor {
    signals: SignalDelivery<UnixStream, SignalOnly>,
    running: Vec<Running>,
    outputs: Outputs,
    stage: Stage,
}

impl Supervisor {
    /// One without processes. From here on no signal is lost.
    pub(crate) fn new() -> io::Result<Self> {
        // As process 1 it gets orphans anyhow.
        set_child_subreaper(Some(getpid()))?;
        let (read, write) = UnixStream::pair()?;
        let awaited = [SIGTERM, SIGCHLD].into_iter().chain(OF_THE_APP);
        let signals = SignalDelivery::with_pipe(read, write, SignalOnly, awaited)?;
        Ok(Self { signals, running: Vec::new(), outputs: Outputs::default(), stage: Stage::default() })
    }

    /// Starts a process, unless one has ended already. One that cannot be started has ended.
    pub(crate) fn start(&mut self, start: Start) {
        if self.stage != Stage::Running {
            return;
        }
        let source = start.source().map(str::to_owned);
        match start.spawn() {
            Ok((running, mut child)) => {
                self.outputs.add(&mut child, source.as_deref().unwrap_or_default());
                self.running.push(running);
            }
            Err(NotStarted { text, status }) => {
                match &source {
                    Some(source) => output::say_of(source, &text),
                    None => output::say(&text),
                }
                self.ended(if source.is_some() { Role::Sidecar } else { Role::App }, status);
            }
        }
    }

    /// Waits until all have ended, or what is left was killed. The status that the first one's end gives.
    pub(crate) fn wait(mut self) -> u8 {
        let status = loop {
            let patience = match self.stage {
                Stage::Ending { status, .. } if self.running.is_empty() => break status,
                Stage::Ending { status, kill_at } if kill_at <= Instant::now() => {
                    self.running.iter().for_each(Running::kill);
                    break status;
                }
                Stage::Ending { kill_at, .. } => Some(kill_at.saturating_duration_since(Instant::now())),
                Stage::Running | Stage::Asked => None,
            };
            self.outputs.follow(self.signals.get_read().as_fd(), patience);
            self.hear();
            self.reap();
        };
        self.outputs.finish();
        status
    }

    /// Passes signals on.
    fn hear(&mut self) {
        let came: Vec<i32> = self.signals.pending().collect();
        for signal in came {
            if signal == SIGTERM {
                let others = self.stage.asked();
                self.ask(others);
            } else if let Some(signal) = Signal::from_named_raw(signal).filter(|_| OF_THE_APP.contains(&signal)) {
                let app = self.running.iter().filter(|running| running.role() == Role::App);
                app.for_each(|app| app.signal(signal));
            }
        }
    }

    /// Takes note of all that have ended: the app's, the sidecars' and orphans.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.reaped(pid, status);
        }
    }

    fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        let Some(at) = self.running.iter().position(|running| running.pid == pid) else { return };
        let ended = self.running.remove(at);
        let (words, status) = match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => (format!("status {status}"), status),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                (format!("signal {signal}"), BY_SIGNAL + signal)
            }
        };
        if let Some(source) = ended.source.as_deref().filter(|_| self.stage == Stage::Running) {
            self.outputs.drain(); // its last words come first
            output::say_of(source, &format!("ended with {words}; the app ends with it"));
        }
        self.ended(ended.role(), u8::try_from(status).unwrap_or(u8::MAX));
    }

    fn ended(&mut self, role: Role, status: u8) {
        let others = self.stage.ended(role, status, Instant::now());
        self.ask(others);
    }

    fn ask(&self, others: Others) {
        if others == Others::Ask {
            self.running.iter().for_each(|running| running.signal(Signal::TERM));
        }
    }
}
