//! Cuts a program's output into the lines of Diego's log: at line feeds and carriage returns, empty ones dropped, a
//! long one in pieces. Holds one piece at most, whatever the program prints.

use shared_model::event::LONGEST_LINE;
use std::str;

/// The line that is being printed.
#[derive(Default)]
pub(crate) struct Lines {
    line: String,
    /// The start of a character whose rest has not come yet; at most three bytes.
    unfinished: Vec<u8>,
}

impl Lines {
    /// Takes what was printed; `say` gets each piece that is complete. What is not UTF-8 becomes U+FFFD.
    pub(crate) fn push(&mut self, printed: &[u8], say: &mut dyn FnMut(String)) {
        let joined;
        let mut rest = if self.unfinished.is_empty() {
            printed
        } else {
            self.unfinished.extend_from_slice(printed);
            joined = std::mem::take(&mut self.unfinished);
            &joined
        };
        loop {
            match str::from_utf8(rest) {
                Ok(text) => return self.take(text, say),
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    self.take(&String::from_utf8_lossy(valid), say);
                    let Some(length) = error.error_len() else {
                        self.unfinished = invalid.to_vec();
                        return;
                    };
                    self.take("\u{fffd}", say);
                    rest = &invalid[length..];
                }
            }
        }
    }

    /// Nothing more will come: says what is left.
    pub(crate) fn finish(&mut self, say: &mut dyn FnMut(String)) {
        if !std::mem::take(&mut self.unfinished).is_empty() {
            self.take("\u{fffd}", say);
        }
        self.end_line(say);
    }

    fn take(&mut self, text: &str, say: &mut dyn FnMut(String)) {
        for (index, part) in text.split(['\n', '\r']).enumerate() {
            if index > 0 {
                self.end_line(say);
            }
            let mut part = part;
            while self.line.len() + part.len() > LONGEST_LINE {
                let (piece, rest) = part.split_at(boundary_below(part, LONGEST_LINE - self.line.len()));
                self.line.push_str(piece);
                self.end_line(say);
                part = rest;
            }
            self.line.push_str(part);
        }
    }

    fn end_line(&mut self, say: &mut dyn FnMut(String)) {
        if !self.line.is_empty() {
            say(std::mem::take(&mut self.line));
        }
    }
}

/// The last place at or before `at` where `text` can be cut.
fn boundary_below(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut said = Vec::new();
        for piece in pieces {
            lines.push(piece, &mut |line| said.push(line));
        }
        lines.finish(&mut |line| said.push(line));
        said
    }

    #[test]
    fn lines_end_at_either_character_and_empty_ones_are_dropped() {
        assert_eq!(cut(&[b"a\r\n\n\rb\rc", b"d\n", b"e"]), ["a", "b", "cd", "e"]);
        assert_eq!(cut(&[b"\n\r\n"]), Vec::<String>::new());
    }

    #[test]
    fn a_long_line_comes_in_pieces_cut_between_characters() {
        let line = format!("x{}", "é".repeat(LONGEST_LINE));
        let said = cut(&[line.as_bytes()]);
        assert_eq!(said.concat(), line);
        assert_eq!(said.iter().map(String::len).collect::<Vec<_>>(), [4095, 4096, 2]);
    }

    #[test]
    fn a_character_split_between_two_reads_is_whole() {
        let euro = "€".as_bytes();
        assert_eq!(cut(&[b"1", &euro[..1], &euro[1..2], &euro[2..], b"\n"]), ["1€"]);
    }

    #[test]
    fn what_is_not_text_is_replaced() {
        assert_eq!(cut(&[b"a\xffb\xe2\x82\nc\xe2"]), ["a\u{fffd}b\u{fffd}", "c\u{fffd}"]);
    }

    proptest! {
        #[test]
        fn reads_of_any_size_give_the_same_lines(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(0xe2), Just(0x82), Just(0xac)], 0..200),
            at in 0_usize..200,
        ) {
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(cut(&[first, second]), cut(&[&bytes]));
        }
    }
}
