//! `host-cli`: finds requests in the logs, restages and launches apps through the Docker Engine.
//! Start reading at `pipeline.rs`. All of it is a library, so that the targets of `ci/fuzz` reach it; only [`main`] is public.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests set up the files that they need"))]
#![cfg_attr(
    not(feature = "kubernetes"),
    allow(
        dead_code,
        unused_imports,
        reason = "plans and options hold what only a cluster asks for; lints look at the whole"
    )
)]

mod app_ref;
mod arguments;
mod backend;
mod cell;
mod commands;
mod docker_folder;
#[cfg(test)]
mod documented;
mod engine;
mod failure;
#[cfg(any(fuzzing, test))]
pub mod fuzzed;
mod image;
mod labels;
mod owner;
mod pipeline;
mod plan;
#[cfg(test)]
mod recorded_run;
mod registry;
mod requests;
mod screen;
mod session;
mod settings;
mod stagings;
mod state_folder;
mod unfinished;
mod wishes;

use arguments::invocation::Invocation;

/// The whole program, from its arguments to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    name_lookup::without_plugins();
    screen::answer::ending(Invocation::read(std::env::args_os()).and_then(|mut invocation| {
        let settings = settings::user::settings()?;
        invocation.command.fill_in(&settings);
        commands::run(invocation, settings)
    }))
}
