//! Takes the file out of a multipart upload, spooled and summed.

use std::io::Write;
use std::path::Path;

use axum::extract::Multipart;
use tempfile::NamedTempFile;

use crate::digest::{Sums, SumsHasher};

/// A file that was received; it vanishes unless it is moved to its place.
pub(crate) struct Received {
    /// On the same file system as its place.
    pub(crate) file: NamedTempFile,
    /// Its checksums.
    pub(crate) sums: Sums,
}

/// Reads the whole body, whatever is in it, since a client that is answered early sees only a broken
/// connection. `Ok(None)` when there is no part `file`. Errors are for the answer's text.
pub(crate) async fn receive(mut multipart: Multipart, folder: &Path) -> Result<Option<Received>, String> {
    let mut received = None;
    while let Some(mut field) = multipart.next_field().await.map_err(|error| error.body_text())? {
        let wanted = field.name() == Some("file") && field.file_name().is_some();
        let mut file = NamedTempFile::new_in(folder).map_err(|error| error.to_string())?;
        let mut digests = SumsHasher::default();
        while let Some(chunk) = field.chunk().await.map_err(|error| error.body_text())? {
            digests.update(&chunk);
            file.write_all(&chunk).map_err(|error| error.to_string())?;
        }
        if wanted {
            received = Some(Received { file, sums: digests.finish() });
        }
    }
    Ok(received)
}
