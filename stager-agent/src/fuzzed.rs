//! The parsers of the agent that strangers feed, each with what has to hold whatever the bytes are: a panic tells that
//! it does not. The targets of `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a target tells")]

pub use crate::build::fuzzed::builder_lines;
pub use crate::fetch::fuzzed::{gzip, tar, zip};

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
    use std::path::Path;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "reads the corpus")]
    fn what_has_to_hold_holds_for_the_corpus() {
        for (target, judge) in [
            ("builder_lines", super::builder_lines as fn(&[u8])),
            ("gzip", super::gzip),
            ("result_file", super::result_file),
            ("tar", super::tar),
            ("zip", super::zip),
        ] {
            let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/fuzz/corpus").join(target);
            let files: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(!files.is_empty(), "nothing is kept in {}", kept.display());
            for file in files {
                judge(&std::fs::read(&file).unwrap());
            }
        }
    }
}
