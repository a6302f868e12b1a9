//! Where apps are staged and run. What is to be done is decided by the plans of [`crate::plan`]; a backend checks them
//! against the place and carries them out.

pub(crate) mod docker;
