//! What is wanted of apps, where the cell keeps it: in its volume, which only an engine's container sees. It is read out of the cell's
//! container. A change is put beside what is there, and the cell's own program, in its container or for a moment in another, takes it, under the folder's lock and only if nothing
//! else was changed meanwhile. Values go in the archive and in no command line.

use super::find::find;
use crate::engine::{ContainerId, Engine, EngineError, Input};
use crate::labels;
use crate::owner::Owner;
use crate::plan::cell::{APPS, FOLDER, PROGRAM, helper};
use crate::wishes::{Keep, LARGEST};
use shared_model::plain_line::escape_control;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// How long the cell may take to take a change.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of what it says.
const LONGEST_ANSWER: usize = 4096;
/// What the cell's program says of a change that it took.
pub(crate) const REPLACED: &str = "replaced";
/// What it says of one that it did not, because something else is there.
pub(crate) const ANOTHER: &str = "another";
/// Where a change would name what it knows, or what it brings, and there is nothing: no digest and no name of ours, nor an option.
pub(crate) const NOTHING: &str = "none";
/// Where changes are put until they are taken.
pub(crate) const INCOMING: &str = "incoming";

/// The folder of an engine's cell.
pub(crate) struct ThroughCell<'a> {
    engine: &'a dyn Engine,
    cell: ContainerId,
}

impl<'a> ThroughCell<'a> {
    /// Of this engine, whose cell is this container.
    pub(crate) const fn new(engine: &'a dyn Engine, cell: ContainerId) -> Self {
        Self { engine, cell }
    }

    /// Gives the files of the cell's folder with their names.
    fn files(&self, path: &str, hear: &mut dyn FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()> {
        let archive = match self.engine.copy_out(&self.cell, path) {
            Err(EngineError::NotFound { .. }) => return Ok(()),
            archive => archive.map_err(io::Error::other)?,
        };
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries()? {
            let entry = entry?;
            let path = entry.path()?;
            let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let Some(name) = name.filter(|name| is_file_name(name) && entry.header().entry_type().is_file()) else {
                continue;
            };
            let mut content = Vec::new();
            entry.take(LARGEST as u64 + 1).read_to_end(&mut content)?;
            hear(name, Ok(content));
        }
        Ok(())
    }
}

impl Keep for ThroughCell<'_> {
    fn each(&self, hear: &mut dyn FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()> {
        self.files(&format!("{FOLDER}/{APPS}"), hear)
    }

    fn one(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut found = None;
        self.files(&format!("{FOLDER}/{APPS}/{name}"), &mut |is, bytes| {
            if is == name {
                found = bytes.ok();
            }
        })?;
        Ok(found)
    }

    fn replace(&self, name: &str, before: Option<&str>, new: Option<&[u8]>) -> io::Result<bool> {
        let incoming = Uuid::new_v4().to_string();
        if let Some(content) = new {
            let archive = archive([(format!("{INCOMING}/{incoming}"), content)])?;
            self.engine.copy_in(&self.cell, FOLDER, archive).map_err(io::Error::other)?;
        }
        let incoming = if new.is_some() { &*incoming } else { NOTHING };
        match ask(self.engine, &["cell", "run", "keep", name, incoming, before.unwrap_or(NOTHING)])?.as_str() {
            REPLACED => Ok(true),
            ANOTHER => Ok(false),
            said => Err(io::Error::other(format!("the cell did not take it: {}", escape_control(said)))),
        }
    }
}

/// Has the cell's program do something in the cell's folder, whether the cell runs or not; what it says.
pub(super) fn ask(engine: &dyn Engine, words: &[&str]) -> io::Result<String> {
    let missing = || io::Error::other("the cell, which keeps it, is gone");
    let found = find(engine).map_err(io::Error::other)?.ok_or_else(missing)?;
    let (status, output) = if found.running {
        let words: Vec<String> = std::iter::once(PROGRAM).chain(words.iter().copied()).map(str::to_owned).collect();
        let done = engine.exec(&found.id, &words, PATIENCE).map_err(io::Error::other)?;
        (done.status, done.output)
    } else {
        let mut spec = helper(&found.image.0, words);
        spec.labels.insert(labels::OWNER.to_owned(), Owner::ourselves().to_string());
        let container = engine.create(None, &spec).map_err(io::Error::other)?;
        let mut output = Vec::new();
        let keep = &mut |_, piece: &[u8]| output.extend(piece.iter().take(LONGEST_ANSWER.saturating_sub(output.len())));
        let done = engine.run(&container, Input::Whole(b""), keep);
        // Who cannot remove it here leaves it to the next command.
        let _ = engine.remove(&container);
        (Some(done.map_err(io::Error::other)?), output)
    };
    let said = String::from_utf8_lossy(&output).trim().to_owned();
    if status == Some(0) { Ok(said) } else { Err(io::Error::other(escape_control(&said).into_owned())) }
}

/// Files of root's alone as a tar.
pub(super) fn archive<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, Path::new(&path), content)?;
    }
    archive.into_inner()
}

/// Whether it is a name that [`crate::wishes::name`] gives, and not one of an unfinished file or of the lock.
pub(crate) fn is_file_name(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|stem| !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
