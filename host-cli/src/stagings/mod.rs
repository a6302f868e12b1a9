//! What was said in an app's last staging: one file an app, for its user alone, written whole when the staging has ended, or not at all.
//! `host-cli logs` shows it among the app's lines.
//!
//! [`Record`] hears what a session says. [`said_of`] reads what one has kept. `secrets`: what is not kept.

#![expect(clippy::disallowed_methods, reason = "the leaf that keeps what was said in stagings")]

mod secrets;

use crate::app_ref::{AnswersBy, AppRef};
use crate::plan::apps::LogLine;
use crate::{state_folder, unfinished};
use jiff::Timestamp;
use secrets::Secrets;
use serde::{Deserialize, Serialize};
use shared_model::action::{Action, RunAction};
use shared_model::application::Application;
use shared_model::event::{Event, Stream};
use shared_model::task::TaskDefinition;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes of a staging's lines that are kept, the newest ones, as its file has them. A builder writes some kilobytes.
const MOST_BYTES: usize = 1 << 20;
/// The bytes of a file that are read: before its lines stands whose they are.
const LARGEST: u64 = 2 << 20;
/// Apps whose last staging is kept, the newest ones.
const MOST_APPS: usize = 1000;
/// What is kept of a staging whose lines may hold anything.
const UNTOLD: &str = "(what was said is not kept: the request holds more secrets than can be looked for in it)";
/// The form of the files that this program writes.
const FORM: u32 = 1;
/// How the names of unfinished files begin.
const UNFINISHED: &str = ".staging-";
/// What the names of the others end with.
const END: &str = "log";
/// Under what log source Diego shows a staging.
const SOURCE: &str = "STG/0";

/// What is said in a staging that goes on.
pub(crate) struct Record {
    folder: PathBuf,
    head: Head,
    /// `None`: there are more than can be looked for, and [`UNTOLD`] is all that is kept.
    secrets: Option<Secrets>,
    lines: Mutex<Lines>,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    form: u32,
    /// The app's guid; never empty.
    guid: String,
    /// The app's name.
    name: String,
}

/// Each line after it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    time: Timestamp,
    stream: Stream,
    text: String,
}

#[derive(Default)]
struct Lines {
    /// As the file has them, each with its end.
    kept: VecDeque<String>,
    bytes: usize,
}

impl Record {
    /// Of a staging that begins; `None`: there is no folder for it, or nobody knows which app it is.
    pub(crate) fn begin(task: &TaskDefinition) -> Option<Self> {
        Self::begin_in(state_folder::of_stagings()?, task)
    }

    fn begin_in(folder: PathBuf, task: &TaskDefinition) -> Option<Self> {
        let Application { guid, name, .. } = task.application();
        let of_runs = task.action.iter().flat_map(Action::runs).flat_map(RunAction::environment);
        let secrets = Secrets::among(task.environment().iter().chain(of_runs), task.mounted_files());
        let head = Head { form: FORM, guid, name };
        (!head.guid.is_empty()).then(|| Self { folder, head, secrets, lines: Mutex::default() })
    }

    /// Takes in what is said.
    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::Progress { text, failed: true, .. } => self.add(Stream::Err, text),
            Event::Progress { text, .. } => self.add(Stream::Out, text),
            Event::Line { stream, text, .. } => self.add(*stream, text),
            _ => {}
        }
    }

    fn add(&self, stream: Stream, text: &str) {
        let mut lines = self.lines();
        let text = match &self.secrets {
            Some(secrets) => secrets.hide(text),
            None if lines.kept.is_empty() => UNTOLD.to_owned(),
            None => return,
        };
        let Ok(line) = serde_json::to_string(&Line { time: Timestamp::now(), stream, text }) else { return };
        let line = line + "\n";
        lines.bytes += line.len();
        lines.kept.push_back(line);
        while lines.bytes > MOST_BYTES
            && let Some(oldest) = lines.kept.pop_front()
        {
            lines.bytes -= oldest.len();
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The staging has ended, with this failure where it failed: what was said takes the place of what was said in the one before.
    pub(crate) fn end(&self, failure: Option<&str>) -> io::Result<()> {
        if let Some(failure) = failure {
            self.add(Stream::Err, failure);
        }
        let lines = std::mem::take(&mut *self.lines());
        if lines.kept.is_empty() {
            return Ok(());
        }
        state_folder::make(&self.folder)?;
        if !state_folder::is_ours(&self.folder) {
            return Err(io::Error::other("others may write to the folder"));
        }
        unfinished::replace(&self.folder.join(name(&self.head.guid)), UNFINISHED, |file| {
            let mut out = BufWriter::new(file);
            writeln!(out, "{}", serde_json::to_string(&self.head)?)?;
            for line in &lines.kept {
                out.write_all(line.as_bytes())?;
            }
            out.flush()
        })?;
        state_folder::forget_the_oldest(&self.folder, MOST_APPS)
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|end| end == END))
}

/// What was said in an app's last staging.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// The app's guid.
    pub(crate) guid: String,
    /// The app's name.
    pub(crate) name: String,
    /// In order; empty: nothing was kept.
    pub(crate) lines: Vec<LogLine>,
}

/// What was said in the last staging of the app with this guid.
pub(crate) fn said_of(guid: &str) -> Said {
    state_folder::of_stagings().and_then(|folder| said_in(&folder, guid)).unwrap_or_default()
}

fn said_in(folder: &Path, guid: &str) -> Option<Said> {
    read(&folder.join(name(guid)), true).filter(|said| said.guid == guid && state_folder::is_ours(folder))
}

/// The apps that are meant, of whose last staging something is kept; all of them by the same strength.
pub(crate) fn meant(app: &AppRef) -> Vec<Application> {
    state_folder::of_stagings().map(|folder| meant_in(&folder, app)).unwrap_or_default()
}

fn meant_in(folder: &Path, app: &AppRef) -> Vec<Application> {
    if !state_folder::is_ours(folder) {
        return Vec::new();
    }
    let heads = files(folder).filter_map(|path| read(&path, false));
    let known = heads.map(|Said { guid, name, .. }| Application { guid, name, ..Application::default() });
    let meant: Vec<(AnswersBy, Application)> = known.filter_map(|one| Some((app.means(&one)?, one))).collect();
    let strongest = meant.iter().map(|(by, _)| *by).min();
    meant.into_iter().filter(|(by, _)| Some(*by) == strongest).map(|(_, one)| one).collect()
}

/// Forgets what was said in an app's staging.
pub(crate) fn forget(guid: &str) -> io::Result<()> {
    let Some(folder) = state_folder::of_stagings() else { return Ok(()) };
    match fs::remove_file(folder.join(name(guid))) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `None`: it is no such file, or of a form that a newer program has written. A line that is damaged is left out; without `whole` all are.
fn read(path: &Path, whole: bool) -> Option<Said> {
    let mut file = BufReader::new(File::open(path).ok()?.take(LARGEST));
    let mut bytes = Vec::new();
    file.read_until(b'\n', &mut bytes).ok()?;
    let Head { guid, name, .. } = serde_json::from_slice(&bytes).ok().filter(|head: &Head| head.form == FORM)?;
    let mut rest = Vec::new();
    if whole {
        file.read_to_end(&mut rest).ok()?;
    }
    let source: Arc<str> = SOURCE.into();
    let line = |Line { time, stream, text }| LogLine { time: Some(time), source: Arc::clone(&source), stream, text };
    let lines = rest.split(|byte| *byte == b'\n').filter_map(|text| serde_json::from_slice(text).ok()).map(line);
    Some(Said { guid, name, lines: lines.collect() })
}

/// The file's name for an app's guid, which may be any text.
fn name(guid: &str) -> String {
    format!("{}.{END}", state_folder::file_name(guid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    fn task(guid: &str, name: &str) -> TaskDefinition {
        let application = json!({"application_name": name}).to_string();
        let services = r#"{"db": [{"credentials": {"password": "hunter22"}}]}"#;
        let environment =
            json!([{"name": "VCAP_APPLICATION", "value": application}, {"name": "VCAP_SERVICES", "value": services}]);
        serde_json::from_value(json!({
            "log_guid": guid,
            "action": {"run": {"path": "/tmp/lifecycle/builder", "user": "vcap", "env": environment}},
        }))
        .unwrap()
    }

    /// A staging of this app in which these lines were printed.
    fn staged(folder: &Path, (guid, name): (&str, &str), lines: &[&str]) {
        let record = Record::begin_in(folder.to_owned(), &task(guid, name)).unwrap();
        for line in lines {
            record.hear(&Event::Line { source: "STG".into(), stream: Stream::Out, text: (*line).to_owned() });
        }
        record.hear(&Event::Note { text: "no line of the app's".into() });
        record.end(None).unwrap();
    }

    fn said(folder: &Path, guid: &str) -> Vec<String> {
        said_in(folder, guid).unwrap_or_default().lines.into_iter().map(|line| line.text).collect()
    }

    fn meant(folder: &Path, word: &str) -> Vec<String> {
        let mut guids: Vec<String> =
            meant_in(folder, &AppRef::word(word)).into_iter().map(|application| application.guid).collect();
        guids.sort();
        guids
    }

    #[test]
    fn the_last_staging_is_kept_for_its_user_alone_and_without_what_is_secret() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        staged(&folder, ("g1", "app"), &["once"]);
        staged(&folder, ("g1", "app"), &["with hunter22", "twice"]);
        assert_eq!(said(&folder, "g1"), ["with ***", "twice"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(name("g1")))), (0o700, 0o600));
        // One that ended before a word was said, and one that was killed, leave the one before.
        staged(&folder, ("g1", "app"), &[]);
        Record::begin_in(folder.clone(), &task("g1", "app")).unwrap().hear(&Event::Progress {
            source: "STG".into(),
            text: "lost".into(),
            failed: false,
        });
        assert_eq!(said(&folder, "g1").len(), 2);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn who_is_meant_is_found_by_guid_and_by_name_and_several_are_told() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        assert!(meant(&folder, "app").is_empty());
        staged(&folder, ("g1", "app"), &["of g1"]);
        staged(&folder, ("g2", "app"), &["of g2"]);
        staged(&folder, ("g3", "g1"), &["of one that is called as another's guid"]);
        assert_eq!(
            (meant(&folder, "g1"), meant(&folder, "app")),
            (vec!["g1".into()], vec!["g1".to_owned(), "g2".into()])
        );
        assert!(meant(&folder, "other").is_empty() && meant(&folder, "").is_empty());
        assert_eq!(said(&folder, "g2"), ["of g2"]);
        assert!(said(&folder, "app").is_empty(), "a name is no guid");
        assert!(Record::begin_in(folder, &task("", "app")).is_none());
    }

    #[test]
    fn why_a_staging_failed_is_its_last_line_also_where_nothing_else_was_said() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        staged(&folder, ("g1", "app"), &["went well"]);
        let record = Record::begin_in(folder.clone(), &task("g1", "app")).unwrap();
        record.end(Some("the network hcf is not there")).unwrap();
        assert_eq!(said(&folder, "g1"), ["the network hcf is not there"]);
        assert_eq!(said_in(&folder, "g1").unwrap().lines[0].stream, Stream::Err);
    }

    #[test]
    fn a_staging_with_more_secrets_than_can_be_hidden_keeps_no_line_and_takes_the_place_of_the_one_before() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        staged(&folder, ("g1", "app"), &["of the one before"]);
        let mut task = task("g1", "app");
        let value: String = (0..MOST_BYTES / 5).map(|number| number.to_string()).collect();
        task.action = serde_json::from_value(json!({"run": {
            "path": "/tmp/lifecycle/builder", "user": "vcap", "env": [{"name": "TOKEN", "value": value}],
        }}))
        .unwrap();
        let record = Record::begin_in(folder.clone(), &task).unwrap();
        record.add(Stream::Out, "once");
        record.end(Some("twice")).unwrap();
        assert_eq!(said(&folder, "g1"), [UNTOLD]);
    }

    #[test]
    fn the_oldest_are_forgotten_where_there_are_too_many() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        for guid in ["g1", "g2", "g3"] {
            staged(&folder, (guid, "app"), &["x"]);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        state_folder::forget_the_oldest(&folder, 2).unwrap();
        assert_eq!(meant(&folder, "app"), ["g2", "g3"]);
    }

    #[test]
    fn the_newest_lines_of_a_long_staging_are_kept() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        let long = "x".repeat(MOST_BYTES / 4 - 64);
        staged(&folder, ("g1", "app"), &[&long, "second", &long, &long, &long, "last"]);
        let said = said(&folder, "g1");
        assert_eq!((said.len(), said[0].as_str(), said[4].as_str()), (5, "second", "last"));
        // Short ones and such as are escaped take no more.
        for text in ["x", "\u{1b}", "\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}"] {
            let record = Record::begin_in(folder.clone(), &task("g1", "app")).unwrap();
            (0..MOST_BYTES / 50).for_each(|_| record.add(Stream::Out, text));
            record.add(Stream::Out, "last");
            record.end(None).unwrap();
            assert!(fs::metadata(folder.join(name("g1"))).unwrap().len() < (MOST_BYTES + 4096) as u64);
            let lines = super::said_in(&folder, "g1").unwrap().lines;
            assert!(lines.len() > 1000 && lines.last().unwrap().text == "last", "{} of {text:?}", lines.len());
        }
    }

    #[test]
    fn what_is_damaged_newer_or_written_by_others_is_not_shown() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("stagings");
        staged(&folder, ("g1", "app"), &["one", "two"]);
        let file = folder.join(name("g1"));
        let whole = fs::read_to_string(&file).unwrap();
        for (text, lines) in [
            (whole.replace("\"form\":1", "\"form\":2"), 0),
            (whole[..whole.len() - 3].to_owned(), 1),
            (whole[3..].to_owned(), 0),
            (String::new(), 0),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(said(&folder, "g1").len(), lines);
        }
        fs::write(&file, whole).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(said(&folder, "g1").is_empty());
    }
}
