//! What comes out of a container is a tar stream about which only the engine is to be believed. Accepted is the one
//! regular file that was asked for.

use crate::image::entries::{Stopped, each_entry};
use crate::image::error::NO_ROOM;
use shared_model::plain_line::escape_control;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use tar::EntryType;

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopiedFileError {
    /// There was no entry at all.
    #[error("the container gave nothing for `{name}`")]
    Nothing { name: String },
    /// Another entry, or one of another kind.
    #[error("`{}`, {why}, is in the container instead of the file `{name}`", escape_control(.found))]
    Unasked { name: String, found: String, why: &'static str },
    /// More bytes than allowed.
    #[error("`{name}` in the container has {bytes} bytes, more than the {limit} that are allowed")]
    TooLarge { name: String, bytes: u64, limit: u64 },
    /// The stream broke off or is no tar.
    #[error("`{name}` cannot be taken out of the container: {reason}")]
    Broken { name: String, reason: String },
    /// There is no room for it here.
    #[error("`{name}` cannot be written to a temporary file: {reason}")]
    Spool { name: String, reason: String },
}

impl CopiedFileError {
    /// What to try.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Spool { .. } => NO_ROOM,
            Self::Broken { .. } => "is the engine still running? `restage --keep` lets you look at the file",
            Self::Nothing { .. } | Self::Unasked { .. } | Self::TooLarge { .. } => {
                "`restage --keep` lets you look at it"
            }
        }
    }
}

/// The file `name` (the last component of the path that was asked for) of at most `limit` bytes, as a file that has no
/// name, from its start.
pub(crate) fn single_file(stream: impl Read, name: &str, limit: u64) -> Result<File, CopiedFileError> {
    let name_owned = || name.to_owned();
    let spool = |error: io::Error| CopiedFileError::Spool { name: name_owned(), reason: error.to_string() };
    let broken = |error: &io::Error| CopiedFileError::Broken {
        name: name_owned(),
        reason: escape_control(&error.to_string()).into_owned(),
    };
    let mut taken: Option<File> = None;
    // More than the file's bytes and a few headers is no answer to our question; do not read on for ever.
    let bounded = stream.take(limit.saturating_add(1 << 20));
    let outcome = each_entry(bounded, |entry, content| {
        let unasked = |why| CopiedFileError::Unasked { name: name_owned(), found: entry.shown(), why };
        if entry.path != name.as_bytes() {
            return Err(unasked("another entry"));
        }
        if taken.is_some() {
            return Err(unasked("a second entry"));
        }
        if entry.kind != EntryType::Regular {
            return Err(unasked("not a regular file"));
        }
        if entry.size > limit {
            return Err(CopiedFileError::TooLarge { name: name_owned(), bytes: entry.size, limit });
        }
        let mut file = BufWriter::new(tempfile::tempfile().map_err(spool)?);
        copy(content, &mut file).map_err(|error| match error {
            Copy::Read(error) => broken(&error),
            Copy::Write(error) => spool(error),
        })?;
        taken = Some(file.into_inner().map_err(|error| spool(error.into_error()))?);
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(Stopped::Visitor(error)) => return Err(error),
        Err(Stopped::Archive(error)) => return Err(broken(&error)),
    }
    let mut file = taken.ok_or_else(|| CopiedFileError::Nothing { name: name_owned() })?;
    file.rewind().map_err(spool)?;
    Ok(file)
}

enum Copy {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut dyn Read, to: &mut impl Write) -> Result<(), Copy> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return to.flush().map_err(Copy::Write),
            Ok(length) => to.write_all(&buffer[..length]).map_err(Copy::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Copy::Read(error)),
        }
    }
}

#[cfg(test)]
mod tests;
