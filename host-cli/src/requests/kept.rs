//! Standard input, which can be read once, while a search may want it twice: the requests in it are kept until the program
//! ends, in a file that has no name. Noise is not kept, so a log of any length takes no room.

use super::backwards::Line;
use super::forms::RequestFilter;
use super::request::RequestKind;
use super::unpacked;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// Bytes of requests that are kept at most.
const LARGEST: u64 = 4 << 30;

/// What standard input held.
pub(crate) struct Kept {
    requests: File,
    overlong: u64,
    /// Why it was not read to its end.
    broken: Option<(io::ErrorKind, String)>,
}

static KEPT: OnceLock<io::Result<Kept>> = OnceLock::new();

/// Gives each record that may be a request to `visit`, and back how many were left out for being too long.
pub(crate) fn each_record(visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
    let kept = KEPT.get_or_init(|| keep(io::stdin().lock())).as_ref().map_err(again)?;
    kept.each_record(visit)
}

fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn keep(mut input: impl Read) -> io::Result<Kept> {
    let filter = RequestFilter::new(&[RequestKind::Staging, RequestKind::Launch, RequestKind::Task]);
    let mut requests = BufWriter::new(tempfile::tempfile()?);
    let (mut length, mut written) = (0, Ok(()));
    let read = unpacked::each_record(&mut input, &mut |record| {
        if written.is_ok() && filter.may_match(record.bytes) {
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
    Ok(Kept { requests, overlong, broken })
}

impl Kept {
    fn each_record(&self, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
        unpacked::each_record(&mut FromStart { file: &self.requests, at: 0 }, visit)?;
        match &self.broken {
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Ok(self.overlong),
        }
    }
}

/// A reader with a place of its own, for several may read at once.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
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
