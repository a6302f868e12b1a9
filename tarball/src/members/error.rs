//! What is wrong with a tar, in nouns. The words for people are the callers'.

use std::io;

/// Why there is no next member.
#[derive(Debug)]
pub enum MemberError {
    /// The archive cannot be read, is damaged, or a limit was reached.
    Reading {
        /// The member; `None` where its name was not known yet.
        name: Option<Vec<u8>>,
        /// What is wrong there.
        cause: io::Error,
    },
    /// Two headers of one kind describe one member.
    TwoHeaders,
    /// The archive ends between the headers of a member.
    NoMember,
    /// A header for all members says what only one can have.
    GlobalHeader,
    /// A sparse file of the oldest form has no map.
    NoMap {
        /// The member.
        name: Vec<u8>,
    },
    /// A member's name is longer than [`Limits::name`](super::Limits::name).
    LongName {
        /// As much of it as was read.
        start: Vec<u8>,
    },
    /// The target of a member's link is longer than [`Limits::name`](super::Limits::name).
    LongLink {
        /// As much of it as was read.
        start: Vec<u8>,
    },
    /// An extended header is longer than 1 MiB.
    LongRecords {
        /// The header's own name.
        name: Vec<u8>,
    },
    /// A member's contents are more than [`Limits::contents`](super::Limits::contents).
    LongContents {
        /// The member.
        name: Vec<u8>,
    },
}
