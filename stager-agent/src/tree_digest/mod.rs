//! What a tree of files is known by: a look at it ([`Structure`]), or every byte of its files ([`ContentDigest`]). The cache
//! compares them; the unpacker gathers the second while it writes.

mod contents;
mod digest;
mod structure;
mod walk;

pub(crate) use contents::{ContentDigest, sha256_of};
pub(crate) use structure::Structure;
pub(crate) use walk::walk;
