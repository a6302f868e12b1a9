//! `host-cli`: finds requests in the logs, restages and launches apps through the Docker Engine.
//! Start reading at `pipeline.rs`. All of it is a library, so that the targets of `ci/fuzz` reach it; only [`main`] is public.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests set up the files that they need"))]

mod app_ref;
mod arguments;
mod docker_folder;
mod engine;
mod failure;
#[cfg(any(fuzzing, test))]
pub mod fuzzed;
mod image;
mod labels;
mod owner;
mod pipeline;
mod plan;
mod registry;
mod requests;
mod screen;
mod state_folder;
mod unfinished;

use arguments::Command;
use arguments::invocation::Invocation;
use failure::Failure;
use shared_model::exit_code::ExitCode;

/// The whole program, from its arguments to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    name_lookup::without_plugins();
    failure::ending(Invocation::read(std::env::args_os()).and_then(run))
}

/// What the process ends with once everything has been said; an `Err` has still to be said.
fn run(invocation: Invocation) -> Result<ExitCode, Failure> {
    match invocation.command {
        Command::BuildReq(command) => requests::print::build_req(&command),
        Command::LaunchReq(command) => requests::print::launch_req(&command),
        Command::BuildCmd(command) => requests::print::build_cmd(&command),
        Command::LaunchCmd(command) => requests::print::launch_cmd(&command),
        Command::Requests(command) => requests::list::run(&command),
        Command::Link(command) => requests::link::run(&command),
        Command::Restage(command) => Ok(pipeline::restage(command, invocation.agent_options)),
        Command::CacheUp(command) => Ok(pipeline::cache_up(command, invocation.agent_options)),
        Command::Cache(command) => Ok(pipeline::cache(command.command)),
        Command::Launch(command) => Ok(pipeline::launch(command)),
        Command::Export(command) => Ok(pipeline::export(command)),
        Command::Image(command) => Ok(image::command::run(command)),
        Command::Push(command) => Ok(pipeline::push(command)),
    }
}
