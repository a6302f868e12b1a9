//! Decides; touches nothing. Requests and options in, specifications out.

pub(crate) mod app;
pub(crate) mod cache;
pub(crate) mod fetching;
#[cfg(test)]
pub(crate) mod golden;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod instance;
pub(crate) mod left_out;
pub(crate) mod ports;
pub(crate) mod remains;
pub(crate) mod stager;
pub(crate) mod unusable;
