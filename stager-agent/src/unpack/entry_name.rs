//! The name of an entry: a path inside the directory that is unpacked into, or refused.

use super::limits::Limits;
use crate::unpack::error::{Bound, UnpackError};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `NAME_MAX`: more bytes in one part no file system takes.
const LONGEST_PART: usize = 255;
/// `PATH_MAX` without its NUL: a symbolic link to a longer name cannot be made.
const LONGEST_TARGET: u64 = 4095;

/// A name without `.`, `..`, empty parts and a leading slash. May be empty: the directory itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryName(Vec<u8>);

impl EntryName {
    /// Takes a name as the archive has it.
    ///
    /// # Errors
    /// It leads, or could lead, out of the directory; or it is no name at all; or `limits` bound it.
    pub(super) fn parse(raw: &[u8], limits: &Limits) -> Result<Self, UnpackError> {
        let escapes = |how| Err(UnpackError::Escapes { entry: shown(raw), how });
        let forbidden = |what| Err(UnpackError::Forbidden { entry: shown(raw), what });
        let exceeded = |bound, limit| Err(UnpackError::LimitExceeded { bound, limit, entry: Some(shown(raw)) });
        if raw.len() as u64 > limits.name {
            return exceeded(Bound::Name, limits.name);
        }
        if raw.contains(&0) {
            return forbidden("has a NUL byte in its name");
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
                _ if part.len() > LONGEST_PART => {
                    return forbidden("has a part of more than 255 bytes in its name, which no file system takes");
                }
                _ => {}
            }
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(part);
            depth += 1;
        }
        if depth > limits.depth {
            return exceeded(Bound::Depth, limits.depth);
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

    /// Its parts with `/` between them.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
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

/// Where a symbolic link leads, as the archive has it: anywhere, for nobody here follows it.
///
/// # Errors
/// It leads nowhere, or `limits` bound it. `entry` is the link's name, for the text.
pub(super) fn link_target<'t>(entry: &[u8], target: &'t [u8], limits: &Limits) -> Result<&'t OsStr, UnpackError> {
    let forbidden = |what| Err(UnpackError::Forbidden { entry: shown(entry), what });
    if target.len() as u64 > limits.name.min(LONGEST_TARGET) {
        return Err(long_target(Some(entry), limits));
    }
    if target.is_empty() {
        return forbidden("is a symbolic link to nowhere");
    }
    if target.contains(&0) {
        return forbidden("is a symbolic link with a NUL byte in its target");
    }
    Ok(OsStr::from_bytes(target))
}

/// The error of a link whose target is too long. `entry` is the link's name, `None` where it is not known.
pub(super) fn long_target(entry: Option<&[u8]>, limits: &Limits) -> UnpackError {
    let entry = entry.map(shown);
    match entry {
        Some(entry) if limits.name >= LONGEST_TARGET => {
            let what = "is a link to a name of more than 4095 bytes, which no file system takes";
            UnpackError::Forbidden { entry, what }
        }
        entry => UnpackError::LimitExceeded { bound: Bound::Target, limit: limits.name, entry },
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

    fn parse(raw: &[u8]) -> Result<EntryName, UnpackError> {
        EntryName::parse(raw, &Limits::GENEROUS)
    }

    #[test]
    fn dots_and_double_slashes_vanish() {
        for raw in ["./a//b/", "a/./b", "a/b"] {
            assert_eq!(parse(raw.as_bytes()).unwrap().path(), Path::new("a/b"), "{raw}");
        }
        assert!(parse(b"./").unwrap().split().is_none());
    }

    #[test]
    fn a_name_that_could_lead_out_is_refused() {
        for raw in
            ["..", "../a", "a/../../b", "a/..", "/etc/passwd", "//a", "a\0b", &format!("a/{}/b", "p".repeat(256))]
        {
            let error = parse(raw.as_bytes()).unwrap_err();
            assert!(matches!(error, UnpackError::Escapes { .. } | UnpackError::Forbidden { .. }), "{raw}: {error}");
        }
    }

    #[test]
    fn a_link_may_lead_anywhere_but_nowhere() {
        let limits = Limits::GENEROUS;
        for (target, expected) in [
            ("", "the entry \"l\" is a symbolic link to nowhere".to_owned()),
            ("a\0b", "the entry \"l\" is a symbolic link with a NUL byte in its target".to_owned()),
            (&"t".repeat(4096), format!("the entry \"l\" {TOO_LONG}")),
        ] {
            assert_eq!(link_target(b"l", target.as_bytes(), &limits).unwrap_err().to_string(), expected);
        }
        for target in ["/etc", "../..", &"t".repeat(4095), &"*.py[cod]\n\n# logs\n".repeat(40)] {
            link_target(b"l", target.as_bytes(), &limits).unwrap();
        }
    }

    const TOO_LONG: &str = "is a link to a name of more than 4095 bytes, which no file system takes";

    #[test]
    fn a_target_that_is_too_long_is_blamed_on_a_bound_only_where_another_bound_would_help() {
        let target = "t".repeat(5000);
        for (name, expected) in [
            (100, "the entry \"l\" is a link to a name of more than 100 bytes".to_owned()),
            (4095, format!("the entry \"l\" {TOO_LONG}")),
            (9000, format!("the entry \"l\" {TOO_LONG}")),
        ] {
            let limits = Limits { name, ..Limits::GENEROUS };
            assert_eq!(link_target(b"l", target.as_bytes(), &limits).unwrap_err().to_string(), expected);
        }
        let nobodys = long_target(None, &Limits::GENEROUS).to_string();
        assert_eq!(nobodys, "the archive has a link to a name of more than 4095 bytes");
    }

    #[test]
    fn a_name_too_deep_or_too_long_is_refused_and_shown_in_part() {
        let long = format!("{}/", "n".repeat(250)).repeat(17);
        for (raw, bound, limit) in [("d/".repeat(257), Bound::Depth, 256), (long[..4096].to_owned(), Bound::Name, 4095)]
        {
            match parse(raw.as_bytes()).unwrap_err() {
                UnpackError::LimitExceeded { bound: found, limit: at, entry: Some(entry) } => {
                    assert_eq!((found, at, entry.len()), (bound, limit, 300));
                }
                other => panic!("{other}"),
            }
            parse(&raw.as_bytes()[..raw.len() - 2]).unwrap();
        }
    }
}
