//! The cell of an engine, as those see it who are not it: whether there is one, how it is started, ended and replaced, what it says of
//! itself, and what is wanted of apps, which it keeps in its volume.

pub(crate) mod adopt;
mod control;
mod find;
mod kept;
mod told;

pub(crate) use control::{start, stop, upgrade};
pub(crate) use find::{find, own_folder, restart_policy};
pub(crate) use kept::{ANOTHER, INCOMING, NOTHING, REPLACED, ThroughCell, is_file_name};
pub(crate) use told::{records, told};

#[cfg(test)]
mod tests;
