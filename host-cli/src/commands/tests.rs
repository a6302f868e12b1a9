//! The other commands against the recording engine.

mod batch;
mod cache;
mod export;
mod publish;
mod push;
mod rebase;
mod upload;
