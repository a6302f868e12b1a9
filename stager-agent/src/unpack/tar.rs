//! Unpacks a tar stream: POSIX, GNU and older, with their long names, links and sparse files. What each kind of member
//! becomes is decided here; how the headers are read, in the crate `tarball`.

use super::entry_name::{EntryName, link_target, long_target, shown};
use super::limits::{Budget, Limits};
use super::tree::Tree;
use super::unpacked::{Unpacked, unless_stopped};
use crate::session::scope::Scope;
use crate::unpack::error::{Bound, UnpackError};
use std::io::{self, Read};
use tar::EntryType;
use tarball::members::{Member, MemberError, Members};

/// What a header without a readable mode gets.
const MODE_UNKNOWN: u32 = 0o644;

/// Unpacks `archive` into `tree`; may leave bytes of it unread.
pub(super) fn unpack(
    archive: impl Read,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
) -> Result<Unpacked, UnpackError> {
    let mut members = Members::new(archive, budget.limits.name);
    let mut unpacked = Unpacked::default();
    let mut last = None;
    loop {
        unless_stopped(scope)?;
        let next = members.next_member(|| budget.entry().map_err(io::Error::other));
        let member = match next.map_err(|error| unpack_error(error, budget.limits)) {
            Ok(Some(member)) => member,
            Ok(None) => return Ok(unpacked),
            // A header that cannot be read has no name; the one before it says where in the archive we are.
            Err(UnpackError::Corrupt { entry: None, cause }) => {
                return Err(UnpackError::Corrupt { entry: last, cause });
            }
            Err(error) => return Err(error),
        };
        budget.entry()?;
        unpack_member(&member, &mut members, tree, budget, scope, &mut unpacked)?;
        last = Some(format!("what follows {}", shown(&member.name)));
    }
}

fn unpack_member(
    member: &Member,
    members: &mut Members<impl Read>,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
    unpacked: &mut Unpacked,
) -> Result<(), UnpackError> {
    let mode = member.mode().ok().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(MODE_UNKNOWN);
    let forbidden = |what| Err(UnpackError::Forbidden { entry: shown(&member.name), what });
    let limit = budget.limits.bytes;
    if member.size > limit {
        return Err(UnpackError::LimitExceeded { bound: Bound::Bytes, limit, entry: Some(shown(&member.name)) });
    }
    if member.is_label() {
        return Ok(());
    }
    let name = EntryName::parse(&member.name, budget.limits)?;
    match member.kind {
        EntryType::Directory => tree.directory(&name, mode)?,
        EntryType::Symlink => tree.symlink(&name, link_target(&member.name, &member.link, budget.limits)?)?,
        EntryType::Link if member.link.is_empty() => return forbidden("is a hard link to nothing"),
        EntryType::Link => {
            let how = "as a hard link to a file outside";
            let target = EntryName::parse(&member.link, budget.limits)
                .map_err(|_| UnpackError::Escapes { entry: shown(&member.name), how })?;
            tree.hard_link(&name, &target)?;
        }
        EntryType::Regular => {
            // Bytes that stand in the archive were charged when they came.
            let mut contents = members.contents(|zeros| budget.bytes(zeros).map_err(io::Error::other));
            tree.file(&name, mode, &mut contents, scope)?;
        }
        EntryType::Fifo => {
            // Diego's tar makes it; nobody reads it, and whoever opens it hangs.
            unpacked.pipes.get_or_insert_with(|| (0, shown(&member.name))).0 += 1;
            return Ok(());
        }
        EntryType::Char | EntryType::Block => return forbidden("is a device"),
        _ => return forbidden("is of a kind that is not understood"),
    }
    unpacked.entries += 1;
    Ok(())
}

/// The error of an archive that is unpacked within `limits`; [`UnpackError::Corrupt`] has no entry where the member's
/// name was not known yet.
fn unpack_error(error: MemberError, limits: &Limits) -> UnpackError {
    match error {
        MemberError::Reading { name, cause } => UnpackError::from_reading(name.as_deref().map(shown), cause),
        MemberError::LongName { start } => {
            UnpackError::LimitExceeded { bound: Bound::Name, limit: limits.name, entry: Some(shown(&start)) }
        }
        MemberError::LongLink { name } => long_target(name.as_deref(), limits),
        MemberError::LongRecords { name } => {
            UnpackError::Forbidden { entry: shown(&name), what: "has an extended header of more than 1 MiB" }
        }
    }
}
