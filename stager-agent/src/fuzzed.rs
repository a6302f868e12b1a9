//! The parsers of the agent that strangers feed, each with what has to hold whatever the bytes are: a panic tells that
//! it does not. The targets of `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a target tells")]

pub use crate::build::fuzzed::builder_lines;
pub use crate::unpack::fuzzed::{gzip, tar, zip};

use crate::result_file::{self, LARGEST, ResultError};
use std::io::Write as _;
use tempfile::NamedTempFile;

/// A result file, some of them repeated until they are too large.
pub fn result_file(bytes: &[u8]) {
    let Some((&times, bytes)) = bytes.split_first() else { return };
    let contents = bytes.repeat(usize::from(times));
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&contents).unwrap();
    match result_file::read(file.path(), &[]) {
        Ok(text) => assert!(text.as_bytes() == contents && contents.len() as u64 <= LARGEST),
        Err(ResultError::TooLong(_)) => assert!(contents.len() as u64 > LARGEST),
        Err(ResultError::NotText(_)) => assert!(std::str::from_utf8(&contents).is_err()),
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared_model::fuzzed::replay;
    use std::io::{Cursor, Read as _};
    use tarball::fuzzed::spelled;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    #[test]
    fn what_has_to_hold_holds_for_the_corpus() {
        replay("builder_lines", builder_lines);
        replay("entries", |choices| tar(&spelled(choices)));
        replay("gzip", gzip);
        replay("result_file", result_file);
        replay("tar", tar);
        replay("zip", zip);
    }

    /// What a tar holds, as far as it can stand in a zip.
    fn zipped(archive: &[u8]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for entry in ::tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let link = entry.link_name_bytes().unwrap_or_default().into_owned();
            let options = SimpleFileOptions::default().unix_permissions(entry.header().mode().unwrap());
            // A name that is there already is refused.
            let _ = match entry.header().entry_type() {
                ::tar::EntryType::Directory => zip.add_directory(path, options),
                ::tar::EntryType::Symlink => zip.add_symlink(path, String::from_utf8_lossy(&link), options),
                _ => zip.start_file(path, options).and_then(|()| {
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content)?;
                    Ok(zip.write_all(&content)?)
                }),
            };
        }
        zip.finish().unwrap().into_inner()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })] // each unpacks several times

        #[test]
        fn unpacking_never_leaves_its_directory(choices in prop::collection::vec(any::<u8>(), 0..300)) {
            let archive = spelled(&choices);
            tar(&archive);
            super::zip(&zipped(&archive));
        }
    }
}
