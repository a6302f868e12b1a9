//! What the members of a tar may ask for, and the words for what is wrong with one. They are read in the crate `tarball`.

use crate::unpack::entry_name::shown;
use crate::unpack::error::{Bound, UnpackError};
use crate::unpack::limits::{Budget, Limits};
use std::io;
use tarball::blocks::damaged;
use tarball::members::{self, MemberError};

/// Charges members, headers for all members and holes to a budget. Bytes that stand in the archive were charged when
/// they came.
pub(super) struct Charged<'a>(pub(super) &'a Budget<'a>);

impl members::Limits for Charged<'_> {
    fn name(&self) -> u64 {
        self.0.limits().name
    }

    fn contents(&self) -> u64 {
        self.0.limits().bytes
    }

    fn member(&mut self) -> io::Result<()> {
        self.0.entry().map_err(io::Error::other)
    }

    fn global(&mut self) -> io::Result<()> {
        self.0.entry().map_err(io::Error::other)
    }

    fn zeros(&mut self, count: u64) -> io::Result<()> {
        self.0.bytes(count).map_err(io::Error::other)
    }
}

/// The error of an archive that is unpacked within `limits`; [`UnpackError::Corrupt`] has no entry where the member's
/// name was not known yet.
pub(super) fn unpack_error(error: MemberError, limits: &Limits) -> UnpackError {
    let exceeded = |bound, limit, name: &[u8]| UnpackError::LimitExceeded { bound, limit, entry: Some(shown(name)) };
    let corrupt = |why| UnpackError::Corrupt { entry: None, cause: damaged(why) };
    match error {
        MemberError::Reading { name, cause } => UnpackError::from_reading(name.as_deref().map(shown), cause),
        MemberError::TwoHeaders => corrupt("two headers of the same kind describe one member"),
        MemberError::NoMember => corrupt("the archive ends between a member's headers"),
        MemberError::GlobalHeader => corrupt("a header for all members speaks of one"),
        MemberError::NoMap { name } => {
            let cause = damaged("it is a sparse file without a map");
            UnpackError::Corrupt { entry: Some(shown(&name)), cause }
        }
        MemberError::LongName { start } => exceeded(Bound::Name, limits.name, &start),
        MemberError::LongLink { start } => exceeded(Bound::Target, limits.name, &start),
        MemberError::LongRecords { name } => {
            UnpackError::Forbidden { entry: shown(&name), what: "has an extended header of more than 1 MiB" }
        }
        MemberError::LongContents { name } => exceeded(Bound::Bytes, limits.bytes, &name),
    }
}
