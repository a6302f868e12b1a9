//! What a tree of files is known by: a look at it ([`Structure`]), or every byte of its files ([`Digest::of_files`]). The cache
//! compares them; the unpacker gathers the second while it writes. [`repeat()`] makes a tree that is known by the same.

mod contents;
mod digest;
mod repeat;
mod same_files;
mod structure;
mod walk;

pub(crate) use contents::sha256_of;
pub(crate) use digest::Digest;
pub(crate) use repeat::{Files, repeat};
pub(crate) use same_files::have_same_files;
pub(crate) use structure::Structure;
pub(crate) use walk::walk;
