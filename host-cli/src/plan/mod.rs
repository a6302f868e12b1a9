//! Decides; touches nothing. Requests and options in, specifications out.

pub(crate) mod container;
