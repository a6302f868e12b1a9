//! How a forwarded connection's bytes come out of a container: an engine gives a program's standard output as one stream, and does
//! not say when a part of it ends. So they come in frames: two bytes of length, the high one first, and as many bytes. A length of 0
//! says that the other side sends no more; its own input it may still want. What goes in needs no frames: an engine passes the end
//! of standard input on.

/// The option of `app-supervisor` behind which the address stands.
pub const CONNECT: &str = "--connect";

/// Bytes in front of a frame.
pub const HEADER: usize = 2;
/// The most bytes that a frame holds.
pub const LONGEST_FRAME: usize = u16::MAX as usize;

/// What stands in front of `length` bytes; `None`: that is too much for one frame.
#[must_use]
pub fn header(length: usize) -> Option<[u8; HEADER]> {
    u16::try_from(length).ok().map(u16::to_be_bytes)
}

/// A part of what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Bytes, not necessarily all of a frame.
    Bytes(&'a [u8]),
    /// The other side sends no more.
    End,
}

/// Takes frames apart, wherever they are cut.
#[derive(Debug, Default)]
pub struct Frames {
    /// The first byte of a header whose second one has not come yet.
    high: Option<u8>,
    left: usize,
}

impl Frames {
    /// Gives the parts in `bytes` to `output`.
    pub fn feed(&mut self, mut bytes: &[u8], output: &mut dyn FnMut(Part<'_>)) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.left -= piece.len();
                output(Part::Bytes(piece));
                bytes = rest;
                continue;
            }
            bytes = rest;
            match self.high.take() {
                None => self.high = Some(*first),
                Some(high) => {
                    self.left = usize::from(u16::from_be_bytes([high, *first]));
                    if self.left == 0 {
                        output(Part::End);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_apart_wherever_they_are_cut() {
        let long = vec![b'x'; 300];
        let frame = |bytes: &[u8]| [&header(bytes.len()).unwrap()[..], bytes].concat();
        let whole = [frame(b"one"), frame(&long), frame(b""), frame(b"!")].concat();
        for size in 1..=whole.len() {
            let (mut frames, mut bytes, mut end_at) = (Frames::default(), Vec::new(), None);
            for chunk in whole.chunks(size) {
                frames.feed(chunk, &mut |part| match part {
                    Part::Bytes(piece) => bytes.extend_from_slice(piece),
                    Part::End => end_at = Some(bytes.len()),
                });
            }
            assert_eq!((bytes, end_at), ([b"one", &long[..], b"!"].concat(), Some(303)), "cut every {size} bytes");
        }
        assert_eq!((header(LONGEST_FRAME), header(LONGEST_FRAME + 1)), (Some([255, 255]), None));
    }
}
