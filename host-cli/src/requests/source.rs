//! Opens a place of records. A large file of plain lines is read from its end, or searched for a word; everything else is
//! unpacked and read from its beginning.
//!
//! Whether lines are plain is judged by the file's ends. Where that turns out wrong in its middle, it is read anew, whole: what is
//! found does not depend on how large a file is.

#![expect(clippy::disallowed_methods, reason = "the one place that opens logs")]

use super::backwards::{Bounds, Line, LinesFromEnd};
use super::forwards::each_line;
use super::kept::{self, Kept, Passed};
use super::log_file::LogFile;
use super::part::Part;
use super::unpacked::{BEGINNING, Packing};
use super::unwrap::is_in_pieces;
use super::{assemble, unpacked};
use memchr::memmem::Finder;
use shared_model::document::Encoding;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread;

/// Up to this size a file is read whole, whatever it holds: it costs a few milliseconds.
const SMALL: u64 = 4 << 20;
/// Bytes at both ends by which a large file is judged.
const SAMPLE: u64 = 64 << 10;
/// Bytes of lines with a word that a thread holds until it is known whether all lines of the file are plain.
const MOST_HELD: usize = 64 << 20;
/// Threads that search a file for a word.
const MOST_THREADS: usize = 4;
const CHUNK: usize = 64 << 10;

/// What a reader wants of a place.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The newest first, where that can be had. A record may be given twice.
    NewestFirst,
    /// All records in any order; with a word those that do not hold it may be left out.
    All(Option<&'a Finder<'a>>),
}

/// An opened place.
pub(crate) enum Source {
    /// A large file of lines that are plain at its ends.
    Lines(File),
    /// Any other file.
    File(File),
    /// Standard input or a pipe.
    Kept(Arc<Kept>),
}

impl Source {
    /// Opens a place.
    pub(crate) fn open(log_file: &LogFile) -> io::Result<Self> {
        let Some(path) = log_file.path() else { return Ok(Self::Kept(kept::kept(log_file)?)) };
        let metadata = path.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Ok(Self::Kept(kept::kept(log_file)?));
        }
        let mut file = File::open(path)?;
        let is_plain = metadata.len() > SMALL && has_plain_ends(&mut file, metadata.len())?;
        Ok(if is_plain { Self::Lines(file) } else { Self::File(file) })
    }

    /// Bytes on disk of what can only be read whole, 0 for a stream; `None`: it can be read from its end.
    pub(crate) fn size_if_read_whole(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.metadata().map_or(0, |metadata| metadata.len())),
            Self::Kept(_) => Some(0),
            Self::Lines(_) => None,
        }
    }

    /// Gives each record to `visit`, and back what was left out. Whoever breaks off ends the reading of
    /// a file of lines; anything else is read to its end anyway, for what comes later is newer.
    pub(crate) fn each_record(
        self,
        wanted: Wanted<'_>,
        visit: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
    ) -> io::Result<Passed> {
        let whole = |mut file: File, visit: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>| {
            file.rewind()?;
            unpacked::each_record(&mut file, &mut |record| {
                let _ = visit(record);
            })
        };
        let overlong = match (self, wanted) {
            (Self::Lines(file), Wanted::NewestFirst) => match from_end(&file, visit)? {
                Some(overlong) => Ok(overlong),
                None => whole(file, visit),
            },
            (Self::Lines(file), Wanted::All(Some(word))) => match with_word(&file, word, visit)? {
                Some(overlong) => Ok(overlong),
                None => whole(file, visit),
            },
            (Self::Lines(file) | Self::File(file), _) => whole(file, visit),
            (Self::Kept(kept), _) => {
                return kept.each_record(&mut |record| {
                    let _ = visit(record);
                });
            }
        }?;
        Ok(Passed { overlong, noise: 0 })
    }
}

/// `None`: a line was met that is not plain.
fn from_end(file: &File, visit: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>) -> io::Result<Option<u64>> {
    let mut lines = LinesFromEnd::new(file, Bounds::default())?;
    while let Some(line) = lines.next()? {
        if is_spread(line.bytes) {
            return Ok(None);
        }
        if visit(line).is_break() {
            break;
        }
    }
    Ok(Some(lines.overlong()))
}

/// The lines with a word, searched for by several threads: most of the time is spent on copying the file out of the kernel.
/// `None`: one of them is not plain, or there are very many; none was given then.
fn with_word(
    file: &File,
    word: &Finder<'_>,
    visit: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
) -> io::Result<Option<u64>> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    let starts = starts_of_parts(file, threads)?;
    let parts: Vec<io::Result<Hits>> = thread::scope(|scope| {
        let search = |part: &[u64]| {
            let part = Part::new(file, part[0]..part[1]);
            scope.spawn(move || Hits::search(part, word))
        };
        let running: Vec<_> = starts.windows(2).map(search).collect();
        let died = |_| Err(io::Error::other("a thread died"));
        running.into_iter().map(|thread| thread.join().unwrap_or_else(died)).collect()
    });
    let parts: Vec<Hits> = parts.into_iter().collect::<io::Result<_>>()?;
    if !parts.iter().all(|part| part.is_plain) {
        return Ok(None);
    }
    for (offset, bytes) in parts.iter().flat_map(|part| &part.lines) {
        let _ = visit(Line { bytes, offset: *offset });
    }
    Ok(Some(parts.iter().map(|part| part.overlong).sum()))
}

/// Where parts of about one size begin, each at the beginning of a line, and where the last one ends.
fn starts_of_parts(file: &File, parts: usize) -> io::Result<Vec<u64>> {
    let size = file.metadata()?.len();
    let mut starts = vec![0];
    for part in 1..parts as u64 {
        let mut at = size / parts as u64 * part;
        let mut bytes = vec![0; CHUNK];
        while at < size {
            let read = file.read_at(&mut bytes, at)?;
            if let Some(end) = memchr::memchr(b'\n', &bytes[..read]) {
                at += end as u64 + 1;
                break;
            }
            at = if read == 0 { size } else { at + read as u64 };
        }
        starts.push(at);
    }
    starts.push(size);
    Ok(starts)
}

/// Lines with a word in a part of a file.
struct Hits {
    lines: Vec<(u64, Vec<u8>)>,
    overlong: u64,
    /// All of them are plain, and they are not too many.
    is_plain: bool,
}

impl Hits {
    fn search(part: Part<'_>, word: &Finder<'_>) -> io::Result<Self> {
        let (start, mut lines, mut bytes, mut is_plain) = (part.at(), Vec::new(), 0, true);
        let overlong = each_line(part, Bounds::default(), Some(word), |line| {
            bytes += line.bytes.len();
            is_plain = is_plain && bytes <= MOST_HELD && stands_alone(line.bytes);
            if is_plain {
                lines.push((start + line.offset, line.bytes.to_vec()));
            }
        })?;
        Ok(Self { lines, overlong, is_plain })
    }
}

/// Whether a line with a word in it is a whole record, by both of its ends; no piece of one, and no line of an object that is
/// spread over several.
fn stands_alone(line: &[u8]) -> bool {
    let ends = line.trim_ascii_end().last();
    let is_inner = line.trim_ascii_start().starts_with(b"\"");
    !is_spread(line) && !is_inner && (ends == Some(&b'}') || ends == Some(&b']') || !line.contains(&b'{'))
}

/// Whether more than this line is needed to read it.
fn is_spread(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    is_in_pieces(line) || assemble::indent(line).is_some() || matches!(line, b"]" | b"}")
}

/// Whether each line at both ends of a file stands for itself.
fn has_plain_ends(file: &mut File, size: u64) -> io::Result<bool> {
    let (first, last) = (sample(file, 0)?, sample(file, size.saturating_sub(SAMPLE))?);
    file.rewind()?;
    // A sample may begin and end within a line; no such rest is taken for something else than it is.
    let whole = |sample: &[u8]| memchr::memrchr(b'\n', sample).map_or(0, |end| end + 1);
    let mut lines =
        first[..whole(&first)].split(|byte| *byte == b'\n').chain(last.split(|byte| *byte == b'\n').skip(1));
    let packing = Packing::of(&first[..BEGINNING.min(first.len())]);
    Ok(matches!(packing, Packing::Text(Encoding::Utf8, _)) && !lines.any(is_spread))
}

fn sample(file: &mut File, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(SAMPLE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_threads_find_every_line_with_a_word_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let line = |at: usize| match at % 997 {
            0 => format!("{{\"needle\":{at}}}\n"),
            _ => format!("{{\"noise\":\"{}\"}}\n", "x".repeat(at % 211)),
        };
        let text: String = (0..80_000).map(line).collect();
        std::fs::write(&path, &text).unwrap();
        let starts = starts_of_parts(&File::open(&path).unwrap(), 3).unwrap();
        assert_eq!((starts[0], starts.len(), starts[3]), (0, 4, text.len() as u64));
        let place = |offset: u64| usize::try_from(offset).unwrap();
        assert!(starts[1..3].iter().all(|start| text.as_bytes()[place(*start) - 1] == b'\n'), "{starts:?}");
        let mut found = Vec::new();
        let source = Source::open(&LogFile::File(path)).unwrap();
        assert!(matches!(source, Source::Lines(_)));
        let word = Finder::new("needle");
        let visit = &mut |line: Line<'_>| {
            assert_eq!(&text.as_bytes()[place(line.offset)..][..line.bytes.len()], line.bytes);
            found.push(String::from_utf8_lossy(line.bytes).into_owned());
            ControlFlow::Continue(())
        };
        source.each_record(Wanted::All(Some(&word)), visit).unwrap();
        let expected: Vec<String> = (0..80_000).step_by(997).map(|at| format!("{{\"needle\":{at}}}")).collect();
        assert_eq!(found, expected);
    }
}
