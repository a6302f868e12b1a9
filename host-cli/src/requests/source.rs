//! Opens a place of records. A large file of plain lines is read from its end, or searched for a word; everything else is
//! unpacked and read from its beginning.

#![expect(clippy::disallowed_methods, reason = "the one place that opens logs")]

use super::backwards::{Bounds, Line, LinesFromEnd};
use super::forwards::each_line;
use super::log_file::LogFile;
use super::unpacked::{BEGINNING, Packing};
use super::unwrap::is_in_pieces;
use super::{assemble, standard_input, unpacked};
use memchr::memmem::Finder;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

/// Up to this size a file is read whole, whatever it holds: it costs a few milliseconds.
const SMALL: u64 = 4 << 20;
/// Bytes at both ends by which a large file is judged.
const SAMPLE: u64 = 64 << 10;

/// What a reader wants of a place.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The newest first, where that can be had.
    NewestFirst,
    /// All records in any order; with a word those that do not hold it may be left out.
    All(Option<&'a Finder<'a>>),
}

/// An opened place.
pub(crate) enum Source {
    /// A large file of plain lines.
    Lines(File),
    /// Any other file.
    File(File),
    /// Standard input.
    StandardInput,
}

impl Source {
    /// Opens a place.
    pub(crate) fn open(log_file: &LogFile) -> io::Result<Self> {
        let LogFile::File(path) = log_file else { return Ok(Self::StandardInput) };
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let is_plain = metadata.is_file() && metadata.len() > SMALL && has_plain_lines(&mut file, metadata.len())?;
        Ok(if is_plain { Self::Lines(file) } else { Self::File(file) })
    }

    /// Bytes on disk of what can only be read whole, 0 for a stream; `None`: it can be read from its end.
    pub(crate) fn size_if_read_whole(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.metadata().map_or(0, |metadata| metadata.len())),
            Self::StandardInput => Some(0),
            Self::Lines(_) => None,
        }
    }

    /// Gives each record to `visit`, and back how many were left out for being too long. Whoever breaks off ends the reading of
    /// a file of lines; anything else is read to its end anyway, for what comes later is newer.
    pub(crate) fn each_record(
        self,
        wanted: Wanted<'_>,
        visit: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
    ) -> io::Result<u64> {
        let mut to_the_end = |record: Line<'_>| {
            let _ = visit(record);
        };
        match (self, wanted) {
            (Self::Lines(file), Wanted::NewestFirst) => {
                let mut lines = LinesFromEnd::new(file, Bounds::default())?;
                while let Some(line) = lines.next()? {
                    if visit(line).is_break() {
                        break;
                    }
                }
                Ok(lines.overlong())
            }
            (Self::Lines(file), Wanted::All(word)) => each_line(file, Bounds::default(), word, to_the_end),
            (Self::File(mut file), _) => unpacked::each_record(&mut file, &mut to_the_end),
            (Self::StandardInput, _) => standard_input::each_record(&mut to_the_end),
        }
    }
}

/// Whether each line of a file stands for itself, by its beginning and its end.
fn has_plain_lines(file: &mut File, size: u64) -> io::Result<bool> {
    let (first, last) = (sample(file, 0)?, sample(file, size.saturating_sub(SAMPLE))?);
    file.rewind()?;
    let is_spread = |line: &[u8]| {
        let line = line.trim_ascii_end();
        is_in_pieces(line) || assemble::indent(line).is_some() || line == b"]"
    };
    // A sample may begin and end within a line; no such rest is taken for something else than it is.
    let whole = |sample: &[u8]| memchr::memrchr(b'\n', sample).map_or(0, |end| end + 1);
    let lines = first[..whole(&first)].split(|byte| *byte == b'\n').chain(last.split(|byte| *byte == b'\n').skip(1));
    Ok(Packing::of(&first[..BEGINNING.min(first.len())]) == Packing::Plain && !{ lines }.any(is_spread))
}

fn sample(file: &mut File, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(SAMPLE).read_to_end(&mut bytes)?;
    Ok(bytes)
}
