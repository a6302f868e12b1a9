//! Standard input and pipes, which can be read once, while a search may want them twice: the requests in them are kept until
//! the program ends, each in a file that has no name. Noise is not kept, so a log of any length takes no room.

#![expect(clippy::disallowed_methods, reason = "the one place that reads requests from pipes")]

use super::backwards::Line;
use super::forms::RequestFilter;
use super::log_file::LogFile;
use super::part::Part;
use super::request::RequestKind;
use super::unpacked;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of requests that are kept at most.
const LARGEST: u64 = 4 << 30;

/// Records of a place that were not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// They were too long.
    pub(crate) overlong: u64,
    /// They were not kept, for they are no requests.
    pub(crate) noise: u64,
}

/// What a pipe held.
pub(crate) struct Kept {
    requests: File,
    passed: Passed,
    /// Why it was not read to its end.
    broken: Option<(io::ErrorKind, String)>,
}

/// By path; standard input has none.
static KEPT: Mutex<BTreeMap<Option<PathBuf>, Arc<Kept>>> = Mutex::new(BTreeMap::new());

/// What standard input or a pipe holds; it is read to its end when it is asked for the first time.
pub(crate) fn kept(log_file: &LogFile) -> io::Result<Arc<Kept>> {
    let path = log_file.path().map(ToOwned::to_owned);
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = all.get(&path) {
        return Ok(Arc::clone(kept));
    }
    let kept = Arc::new(match &path {
        Some(path) => keep(File::open(path)?)?,
        None => keep(io::stdin().lock())?,
    });
    all.insert(path, Arc::clone(&kept));
    Ok(kept)
}

fn keep(mut input: impl Read) -> io::Result<Kept> {
    let filter = RequestFilter::new(&[RequestKind::Staging, RequestKind::Launch, RequestKind::Task]);
    let mut requests = BufWriter::new(tempfile::tempfile()?);
    let (mut length, mut written, mut noise) = (0, Ok(()), 0);
    let read = unpacked::each_record(&mut input, &mut |record| {
        if !filter.may_match(record.bytes) {
            noise += 1;
        } else if written.is_ok() {
            length += record.bytes.len() as u64 + 1;
            written = if length > LARGEST {
                Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "it holds more than 4 GiB of requests; name a file instead",
                ))
            } else {
                requests.write_all(record.bytes).and_then(|()| requests.write_all(b"\n"))
            };
        }
    });
    written?;
    let requests = requests.into_inner().map_err(io::IntoInnerError::into_error)?;
    let (overlong, broken) = match read {
        Ok(overlong) => (overlong, None),
        Err(error) => (0, Some((error.kind(), error.to_string()))),
    };
    Ok(Kept { requests, passed: Passed { overlong, noise }, broken })
}

impl Kept {
    /// Gives each record that may be a request to `visit`, and back what was left out.
    pub(crate) fn each_record(&self, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<Passed> {
        // It was unpacked already: what a request looks like by its first bytes is its own affair.
        unpacked::records(Part::whole(&self.requests), visit)?;
        match &self.broken {
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Ok(self.passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_can_be_read_twice_and_noise_is_not_kept() {
        let input = "noise\n{\"data\":{\"taskDefinition\":{}}}\n{\n  \"rootfs\": 1\n}\nnoise";
        let kept = keep(input.as_bytes()).unwrap();
        for _ in 0..2 {
            let mut found = Vec::new();
            kept.each_record(&mut |line| found.push(String::from_utf8_lossy(line.bytes).into_owned())).unwrap();
            assert_eq!(found, ["{\"data\":{\"taskDefinition\":{}}}", "{\n  \"rootfs\": 1\n}"]);
        }
    }

    #[test]
    fn what_stands_in_front_of_a_damage_is_kept_and_the_damage_is_told_each_time() {
        let damaged = b"{\"rootfs\":1}\n".chain(Broken);
        let kept = keep(damaged).unwrap();
        for _ in 0..2 {
            let mut records = 0;
            let error = kept.each_record(&mut |_| records += 1).unwrap_err();
            assert_eq!((records, error.to_string().as_str()), (1, "broken"));
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
