//! What is asked of the cell in its container: to take a change of what is wanted of an app, and to keep nothing any more.

#![expect(clippy::disallowed_methods, reason = "the leaf that has its way in the cell's folder")]

use crate::backend::docker::cell::{ANOTHER, INCOMING, NOTHING, REPLACED, is_file_name};
use crate::failure::Failure;
use crate::plan::cell::{APPS, CLOSED};
use crate::state_folder;
use crate::wishes::{Folder, digest_of_all, whole};
use shared_model::exit_code::ExitCode;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Where all that was kept goes at once, before it is removed.
const LEFT: &str = "left";

/// Makes the folder with what must be in it. What a killed host-cli has put there and not had taken goes.
pub(super) fn prepare(folder: &Path) -> Result<(), Failure> {
    let incoming = folder.join(INCOMING);
    let opened = fs::remove_file(folder.join(CLOSED)).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let made = opened.and_then(|()| remove(&incoming)).and_then(|()| remove(&folder.join(LEFT)));
    let made = made.and_then(|()| state_folder::make(&incoming));
    made.map_err(|error| failed("cannot make the cell's folder", &error))
}

/// Does what these words ask for; what is to be answered.
pub(super) fn serve(folder: &Path, words: &[String]) -> Result<&'static str, Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["keep", name, change, before] if is_file_name(name) && is_change(change) => {
            keep(folder, name, change, Some(before).filter(|before| *before != NOTHING))
        }
        ["clear", digest] => clear(folder, digest),
        _ => {
            let text = "`cell run` takes nothing, keep FILE CHANGE DIGEST, or clear DIGEST";
            return Err(Failure::new(ExitCode::CommandLine, text, ""));
        }
    };
    outcome.map_err(|error| failed("the cell cannot change what it keeps", &error))
}

fn keep(folder: &Path, name: &str, change: &str, before: Option<&str>) -> io::Result<&'static str> {
    let kept = Folder::at(folder.join(APPS));
    let replace = |new: Option<&[u8]>| {
        kept.while_locked(|| {
            if folder.join(CLOSED).exists() {
                return Err(io::Error::other("the cell is being stopped; try again when it has ended"));
            }
            kept.replace_locked(name, before, new)
        })
    };
    let is_replaced = if change == NOTHING {
        replace(None)?
    } else {
        let change = folder.join(INCOMING).join(change);
        let is_replaced = fs::read(&change).and_then(|new| replace(Some(&new)));
        fs::remove_file(&change)?;
        is_replaced?
    };
    Ok(if is_replaced { REPLACED } else { ANOTHER })
}

/// Keeps nothing any more, if what is kept has this digest, and takes nothing until a cell starts again. All at once: who looks meanwhile
/// sees all of it or nothing.
fn clear(folder: &Path, digest: &str) -> io::Result<&'static str> {
    let kept = Folder::at(folder.join(APPS));
    let is_cleared = kept.while_locked(|| {
        if digest_of_all(&whole(&kept)?) != digest {
            return Ok(false);
        }
        File::create(folder.join(CLOSED))?;
        fs::rename(folder.join(APPS), folder.join(LEFT)).map(|()| true)
    })?;
    remove(&folder.join(LEFT))?;
    Ok(if is_cleared { REPLACED } else { ANOTHER })
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether it is a file of ours among the incoming ones, or none.
fn is_change(word: &str) -> bool {
    word == NOTHING || !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(ExitCode::Engine, format!("{what}: {error}"), "is there room on the engine's disk?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Invocation;
    use crate::arguments::{Cell, CellCommand, Command};
    use crate::wishes::{Keep, digest};
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    fn served(folder: &Path, words: &[&str]) -> Result<&'static str, Failure> {
        // By the way on which they come.
        let typed = ["host-cli", "cell", "run"].iter().chain(words).map(OsString::from);
        match Invocation::read(typed)?.command {
            Command::Cell(Cell { command: CellCommand::Run(run) }) => serve(folder, &run.words),
            _ => unreachable!("another command"),
        }
    }

    #[test]
    fn a_change_is_taken_only_by_who_knows_what_it_replaces_and_its_own_file_goes_in_any_case() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("cell");
        prepare(&folder).unwrap();
        let bring = |name: &str, content: &str| fs::write(folder.join(INCOMING).join(name), content).unwrap();
        bring("1-a", "one");
        assert_eq!(served(&folder, &["keep", "0a.json", "1-a", NOTHING]), Ok(REPLACED));
        bring("1-b", "two");
        assert_eq!(served(&folder, &["keep", "0a.json", "1-b", NOTHING]), Ok(ANOTHER));
        bring("1-c", "three");
        assert_eq!(served(&folder, &["keep", "0a.json", "1-c", &digest(b"one")]), Ok(REPLACED));
        let kept = Folder::at(folder.join(APPS));
        assert_eq!(kept.one("0a.json").unwrap().unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.join(INCOMING)).unwrap().count(), 0);
        assert_eq!(served(&folder, &["keep", "0a.json", NOTHING, &digest(b"three")]), Ok(REPLACED));
        assert_eq!(kept.one("0a.json").unwrap(), None);
    }

    #[test]
    fn nothing_is_kept_any_more_after_clear_and_no_name_leads_elsewhere() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("cell");
        prepare(&folder).unwrap();
        fs::write(folder.join(INCOMING).join("1"), "one").unwrap();
        served(&folder, &["keep", "0a.json", "1", NOTHING]).unwrap();
        fs::write(folder.join("crashes.json"), "{}").unwrap();
        let of = |name: &str, content: &[u8]| digest_of_all(&[(name.to_owned(), content.to_vec())].into());
        assert_eq!(served(&folder, &["clear", &of("0a.json", b"before")]), Ok(ANOTHER), "somebody has changed it");
        assert_eq!(served(&folder, &["clear", &of("0a.json", b"one")]), Ok(REPLACED));
        assert!(!folder.join(APPS).exists() && folder.join("crashes.json").exists());
        // Whoever comes too late is told, and nothing of his is lost unseen.
        fs::write(folder.join(INCOMING).join("2"), "late").unwrap();
        let late = served(&folder, &["keep", "0a.json", "2", NOTHING]).unwrap_err();
        assert!(late.text.contains("is being stopped"), "{}", late.text);
        assert_eq!(served(&folder, &["clear", &digest_of_all(&BTreeMap::new())]), Ok(REPLACED), "once more");
        prepare(&folder).unwrap();
        fs::write(folder.join(INCOMING).join("3"), "new").unwrap();
        assert_eq!(served(&folder, &["keep", "0a.json", "3", NOTHING]), Ok(REPLACED));
        for words in [
            &["keep", "../x.json", NOTHING, NOTHING][..],
            &["keep", "0a.json", "../crashes.json", NOTHING],
            &["rm"],
            &["keep"],
        ] {
            assert_eq!(served(&folder, words).unwrap_err().code, ExitCode::CommandLine, "{words:?}");
        }
    }
}
