//! Which files hold the requests. Lists folders; opens nothing.

#![expect(clippy::disallowed_methods, reason = "the one place that lists log folders and asks for HOME")]

use crate::requests::request::RequestKind;
use crate::requests::rotated::with_rotated;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Where requests are looked for; the same options in every command that looks for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    /// `--from`: files of requests in any form, folders of such, or `-` for standard input.
    pub(crate) from: Vec<PathBuf>,
    /// `--logs`: the folder of the components' logs, or the archive of it that `bosh logs` makes.
    pub(crate) logs: Option<PathBuf>,
    /// `--stager-log`: this file instead; `-` is standard input.
    pub(crate) stager_log: Option<PathBuf>,
    /// `--nsync-log`: this file instead; `-` is standard input.
    pub(crate) nsync_log: Option<PathBuf>,
}

impl LogOptions {
    /// Whether only `--from` says where.
    pub(crate) fn is_from_only(&self) -> bool {
        !self.from.is_empty() && self.logs.is_none() && self.stager_log.is_none() && self.nsync_log.is_none()
    }
}

/// What the two places under the home folder are called, in the order of preference.
const DEFAULT_FOLDERS: [&str; 2] = [".run/log", ".run/logs"];
/// Where a folder may hold a component's folder: itself, or as BOSH has it on a machine.
const WITHIN: [&str; 4] = ["diego-cc-bridge", "", "sys/log", "var/vcap/sys/log"];
/// Folders within folders that `--from` looks into.
const DEEPEST: usize = 8;
/// Files that `--from DIR` takes at most.
const MOST_FILES: usize = 10_000;

/// The components that write requests of a kind: the folder of each, and its log.
const fn components(kind: RequestKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        RequestKind::Staging => &[("stager", "stager.stdout.log")],
        RequestKind::Launch => &[("nsync", "nsync_listener.stdout.log"), ("nsync", "nsync_bulker.stdout.log")],
        RequestKind::Task => &[],
    }
}

/// One place of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// A file, packed or not, or a pipe.
    File(PathBuf),
    /// The same, found in a folder that was named: nobody asked for it in particular.
    Listed(PathBuf),
    /// Standard input.
    StandardInput,
}

impl std::fmt::Display for LogFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) | Self::Listed(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

impl LogFile {
    /// Where it is; `None` for standard input.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Listed(path) => Some(path),
            Self::StandardInput => None,
        }
    }

    fn named(path: &Path) -> Self {
        if path == Path::new("-") { Self::StandardInput } else { Self::File(path.to_owned()) }
    }
}

/// One component's log: the file that is being written and its rotated neighbours, the newest first. Never empty.
pub(crate) type Series = Vec<LogFile>;

/// The places that may hold requests of any of `kinds`, or, where there are none, the folders that were looked into.
///
/// A file that was named (`--stager-log`, `--nsync-log`) stands for its component. Where only the other component's
/// file was named, that one is searched for both kinds: nobody who names a file wants another one searched. For the same
/// reason the default folders are not looked into where `--from` names something.
pub(crate) fn series(kinds: &[RequestKind], logs: &LogOptions) -> Result<Vec<Series>, Vec<PathBuf>> {
    let folders = match &logs.logs {
        Some(folder) => vec![folder.clone()],
        None if logs.from.is_empty() => default_folders(),
        None => Vec::new(),
    };
    let mut found: Vec<Series> = Vec::new();
    let mut add = |series: Series| {
        if !found.contains(&series) {
            found.push(series);
        }
    };
    let files =
        logs.from.iter().flat_map(|path| if path.is_dir() { files_in(path) } else { vec![LogFile::named(path)] });
    files.for_each(|file| add(vec![file]));
    for kind in kinds {
        let (own, other) = match kind {
            RequestKind::Staging => (&logs.stager_log, &logs.nsync_log),
            RequestKind::Launch => (&logs.nsync_log, &logs.stager_log),
            RequestKind::Task => continue,
        };
        let named = own.as_ref().or(if logs.logs.is_none() { other.as_ref() } else { None });
        if let Some(file) = named {
            add(named_file(file));
        } else if let Some(folder) = folders.iter().find(|folder| folder.is_dir()) {
            in_folder(*kind, folder).into_iter().for_each(&mut add);
        } else if let Some(archive) = logs.logs.as_ref().filter(|path| path.is_file()) {
            add(vec![LogFile::named(archive)]);
        }
    }
    if found.is_empty() { Err(if folders.is_empty() { logs.from.clone() } else { folders }) } else { Ok(found) }
}

/// Empty without a home folder: the working directory is none.
fn default_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    home.iter().flat_map(|home| DEFAULT_FOLDERS.map(|folder| home.join(folder))).collect()
}

fn named_file(file: &Path) -> Series {
    let named = LogFile::named(file);
    let mut series = vec![named.clone()];
    if let (LogFile::File(_), Some(name)) = (named, file.file_name()) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let rotated = with_rotated(folder, name).into_iter().filter(|path| path.file_name() != Some(name));
        series.extend(rotated.map(LogFile::File));
    }
    series
}

/// The logs of the components in the first folder that has any, and the archives of `bosh logs` directly in the folder.
fn in_folder(kind: RequestKind, folder: &Path) -> Vec<Series> {
    let of_component = |(own_folder, name): &(&str, &str)| {
        let places = WITHIN.iter().map(|within| folder.join(within).join(own_folder)).chain([folder.to_owned()]);
        let files = places.map(|place| with_rotated(&place, OsStr::new(name))).find(|files| !files.is_empty());
        files.unwrap_or_default().into_iter().map(LogFile::File).collect::<Series>()
    };
    let logs = components(kind).iter().map(of_component).filter(|series| !series.is_empty());
    let archives = entries(folder).into_iter().filter(|path| {
        let is_archive = |ending| path.extension() == Some(OsStr::new(ending));
        is_archive("tgz") && path.is_file()
    });
    logs.chain(archives.map(|path| vec![LogFile::File(path)])).collect()
}

/// All files of a folder and of those in it, whatever they are called, in the order of their names. Links to folders are not
/// followed.
fn files_in(folder: &Path) -> Vec<LogFile> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), DEEPEST)];
    while let Some((folder, depth)) = folders.pop() {
        for path in entries(&folder) {
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link && depth > 0 {
                folders.push((path, depth - 1));
            } else if path.is_file() && files.len() < MOST_FILES {
                files.push(LogFile::Listed(path));
            }
        }
    }
    files
}

/// What is in a folder, in the order of the names; nothing where it cannot be listed.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_requests_is_taken_whole_and_links_out_of_it_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("from/deeper")).unwrap();
        fs::create_dir_all(at("elsewhere")).unwrap();
        for file in ["from/b.json", "from/a.tgz", "from/deeper/c", "elsewhere/d"] {
            fs::write(at(file), "").unwrap();
        }
        std::os::unix::fs::symlink(at("elsewhere"), at("from/link")).unwrap();
        let logs = LogOptions { from: vec![at("from"), "-".into()], ..LogOptions::default() };
        let found = series(&[RequestKind::Staging, RequestKind::Launch], &logs).unwrap();
        let expected = ["from/a.tgz", "from/b.json", "from/deeper/c"].map(|file| vec![LogFile::Listed(at(file))]);
        assert_eq!(found, [&expected[..], &[vec![LogFile::StandardInput]]].concat());
    }

    #[test]
    fn an_empty_folder_of_requests_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogOptions { from: vec![folder.path().to_owned()], ..LogOptions::default() };
        assert_eq!(series(&[RequestKind::Launch], &logs), Err(vec![folder.path().to_owned()]));
    }
}
