//! A manifest on standard output, or in a file that nobody else may read.

#![expect(clippy::disallowed_methods, reason = "the leaf that writes the file which the user names")]

use crate::arguments::ManifestOutput;
use crate::backend::kubernetes::manifest::{Manifest, Secrets};
use crate::failure::Failure;
use crate::screen::{answer, trouble};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes it, and says what a cluster does otherwise and what is left out.
pub(super) fn write(manifest: &Manifest, output: ManifestOutput<'_>) -> Result<ExitCode, Failure> {
    let secrets = if output.with_secrets { Secrets::Whole } else { Secrets::Named };
    let bug =
        |error| Failure::new(ExitCode::Bug, format!("the objects cannot be written: {error}"), "please report this");
    let text = manifest.yaml(secrets).map_err(bug)?;
    let screen = trouble();
    for text in &manifest.notes {
        screen.emit(Event::Warning { text: text.clone() });
    }
    if let Some(text) = manifest.left_out().filter(|_| secrets == Secrets::Named) {
        screen.emit(Event::Note { text });
    }
    match output.to {
        None => answer::write(text.trim_end()),
        Some(path) => to_file(path, &text).map(|()| ExitCode::Success).map_err(|error| {
            let text = format!("{} cannot be written: {error}", escape_control(&path.to_string_lossy()));
            Failure::new(ExitCode::CommandLine, text, "give --to a file in a folder that you may write to")
        }),
    }
}

/// A new file in the place of what was there, with mode 0600 from the start.
fn to_file(path: &Path, text: &str) -> io::Result<()> {
    // A link or a device would be replaced.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is there, and no file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
