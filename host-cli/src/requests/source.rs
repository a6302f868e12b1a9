//! Opens a place of log lines, and finds out whether it can be read from its end. What it is decides, not its name:
//! a compressed file is known by its first bytes.

#![expect(clippy::disallowed_methods, reason = "the one place that opens logs")]

use super::backwards::{Bounds, Line, LinesFromEnd};
use super::forwards::each_line;
use super::log_file::LogFile;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const CHUNK: usize = 256 * 1024;

/// An opened log.
pub(crate) enum Source {
    /// Lines come from the last to the first, and the reader may stop.
    FromEnd(LinesFromEnd<File>),
    /// Lines come from the first to the last.
    Forwards {
        /// What it holds, unpacked.
        stream: Box<dyn BufRead>,
        /// Bytes on disk; `None` for a pipe.
        size: Option<u64>,
    },
}

impl Source {
    /// Opens a place.
    pub(crate) fn open(log_file: &LogFile) -> io::Result<Self> {
        let LogFile::File(path) = log_file else {
            return Ok(Self::Forwards { stream: unpacked(BufReader::with_capacity(CHUNK, io::stdin()))?, size: None });
        };
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Ok(Self::Forwards { stream: unpacked(BufReader::with_capacity(CHUNK, file))?, size: None });
        }
        let mut beginning = Vec::new();
        file.by_ref().take(GZIP.len() as u64).read_to_end(&mut beginning)?;
        if beginning != GZIP {
            return Ok(Self::FromEnd(LinesFromEnd::new(file, Bounds::default())?));
        }
        file.rewind()?;
        let stream = unpacked(BufReader::with_capacity(CHUNK, file))?;
        Ok(Self::Forwards { stream, size: Some(metadata.len()) })
    }

    /// Gives each line to `visit`. Whoever breaks off ends the reading of a file; a stream is read to its end anyway,
    /// for what comes later is newer.
    pub(crate) fn each_line(self, mut visit: impl FnMut(Line<'_>) -> ControlFlow<()>) -> io::Result<()> {
        match self {
            Self::FromEnd(mut lines) => {
                while let Some(line) = lines.next()? {
                    if visit(line).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Self::Forwards { stream, size: _ } => each_line(stream, Bounds::default(), |line| {
                let _ = visit(line);
            }),
        }
    }
}

fn unpacked(mut stream: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    if stream.fill_buf()?.starts_with(&GZIP) {
        Ok(Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(stream))))
    } else {
        Ok(Box::new(stream))
    }
}
