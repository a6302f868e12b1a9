//! Why a member of a tar cannot be had. What is damaged is in words; of what is only too long, the callers say more.

use std::io;

/// Why there is no next member.
#[derive(Debug)]
pub enum MemberError {
    /// The archive cannot be read, is damaged, or the caller wants no more of it.
    Reading {
        /// The member; `None` where its name was not known yet.
        name: Option<Vec<u8>>,
        /// What is wrong there.
        cause: io::Error,
    },
    /// A member's name is longer than is allowed.
    LongName {
        /// As much of it as was read.
        start: Vec<u8>,
    },
    /// The target of a member's link is longer than is allowed.
    LongLink {
        /// The member; `None` where its header was not reached: the archive ends before it, or the target is endless.
        name: Option<Vec<u8>>,
    },
    /// An extended header is longer than 1 MiB.
    LongRecords {
        /// The header's own name.
        name: Vec<u8>,
    },
}

impl From<io::Error> for MemberError {
    /// Of a member whose name is not known yet.
    fn from(cause: io::Error) -> Self {
        Self::Reading { name: None, cause }
    }
}
