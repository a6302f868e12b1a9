//! The name of an entry: a path inside the directory that is unpacked into, or refused.

use crate::fetch::error::UnpackError;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Directories that may lie in one another. `PATH_MAX` (4096) leaves room for as many with 15 letters each; every one
/// is a descriptor held open.
const DEEPEST: usize = 256;

/// A name without `.`, `..`, empty parts and a leading slash. May be empty: the directory itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntryName(Vec<u8>);

impl EntryName {
    /// Takes a name as the archive has it.
    ///
    /// # Errors
    /// It leads, or could lead, out of the directory; or it is no name at all.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, UnpackError> {
        let escapes = |how| Err(UnpackError::Escapes { entry: shown(raw), how });
        let unlawful = |what| Err(UnpackError::Unlawful { entry: shown(raw), what });
        if raw.contains(&0) {
            return unlawful("has a NUL byte in its name");
        }
        if raw.starts_with(b"/") {
            return escapes("an absolute path");
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut depth = 0;
        for part in raw.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => continue,
                b".." => return escapes("through \"..\""),
                _ => {}
            }
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(part);
            depth += 1;
        }
        if depth > DEEPEST {
            return unlawful("lies too deep (more than 256 directories)");
        }
        Ok(Self(name))
    }

    /// The directory's parts and the last part; `None` for the directory itself.
    pub(super) fn split(&self) -> Option<(impl Iterator<Item = &OsStr>, &OsStr)> {
        if self.0.is_empty() {
            return None;
        }
        let at = self.0.iter().rposition(|byte| *byte == b'/');
        let (parents, last) = at.map_or((&[][..], &self.0[..]), |at| (&self.0[..at], &self.0[at + 1..]));
        let parts = parents.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        Some((parts.map(OsStr::from_bytes), OsStr::from_bytes(last)))
    }

    /// As a relative path.
    pub(super) fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// For error texts.
    pub(super) fn shown(&self) -> String {
        shown(&self.0)
    }
}

/// A raw name for error texts.
pub(super) fn shown(raw: &[u8]) -> String {
    const ENOUGH: usize = 300; // a hostile name may have megabytes
    String::from_utf8_lossy(&raw[..raw.len().min(ENOUGH)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_double_slashes_vanish() {
        for raw in ["./a//b/", "a/./b", "a/b"] {
            assert_eq!(EntryName::parse(raw.as_bytes()).unwrap().path(), Path::new("a/b"), "{raw}");
        }
        assert!(EntryName::parse(b"./").unwrap().split().is_none());
    }

    #[test]
    fn a_name_that_could_lead_out_is_refused() {
        for raw in ["..", "../a", "a/../../b", "a/..", "/etc/passwd", "//a", "a\0b"] {
            let error = EntryName::parse(raw.as_bytes()).unwrap_err();
            assert!(matches!(error, UnpackError::Escapes { .. } | UnpackError::Unlawful { .. }), "{raw}: {error}");
        }
    }
}
