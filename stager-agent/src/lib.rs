//! `stager-agent`: stages one app inside the stager image. Reads a TaskDefinition, walks its actions, says what it does.
//! A staging from end to end is in `agent.rs`. All of it is a library, so that the targets of `ci/fuzz` reach it; only [`main`] is public.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]
mod actions;
mod agent;
mod arguments;
mod build;
mod cache;
mod cache_command;
mod causes;
mod clock;
mod compression;
mod dependencies;
mod disk_budget;
#[cfg(test)]
mod documented;
mod failure;
mod fetch;
#[cfg(any(fuzzing, test))]
pub mod fuzzed;
mod handover;
mod hidden;
mod image_handoff;
mod mounts;
mod outlet;
mod placed_files;
mod plan;
mod report;
mod request;
mod result_file;
mod session;
#[cfg(test)]
mod small_disk;
mod staging;
mod terminal;
mod tree_digest;
mod unpack;
mod untrusted_file;
mod upload;

use crate::arguments::Command;
use crate::failure::Failure;
use crate::session::lease::Lease;
use crate::session::scope::{Scope, Stop};
use crate::session::screen;
use shared_model::event::EventSink;
use std::process::ExitCode;
use std::sync::Arc;

/// The whole program, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(not_run) = build::session::stage() {
        return not_run;
    }
    name_lookup::without_plugins();
    let arguments = match arguments::Arguments::from_process() {
        Ok(arguments) => arguments,
        Err(early) => {
            screen::write(early.stream, early.text);
            return early.code.into();
        }
    };
    let screen = screen::Screen::new(arguments.output);
    let stop = Arc::new(Stop::default());
    let charge = build::rights::give_up().and_then(|()| build::reaper::Reaper::take_charge());
    let code = match charge.and_then(|reaper| Arc::clone(&stop).at_signals().map(|()| reaper)) {
        Ok(reaper) => {
            let scope = Scope::new(&screen, "STG", &stop);
            let lease = if arguments.lease { Lease::held(Arc::clone(&stop)) } else { Lease::default() };
            match &arguments.command {
                Some(Command::Cache(cache)) => cache_command::serve(&cache.command, &arguments, &lease, &scope),
                None => agent::serve(&arguments, &lease, &scope, &reaper),
            }
        }
        Err(error) => {
            let failure = Failure::from_system(&error);
            screen.emit(failure.event());
            failure.code
        }
    };
    code.into()
}
