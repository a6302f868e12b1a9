//! The lines of a file from its last to its first, in bounded memory: the newest request of a large log stands near its
//! end. Knows bytes only.
//!
//! NUL separates lines as `\n` does. JSON has no raw NUL, and a log that was truncated while its writer kept its place
//! begins with a run of them, directly in front of a good line.

use memchr::memrchr2;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// A line without its end, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// Where it begins in the file (in what the file unpacks to, for a compressed one).
    pub(crate) offset: u64,
}

/// Sizes in bytes; tests take small ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// What one read asks for.
    pub(crate) block: usize,
    /// Longer lines are left out. It bounds the memory: three times this.
    pub(crate) longest: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        // One block holds some hundred noise lines and costs less than starting the process.
        // The longest request line seen has 20 KiB; Diego itself takes no request of a megabyte.
        Self { block: 256 * 1024, longest: 16 * 1024 * 1024 }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LinesFromEnd<R> {
    source: R,
    bounds: Bounds,
    /// Bytes of the file in front of `buffer`.
    unread: u64,
    buffer: Vec<u8>,
    /// What is behind this place of the buffer has been given out.
    end: usize,
    /// What is behind this place has no separator in it.
    unsearched: usize,
    /// True: the end of an overlong line was thrown away, its beginning is to follow.
    skipping: bool,
    /// Overlong lines so far.
    overlong: u64,
}

impl<R: Read + Seek> LinesFromEnd<R> {
    /// Starts at the end that `source` has now; what is appended later is not seen.
    pub(crate) fn new(mut source: R, bounds: Bounds) -> io::Result<Self> {
        let unread = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, bounds, unread, buffer: Vec::new(), end: 0, unsearched: 0, skipping: false, overlong: 0 })
    }

    /// How many of the lines that were passed were left out for being too long.
    pub(crate) fn overlong(&self) -> u64 {
        self.overlong
    }

    /// The next line towards the beginning; `None` when there is none.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let range = self.next_range()?;
        Ok(range.map(|range| Line { offset: self.unread + range.start as u64, bytes: &self.buffer[range] }))
    }

    fn next_range(&mut self) -> io::Result<Option<Range<usize>>> {
        loop {
            let (line, complete) = match memrchr2(b'\n', 0, &self.buffer[..self.unsearched]) {
                Some(separator) => (separator + 1..self.end, true),
                None if self.unread == 0 => (0..self.end, true),
                None => (0..self.end, false),
            };
            if complete {
                // A run of separators is stepped over here, for a search of its own for each would take long.
                let run = self.buffer[..line.start].iter().rev().take_while(|byte| matches!(byte, b'\n' | 0)).count();
                self.end = line.start - run;
                self.unsearched = self.end;
                let skipped = std::mem::take(&mut self.skipping) || line.len() > self.bounds.longest;
                self.overlong += u64::from(skipped);
                if !line.is_empty() && !skipped {
                    return Ok(Some(line));
                }
                if self.end == 0 && self.unread == 0 {
                    return Ok(None);
                }
            } else {
                if line.len() > self.bounds.longest {
                    self.end = 0;
                    self.skipping = true;
                }
                self.load()?;
            }
        }
    }

    /// Puts a block in front of what is left in the buffer. Blocks grow with the line, so that a long one is not copied
    /// again for each.
    fn load(&mut self) -> io::Result<()> {
        let wanted = self.bounds.block.max(self.end);
        let block = usize::try_from(self.unread).map_or(wanted, |unread| unread.min(wanted));
        let mut buffer = Vec::with_capacity(block + self.end);
        buffer.resize(block, 0);
        self.unread -= block as u64;
        self.source.seek(SeekFrom::Start(self.unread))?;
        self.source.read_exact(&mut buffer)?;
        buffer.extend_from_slice(&self.buffer[..self.end]);
        self.buffer = buffer;
        self.end += block;
        self.unsearched = block;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn backwards(bytes: &[u8], bounds: Bounds) -> Vec<(u64, Vec<u8>)> {
        let mut lines = LinesFromEnd::new(Cursor::new(bytes), bounds).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.offset, line.bytes.to_vec()));
        }
        found.reverse();
        found
    }

    fn split(bytes: &[u8], longest: usize) -> Vec<(u64, Vec<u8>)> {
        let mut offset = 0;
        let mut found = Vec::new();
        for line in bytes.split(|byte| matches!(byte, b'\n' | 0)) {
            if !line.is_empty() && line.len() <= longest {
                found.push((offset, line.to_vec()));
            }
            offset += line.len() as u64 + 1;
        }
        found
    }

    #[test]
    fn a_line_of_a_megabyte_is_read_whole() {
        let long = vec![b'x'; 1 << 20];
        let bytes = [b"first\n", &long[..], b"\nlast"].concat();
        let lines: Vec<Vec<u8>> = backwards(&bytes, Bounds::default()).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [b"first".to_vec(), long, b"last".to_vec()]);
    }

    #[test]
    fn an_overlong_line_is_left_out_and_its_neighbours_are_not() {
        let bytes = [b"first\n", &[b'x'; 5000][..], b"\nlast"].concat();
        let lines = backwards(&bytes, Bounds { block: 64, longest: 1000 });
        assert_eq!(lines, [(0, b"first".to_vec()), (5007, b"last".to_vec())]);
    }

    #[test]
    fn a_run_of_nul_does_not_swallow_the_line_behind_it() {
        let bytes = [&vec![0; 100_000][..], b"good\n"].concat();
        assert_eq!(backwards(&bytes, Bounds { block: 64, longest: 1000 }), [(100_000, b"good".to_vec())]);
    }

    #[test]
    fn nothing_has_no_lines() {
        assert_eq!(backwards(b"", Bounds::default()), []);
        assert_eq!(backwards(b"\n\n\0", Bounds::default()), []);
    }

    proptest! {
        #[test]
        fn it_yields_what_splitting_yields_for_any_block_size(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'x'), any::<u8>()], 0..400),
            block in 1_usize..70, longest in 1_usize..120,
        ) {
            prop_assert_eq!(backwards(&bytes, Bounds { block, longest }), split(&bytes, longest));
        }
    }
}
