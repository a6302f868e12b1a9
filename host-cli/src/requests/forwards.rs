//! The lines of a stream from its first to its last, in bounded memory: for compressed logs and for pipes, which have
//! no end to start from. Lines are the same as in [`super::backwards`].

use super::backwards::{Bounds, Line};
use memchr::memchr2;
use std::io::{self, BufRead};

/// Gives each line to `visit`. After an error the lines in front of it have been given.
pub(crate) fn each_line(mut source: impl BufRead, bounds: Bounds, mut visit: impl FnMut(Line<'_>)) -> io::Result<()> {
    let mut begun = Vec::new(); // a line whose end has not come yet
    let mut length = 0; // of that line; more than `begun` holds when it is overlong
    let mut offset = 0;
    loop {
        let chunk = match source.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let separator = memchr2(b'\n', 0, chunk);
        let piece = &chunk[..separator.unwrap_or(chunk.len())];
        length += piece.len();
        if length <= bounds.longest {
            begun.extend_from_slice(piece);
        }
        let at_end = chunk.is_empty();
        let used = piece.len() + usize::from(separator.is_some());
        source.consume(used);
        if separator.is_some() || at_end {
            if length > 0 && length <= bounds.longest {
                visit(Line { bytes: &begun, offset });
            }
            offset += length as u64 + 1;
            begun.clear();
            length = 0;
        }
        if at_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::backwards::LinesFromEnd;
    use proptest::prelude::*;
    use std::io::{BufReader, Cursor};

    proptest! {
        #[test]
        fn both_directions_agree_on_every_line(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'x'), any::<u8>()], 0..400),
            chunk in 1_usize..50, block in 1_usize..50, longest in 1_usize..120,
        ) {
            let bounds = Bounds { block, longest };
            let mut forwards = Vec::new();
            each_line(BufReader::with_capacity(chunk, &bytes[..]), bounds, |line| forwards.push((line.offset, line.bytes.to_vec()))).unwrap();
            let mut lines = LinesFromEnd::new(Cursor::new(&bytes), bounds).unwrap();
            while let Some(line) = lines.next().unwrap() {
                prop_assert_eq!(forwards.pop(), Some((line.offset, line.bytes.to_vec())));
            }
            prop_assert_eq!(forwards.pop(), None);
        }
    }
}
