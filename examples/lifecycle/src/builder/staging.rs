//! What the steps of a staging share.

use super::settings::Settings;
use crate::era::Era;
use std::io::Write;

/// What one staging works with.
pub struct Staging<'a> {
    /// Directories, files and buildpacks, from the command line.
    pub settings: &'a Settings,
    /// Whose behaviour is asked for.
    pub era: Era,
    /// Where the builder says what it did.
    pub stdout: &'a mut dyn Write,
    /// Where the builder complains; buildpacks write to the process's own streams.
    pub stderr: &'a mut dyn Write,
}

impl Staging<'_> {
    /// One line on stderr. A closed stderr is no reason to fail a staging.
    pub(super) fn say(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.stderr, "{line}");
    }
}
