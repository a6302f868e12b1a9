//! The other commands against the recording engine.

mod batch;
mod cache;
mod export;
mod push;
mod rebase;
mod upload;
