//! What a caller lets an archive ask for.

use std::io;

/// What an archive may ask for. An error of these ends the reading and comes back as the cause of
/// [`MemberError::Reading`](super::MemberError::Reading) or, for holes, from reading the contents.
pub trait Limits {
    /// Bytes of a name or of a link's target, without the NUL behind it.
    fn name(&self) -> u64;

    /// Bytes of one member's contents, with its holes; none are too many where this is not said.
    fn contents(&self) -> u64 {
        u64::MAX
    }

    /// A member's own header was read; comes before anything is read of what it claims.
    ///
    /// # Errors
    /// There are too many members.
    fn member(&mut self) -> io::Result<()>;

    /// A header for all members was read; comes before its records are.
    ///
    /// # Errors
    /// There are too many of them.
    fn global(&mut self) -> io::Result<()>;

    /// So many zeros of a hole come next; none are too many where this is not said.
    ///
    /// # Errors
    /// They are too many.
    fn zeros(&mut self, _count: u64) -> io::Result<()> {
        Ok(())
    }
}
