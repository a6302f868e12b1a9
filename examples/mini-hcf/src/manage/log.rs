//! The components' log files, where HCF keeps them below its log folder.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::request::json::Json;
use crate::request::lager::{LagerMessage, Level, line};
use crate::state::State;

/// The component whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogSource {
    /// The stager, which turns a push into a staging request.
    Stager,
    /// The listener of nsync, which turns a staged app into a launch request.
    NsyncListener,
}

impl LogSource {
    /// The file's place in a log folder.
    pub(crate) fn file(self) -> &'static str {
        match self {
            LogSource::Stager => "diego-cc-bridge/stager/stager.stdout.log",
            LogSource::NsyncListener => "diego-cc-bridge/nsync/nsync_listener.stdout.log",
        }
    }

    /// What it prints when it starts.
    fn greeting(self, nanoseconds: i128) -> String {
        let (source, text) = match self {
            LogSource::Stager => ("stager", "starting"),
            LogSource::NsyncListener => ("nsync-listener", "started"),
        };
        line(nanoseconds, source, LagerMessage { text, level: Level::Info, data: Vec::<(_, Json)>::new() })
    }
}

/// The file itself.
pub(crate) fn path(state: &State, component: LogSource) -> PathBuf {
    state.path("log").join(component.file())
}

/// Appends lines in one write, so that a reader never sees half of one. A new file begins with what the
/// component prints when it starts, a moment before.
pub(crate) fn append(state: &State, component: LogSource, nanoseconds: i128, lines: &[String]) -> Result<(), Failure> {
    let path = path(state, component);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
    let greeting = (!path.exists()).then(|| component.greeting(nanoseconds - 1_000_000_000));
    let text: String = greeting.iter().chain(lines).flat_map(|line| [line.as_str(), "\n"]).collect();
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = file.map_err(Failure::file("open", &path))?;
    file.write_all(text.as_bytes()).map_err(Failure::file("write", &path))
}
