//! Docker's stdcopy: takes an attached container's output apart. Eight bytes of header, then as many of one stream as it
//! says. Pieces are passed on as they come, so that a line of any length needs no memory.

use shared_model::event::Stream;

const HEADER: usize = 8;

/// Where in the output the next byte belongs.
#[derive(Default)]
pub(super) struct StdCopy {
    header: [u8; HEADER],
    filled: usize,
    left: usize,
    /// Nothing of the frame was given out yet.
    begins: bool,
}

/// Whether a piece is the first of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A frame begins.
    Beginning,
    /// The frame before goes on.
    Middle,
}

impl StdCopy {
    /// Gives the pieces in `bytes` to `output`. Standard input's echo and streams that we do not know are left out.
    pub(super) fn feed(&mut self, bytes: &[u8], output: &mut dyn FnMut(Stream, &[u8])) {
        self.feed_frames(bytes, &mut |stream, _, piece| output(stream, piece));
    }

    /// As [`Self::feed`], and says where frames begin: of a log each is an entry.
    pub(super) fn feed_frames(&mut self, mut bytes: &[u8], output: &mut dyn FnMut(Stream, Of, &[u8])) {
        while !bytes.is_empty() {
            if self.left == 0 {
                bytes = self.fill_header(bytes);
                continue;
            }
            let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= piece.len();
            bytes = rest;
            let of = if std::mem::take(&mut self.begins) { Of::Beginning } else { Of::Middle };
            match self.header[0] {
                1 => output(Stream::Out, of, piece),
                2 => output(Stream::Err, of, piece),
                _ => {}
            }
        }
    }

    fn fill_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (part, rest) = bytes.split_at((HEADER - self.filled).min(bytes.len()));
        self.header[self.filled..self.filled + part.len()].copy_from_slice(part);
        self.filled += part.len();
        if self.filled == HEADER {
            let [.., a, b, c, d] = self.header;
            self.left = u32::from_be_bytes([a, b, c, d]) as usize;
            self.filled = 0;
            self.begins = true;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, bytes].concat()
    }

    #[test]
    fn streams_come_apart_wherever_the_bytes_are_cut() {
        let whole =
            [frame(1, b"out"), frame(2, b"err"), frame(3, b"odd"), frame(1, b""), frame(0, b"in"), frame(1, b"!")]
                .concat();
        for size in 1..=whole.len() {
            let (mut streams, mut out, mut err) = (StdCopy::default(), Vec::new(), Vec::new());
            for chunk in whole.chunks(size) {
                streams.feed(chunk, &mut |stream, piece| match stream {
                    Stream::Out => out.extend_from_slice(piece),
                    Stream::Err => err.extend_from_slice(piece),
                });
            }
            assert_eq!((&*out, &*err), (&b"out!"[..], &b"err"[..]), "cut every {size} bytes");
        }
    }
}
