//! What the cell says of itself and of crashes: files of its volume, read out of its container, whether it runs or not.

use super::find::find;
use crate::cell::record_file::{self, LONGEST, RECORDS, STATUS};
use crate::cell::records::Records;
use crate::cell::status::Told;
use crate::engine::{ContainerId, Engine, EngineError};
use crate::failure::Failure;
use crate::plan::cell::FOLDER;
use shared_model::exit_code::ExitCode;
use std::io::Read;

/// What is known of the engine's cell; `None`: there is none.
pub(crate) fn told(engine: &dyn Engine) -> Result<Option<Told>, EngineError> {
    let Some(container) = find(engine)? else { return Ok(None) };
    let image = engine.image(&container.image.0)?.and_then(|image| image.tags.first().cloned());
    let image = image.unwrap_or_else(|| container.image.0.clone());
    let status = file(engine, &container.id, STATUS)?.and_then(|text| serde_json::from_slice(&text).ok());
    Ok(Some(Told { container, image, status }))
}

/// The crashes so far; `None`: there is no cell.
///
/// # Errors
/// They are damaged, or a newer cell wrote them.
pub(crate) fn records(engine: &dyn Engine) -> Result<Option<Records>, Failure> {
    let Some(cell) = find(engine)? else { return Ok(None) };
    let Some(text) = file(engine, &cell.id, RECORDS)? else { return Ok(Some(Records::default())) };
    record_file::read(&String::from_utf8_lossy(&text)).map(Some).map_err(|reason| {
        let text = format!("the crashes that the cell has counted cannot be read: {reason}");
        Failure::new(
            ExitCode::Engine,
            text,
            "`host-cli cell upgrade` replaces the cell by one of the stager image that is here",
        )
    })
}

/// One of the cell's files; `None`: there is none.
fn file(engine: &dyn Engine, cell: &ContainerId, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
    let archive = match engine.copy_out(cell, &format!("{FOLDER}/{name}")) {
        Err(EngineError::NotFound { .. }) => return Ok(None),
        archive => archive?,
    };
    let broken = |error: std::io::Error| EngineError::Refused {
        doing: format!("reading {name} of the cell"),
        reason: error.to_string(),
    };
    let mut archive = tar::Archive::new(archive);
    let Some(entry) = archive.entries().map_err(broken)?.next() else { return Ok(None) };
    let mut content = Vec::new();
    entry.map_err(broken)?.take(LONGEST).read_to_end(&mut content).map_err(broken)?;
    Ok(Some(content))
}
