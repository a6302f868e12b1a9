//! Which files hold the logs. Lists folders; opens nothing.

#![expect(clippy::disallowed_methods, reason = "the one place that lists log folders and asks for HOME")]

use crate::requests::request::RequestKind;
use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Where requests are looked for; the same options in every command that looks for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    /// `--logs`: the folder of the components' logs.
    pub(crate) logs: Option<PathBuf>,
    /// `--stager-log`: this file instead; `-` is standard input.
    pub(crate) stager_log: Option<PathBuf>,
    /// `--nsync-log`: this file instead; `-` is standard input.
    pub(crate) nsync_log: Option<PathBuf>,
}

/// What the two places under the home folder are called, in the order of preference.
const DEFAULT_FOLDERS: [&str; 2] = [".run/log", ".run/logs"];

/// The components that write requests of a kind, and the folder of each.
const fn components(kind: RequestKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        RequestKind::Staging => &[("diego-cc-bridge/stager", "stager.stdout.log")],
        RequestKind::Launch => &[
            ("diego-cc-bridge/nsync", "nsync_listener.stdout.log"),
            ("diego-cc-bridge/nsync", "nsync_bulker.stdout.log"),
        ],
    }
}

/// One place of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// A file, compressed or not.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

impl std::fmt::Display for LogFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

/// One component's log: the file that is being written and its rotated neighbours, the newest first. Never empty.
pub(crate) type Series = Vec<LogFile>;

/// The logs that may hold requests of any of `kinds`, or, where there are none, the folders that were looked into.
///
/// A file that was named (`--stager-log`, `--nsync-log`) stands for its component. Where only the other component's
/// file was named, that one is searched for both kinds: nobody who names a file wants another one searched.
pub(crate) fn series(kinds: &[RequestKind], logs: &LogOptions) -> Result<Vec<Series>, Vec<PathBuf>> {
    let folders = match &logs.logs {
        Some(folder) => vec![folder.clone()],
        None => default_folders(),
    };
    let mut found: Vec<Series> = Vec::new();
    for kind in kinds {
        let (own, other) = match kind {
            RequestKind::Staging => (&logs.stager_log, &logs.nsync_log),
            RequestKind::Launch => (&logs.nsync_log, &logs.stager_log),
        };
        let named = own.as_ref().or(if logs.logs.is_none() { other.as_ref() } else { None });
        let of_kind = if let Some(file) = named {
            vec![named_file(file)]
        } else {
            let folder = folders.iter().find(|folder| folder.is_dir());
            folder.map(|folder| in_folder(*kind, folder)).unwrap_or_default()
        };
        for series in of_kind {
            if !found.contains(&series) {
                found.push(series);
            }
        }
    }
    if found.is_empty() { Err(folders) } else { Ok(found) }
}

/// Empty without a home folder: the working directory is none.
fn default_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    home.iter().flat_map(|home| DEFAULT_FOLDERS.map(|folder| home.join(folder))).collect()
}

fn named_file(file: &Path) -> Series {
    if file == Path::new("-") {
        return vec![LogFile::StandardInput];
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut series = vec![LogFile::File(file.to_owned())];
    if let Some(name) = file.file_name() {
        let rotated = with_rotated(folder, name).into_iter().filter(|path| path.file_name() != Some(name));
        series.extend(rotated.map(LogFile::File));
    }
    series
}

fn in_folder(kind: RequestKind, folder: &Path) -> Vec<Series> {
    let of_component = |(own_folder, name): &(&str, &str)| {
        let name = OsStr::new(name);
        let nested = with_rotated(&folder.join(own_folder), name);
        let files = if nested.is_empty() { with_rotated(folder, name) } else { nested };
        files.into_iter().map(LogFile::File).collect::<Series>()
    };
    components(kind).iter().map(of_component).filter(|series| !series.is_empty()).collect()
}

/// The file `name` of a folder and its rotated neighbours, as far as they are there, the newest first.
fn with_rotated(folder: &Path, name: &OsStr) -> Vec<PathBuf> {
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
