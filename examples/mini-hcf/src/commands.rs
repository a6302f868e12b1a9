//! From what was typed to what is meant.

use std::io::Write;

use crate::arguments::{self, Command};
use crate::failure::Failure;
use crate::manage::bbs::Query;
use crate::manage::docker::hosts;
use crate::manage::down::{Extent, down};
use crate::manage::install;
use crate::manage::push::push;
use crate::manage::replay::{ReplayOptions, replay};
use crate::manage::up::{UpOptions, up};
use crate::meant_push::meant_push;
use crate::serve::serve;
use crate::services::Service;
use crate::state::State;

/// Does what the command says.
pub(crate) fn execute(command: Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Up(typed) => {
            let arguments::Up { network, state, instance, base, image, hidden_names, mutual_tls, binary } = typed;
            let options = UpOptions { network, instance, base, image, hidden_names, mutual_tls, binary };
            up(&State::at(&state), &options, out)
        }
        Command::Down(typed) => {
            let extent = if typed.purge { Extent::Purge } else { Extent::Keep };
            down(&State::at(&typed.state), extent, out)
        }
        Command::AddBuildpack(typed) => {
            let state = State::at(&typed.state);
            let installed =
                install::add_buildpack(&state, &typed.name, &typed.source, typed.lifecycle, typed.position)?;
            let _ = writeln!(out, "installed {} as {}", installed.name, installed.key);
            Ok(())
        }
        Command::Lifecycle(typed) => install::lifecycle(&State::at(&typed.state), &typed.source, typed.kind),
        Command::Push(typed) => {
            let state = State::at(&typed.state);
            push(&state, &meant_push(typed, variable)?, out)
        }
        Command::Cfdot(typed) => {
            let query = Query::parse(&typed.command, typed.guid)?;
            let _ = write!(out, "{}", State::at(&typed.state).printed(&query)?); // a closed pipe is no reason to fail
            Ok(())
        }
        Command::Hosts(typed) => {
            let _ = write!(out, "{}", hosts(&State::at(&typed.state))?);
            Ok(())
        }
        Command::Replay(typed) => {
            let arguments::Replay { logs, app, package, state } = typed;
            replay(&State::at(&state), &ReplayOptions { logs, app, package }, out)
        }
        Command::Serve(typed) => {
            let service = Service::from_role(&typed.role);
            serve(service.ok_or_else(|| wrong(format!("there is no service `{}`", typed.role)))?, out)
        }
    }
}

fn wrong(text: String) -> Failure {
    Failure::CommandLine(text)
}

/// What `cf push` reads from the environment, since a command line can be read by all.
#[expect(clippy::disallowed_methods, reason = "passwords, as `cf push` takes them")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
