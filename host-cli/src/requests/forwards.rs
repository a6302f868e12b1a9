//! The lines of a stream from its first to its last, in bounded memory: for whatever has no end to start from, and for
//! whoever looks through everything. Lines are the same as in [`super::backwards`].
//!
//! Whoever wants only lines with a word in them gives that word: blocks are searched for it as a whole, and only around
//! what is found are lines made out, which costs a fraction.

use super::backwards::{Bounds, Line};
use memchr::memmem::Finder;
use memchr::{memchr2, memrchr2};
use std::io::{self, Read};

/// Gives each line to `visit`; with `word` only those that hold it. The lines that were left out for being too long are
/// counted. After an error the lines in front of it have been given.
pub(crate) fn each_line(
    mut source: impl Read,
    bounds: Bounds,
    word: Option<&Finder<'_>>,
    mut visit: impl FnMut(Line<'_>),
) -> io::Result<u64> {
    let mut block = Block { buffer: vec![0; bounds.block], filled: 0, offset: 0, skipping: false, overlong: 0 };
    loop {
        let read = match source.read(&mut block.buffer[block.filled..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let fresh = block.filled..block.filled + read;
        block.filled = fresh.end;
        let at_end = read == 0;
        let complete = if at_end {
            block.filled
        } else {
            memrchr2(b'\n', 0, &block.buffer[fresh.clone()]).map_or(0, |at| fresh.start + at + 1)
        };
        block.give(complete, bounds, word, &mut visit);
        if at_end {
            return Ok(block.overlong + u64::from(block.skipping));
        }
        block.make_room(bounds);
    }
}

struct Block {
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold something.
    filled: usize,
    /// Where the buffer begins in the stream.
    offset: u64,
    /// The line that the buffer begins with is too long, and its beginning was thrown away.
    skipping: bool,
    /// Lines that were too long.
    overlong: u64,
}

impl Block {
    /// Gives away the lines of the first `complete` bytes.
    fn give(&mut self, complete: usize, bounds: Bounds, word: Option<&Finder<'_>>, visit: &mut impl FnMut(Line<'_>)) {
        let mut from = 0;
        if self.skipping && complete > 0 {
            from = memchr2(b'\n', 0, &self.buffer[..complete]).map_or(complete, |at| at + 1);
            (self.skipping, self.overlong) = (false, self.overlong + 1);
        }
        let lines = &self.buffer[..complete];
        while from < complete {
            let start = match word.map(|word| word.find(&lines[from..])) {
                Some(None) => break,
                Some(Some(at)) => memrchr2(b'\n', 0, &lines[from..from + at]).map_or(from, |before| from + before + 1),
                None => from,
            };
            let end = memchr2(b'\n', 0, &lines[start..]).map_or(complete, |at| start + at);
            if end - start > bounds.longest {
                self.overlong += 1;
            } else if end > start {
                visit(Line { bytes: &lines[start..end], offset: self.offset + start as u64 });
            }
            from = end + 1;
        }
        self.buffer.copy_within(complete..self.filled, 0);
        self.filled -= complete;
        self.offset += complete as u64;
    }

    /// Makes room behind what is left, which is the beginning of one line.
    fn make_room(&mut self, bounds: Bounds) {
        if self.skipping || self.filled > bounds.longest {
            self.skipping = true;
            self.offset += self.filled as u64;
            self.filled = 0;
        }
        // At least half a block is asked for at once. A buffer that has grown for a long line stays as large.
        let wanted = self.filled + bounds.block.div_ceil(2);
        if wanted > self.buffer.len() {
            self.buffer.resize(wanted.max(self.buffer.len() * 2), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::backwards::LinesFromEnd;
    use proptest::prelude::*;
    use std::io::Cursor;

    type Found = Vec<(u64, Vec<u8>)>;

    fn forwards(bytes: &[u8], bounds: Bounds, word: Option<&str>) -> (Found, u64) {
        let mut found = Vec::new();
        let word = word.map(Finder::new);
        let overlong = each_line(bytes, bounds, word.as_ref(), |line| found.push((line.offset, line.bytes.to_vec())));
        (found, overlong.unwrap())
    }

    #[test]
    fn a_line_that_is_too_long_is_counted_and_its_neighbours_are_given() {
        let bytes = [b"first\n", &[b'x'; 5000][..], b"\nlast\n", &[b'y'; 2000]].concat();
        let (lines, overlong) = forwards(&bytes, Bounds { block: 64, longest: 1000 }, None);
        assert_eq!(lines, [(0, b"first".to_vec()), (5007, b"last".to_vec())]);
        assert_eq!(overlong, 2);
    }

    proptest! {
        #[test]
        fn both_directions_agree_on_every_line(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'x'), any::<u8>()], 0..400),
            block in 1_usize..50, longest in 1_usize..120,
        ) {
            let bounds = Bounds { block, longest };
            let (mut forwards, overlong) = forwards(&bytes, bounds, None);
            let mut lines = LinesFromEnd::new(Cursor::new(&bytes), bounds).unwrap();
            while let Some(line) = lines.next().unwrap() {
                prop_assert_eq!(forwards.pop(), Some((line.offset, line.bytes.to_vec())));
            }
            prop_assert_eq!(forwards.pop(), None);
            prop_assert_eq!(overlong, lines.overlong());
        }

        #[test]
        fn with_a_word_it_gives_the_lines_that_hold_it(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'a'), Just(b'b')], 0..400),
            block in 1_usize..50, longest in 1_usize..120,
        ) {
            let bounds = Bounds { block, longest };
            let (mut all, _) = forwards(&bytes, bounds, None);
            all.retain(|(_, line)| line.windows(2).any(|pair| pair == b"ab"));
            prop_assert_eq!(forwards(&bytes, bounds, Some("ab")).0, all);
        }
    }
}
