//! `stager-agent`: stages one app inside the stager image. Reads a TaskDefinition, walks its actions, says what it does.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]
#![allow(
    dead_code,
    unused_imports,
    clippy::unnecessary_wraps,
    unused_crate_dependencies,
    reason = "the rooms are furnished one after the other; goes with the last"
)]

mod action_error;
mod build;
mod execute;
mod fetch;
mod hand_over;
mod scope;
mod side_by_side;
mod upload;

fn main() {}
