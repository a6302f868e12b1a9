//! `ssh`: a shell or a command in an app's container.

use super::place;
use crate::arguments::Ssh;
use crate::backend::docker::apps::AppsOnEngine;
use crate::backend::docker::ssh::{self, RemoteCommand, terminal};
use crate::failure::Failure;
use crate::screen::trouble;
use crate::session::signals::{self, Ended};
use crate::session::{Unconnected, run};
use shared_model::exit_code::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Runs it. The command's own exit code is ours.
pub(super) fn run_ssh(command: Ssh) -> ExitCode {
    let (remote, status) = (RemoteCommand::default(), Arc::new(OnceLock::new()));
    let (watched, outcome) = (remote.clone(), Arc::clone(&status));
    // Nothing runs that would have to be ended: Ctrl-C simply ends it.
    let is_watched = !command.skip_remote_execution;
    let watch = move |session| if is_watched { signals::watch(hanging_up(session, watched)) } else { Ok(()) };
    let code = run(trouble(), watch, move |session| {
        let status = enter(session, &command, &remote)?;
        let _ = outcome.set(status);
        Ok(())
    });
    terminal::restore();
    code.or_remote(status.get().copied())
}

/// A signal first gives the terminal back and ends what runs in the container, and then the session.
fn hanging_up(session: Sender<Ended>, remote: RemoteCommand) -> Sender<Ended> {
    let (tells, hears) = channel();
    thread::spawn(move || {
        for ended in hears {
            terminal::restore();
            remote.hang_up();
            let _ = session.send(ended);
        }
    });
    tells
}

fn enter(unconnected: &Unconnected, command: &Ssh, remote: &RemoteCommand) -> Result<u8, Failure> {
    let (app, tty) = (command.app_ref()?, command.tty()?);
    if command.skip_remote_execution && command.forwards.is_empty() {
        let text = "-N runs nothing, and without -L nothing is left to do";
        return Err(Failure::new(ExitCode::CommandLine, text, "add -L PORT:HOST:PORT, or leave -N out"));
    }
    place::on_an_engine("ssh", "kubectl exec -it POD -- bash", command.cluster()?.as_ref())?;
    let session = unconnected.connect_to_look()?;
    let place = AppsOnEngine::new(&session);
    let way = ssh::Ssh::into(&session, &place, &place::selected(&place, &app, &command.part())?)?;
    way.forward(&command.forwards)?;
    if command.skip_remote_execution {
        loop {
            thread::park(); // the threads that listen end with the process
        }
    }
    let line = command.line();
    way.run(&line, tty.is_wanted(!line.is_empty(), terminal::is_here()), remote)
}
