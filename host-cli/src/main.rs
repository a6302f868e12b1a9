//! `host-cli`: finds requests in the logs, restages and launches apps through the Docker Engine.
//! Start reading at `pipeline.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]
#![allow(
    dead_code,
    unused_crate_dependencies,
    reason = "the rooms are furnished one after the other; goes with the last"
)]

mod arguments;
mod engine;
mod failure;
mod plan;

fn main() {}
