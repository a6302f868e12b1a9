//! `app-supervisor`: process 1 of an app's container, as the app's user. It starts the launcher and the sidecars, tells them the
//! container's address, passes signals on, and ends them together: the first to end ends all, as in Diego's `codependent`.
//!
//! `host-cli ssh -L` runs it a second time beside an app (`connect`), to reach what the app reaches.
//!
//! It knows nothing of engines. `host-cli` puts it into the container and says on its command line what to run; no variable is
//! for it, so the app sees none of it. One thread: it waits for signals and for what sidecars print.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

mod address;
mod child;
mod command_line;
mod connect;
mod lines;
mod output;
mod sidecars;
mod stage;
mod supervise;

use child::Start;
use command_line::{CommandLine, Typed};
use std::process::ExitCode;
use supervise::Supervisor;

/// Its own failure: nothing was started. The codes of programs that run programs (`env`, `timeout`) are the same.
const OWN_FAILURE: u8 = 125;
/// Of a forwarded connection: nobody answers.
const NOT_CONNECTED: u8 = 1;

/// The whole program, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    name_lookup::without_plugins();
    let (outcome, own_failure) = match command_line::typed() {
        Some(Typed::Supervise(command_line)) => (run(command_line), OWN_FAILURE),
        Some(Typed::Connect(address)) => (connect::connect(&address).map(|()| 0), NOT_CONNECTED),
        None => (Err(command_line::USAGE.to_owned()), OWN_FAILURE),
    };
    outcome.map_or_else(
        |text| {
            output::say(&text);
            ExitCode::from(own_failure)
        },
        ExitCode::from,
    )
}

/// The status with which the container ends.
///
/// # Errors
/// Why nothing was started.
fn run(command_line: CommandLine) -> Result<u8, String> {
    let CommandLine { sidecars, program, arguments } = command_line;
    let sidecars = sidecars.map_or_else(|| Ok(Vec::new()), |file| sidecars::read(&file))?;
    let mut supervisor = Supervisor::new().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let address = address::own_address();
    supervisor.start(Start::app(program, arguments, address));
    for sidecar in &sidecars {
        supervisor.start(Start::sidecar(sidecar, address));
    }
    Ok(supervisor.wait())
}
