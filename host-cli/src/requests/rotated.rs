//! A log and its rotated neighbours, told by their names.

#![expect(clippy::disallowed_methods, reason = "lists the folder of a log")]

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The file `name` of a folder and its rotated neighbours, as far as they are there, the newest first.
pub(crate) fn with_rotated(folder: &Path, name: &OsStr) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(Age, PathBuf)> = entries
        .filter_map(|entry| Some((Age::parse(entry.file_name().to_str()?, name.to_str()?)?, entry.path())))
        .filter(|(_, path)| !path.is_dir())
        .collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

/// How old a log file is, by its name: the smaller the newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// The file that is being written.
    Live,
    /// `.1`, `.2.gz`: how often it was rotated.
    Rotated(u64),
    /// `-20160615.gz`, `.2016-06-15`: when it was rotated.
    Dated(Reverse<String>),
}

impl Age {
    /// `None` for a file that is no neighbour of `live`: a backup, an editor's, another component's.
    fn parse(name: &str, live: &str) -> Option<Self> {
        const SHORTEST_DATE: usize = 8; // 20160615
        let suffix = name.strip_prefix(live)?;
        let suffix = suffix.strip_suffix(".gz").unwrap_or(suffix);
        if suffix.is_empty() {
            return Some(Self::Live);
        }
        let number = suffix.strip_prefix(['.', '-'])?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let only_date = number.chars().all(|c| c.is_ascii_digit() || "-_.:T".contains(c));
        match number.parse() {
            Ok(times) if number.len() < SHORTEST_DATE => Some(Self::Rotated(times)),
            _ if only_date && digits.len() >= SHORTEST_DATE => Some(Self::Dated(Reverse(digits))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_neighbours_come_after_the_live_file_and_the_newest_of_them_first() {
        let mut names = [
            "s.log.10.gz",
            "s.log-20160615.gz",
            "s.log",
            "s.log.2.gz",
            "s.log.1",
            "s.log-20160616",
            "s.log-20160616-1466",
        ];
        names.sort_by_key(|name| Age::parse(name, "s.log"));
        let expected = [
            "s.log",
            "s.log.1",
            "s.log.2.gz",
            "s.log.10.gz",
            "s.log-20160616-1466",
            "s.log-20160616",
            "s.log-20160615.gz",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn backups_and_other_files_are_no_neighbours() {
        for name in ["s.log.swp", "s.log~", "s.log.bak.1", "s.logs", "other.log", "s.log.1.xz", "s.log.", "s.log.1-"] {
            assert_eq!(Age::parse(name, "s.log"), None, "{name}");
        }
    }
}
