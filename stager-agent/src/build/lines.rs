//! Cuts a program's output into the lines of Diego's log: at line feeds and carriage returns, empty ones dropped, a
//! long one in pieces. Holds one piece at most, and as much behind it as it takes to see that no secret is cut,
//! whatever the program prints.

use crate::hidden::Hidden;
use shared_model::event::LONGEST_LINE;
use std::str;

/// The line that is being printed.
pub(crate) struct Lines<'a> {
    hidden: &'a Hidden,
    line: String,
    /// The start of a character whose rest has not come yet; at most three bytes.
    unfinished: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// None yet. They are said without what is `hidden`.
    pub(crate) fn hiding(hidden: &'a Hidden) -> Self {
        Self { hidden, line: String::new(), unfinished: Vec::new() }
    }

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
            let most = LONGEST_LINE + self.hidden.longest();
            while self.line.len() + part.len() > most {
                let (piece, rest) = part.split_at(boundary_below(part, most - self.line.len()));
                self.line.push_str(piece);
                self.end_piece(say);
                part = rest;
            }
            self.line.push_str(part);
        }
    }

    fn end_line(&mut self, say: &mut dyn FnMut(String)) {
        while self.line.len() > LONGEST_LINE {
            self.end_piece(say);
        }
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.say(&line, say);
        }
    }

    /// Says the beginning of a line that is too long.
    fn end_piece(&mut self, say: &mut dyn FnMut(String)) {
        let at = self.hidden.cut(&self.line, boundary_below(&self.line, LONGEST_LINE));
        let rest = self.line.split_off(at);
        let piece = std::mem::replace(&mut self.line, rest);
        self.say(&piece, say);
    }

    fn say(&self, piece: &str, say: &mut dyn FnMut(String)) {
        let shown = self.hidden.hide(piece);
        let mut shown = &*shown;
        // What stands for a secret may be longer than it.
        while shown.len() > LONGEST_LINE {
            let (piece, rest) = shown.split_at(boundary_below(shown, LONGEST_LINE));
            say(piece.to_owned());
            shown = rest;
        }
        say(shown.to_owned());
    }
}

/// The last place at or before `at` where `text` can be cut.
fn boundary_below(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hidden::from_urls;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        cut_hiding(&Hidden::default(), pieces)
    }

    fn cut_hiding(hidden: &Hidden, pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::hiding(hidden);
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

    #[test]
    fn a_secret_is_hidden_wherever_a_long_line_would_be_cut() {
        let hidden = from_urls(&["https://u:pa55word@h/"]);
        for before in LONGEST_LINE - 30..LONGEST_LINE + 30 {
            let line = format!("{}https://u:pa55word@h/{}", "x".repeat(before), "y".repeat(5000));
            for pieces in
                [&[line.as_bytes()][..], &[&line.as_bytes()[..LONGEST_LINE + 3], &line.as_bytes()[LONGEST_LINE + 3..]]]
            {
                let said = cut_hiding(&hidden, pieces);
                assert!(said.iter().all(|line| line.len() <= LONGEST_LINE && !line.is_empty()));
                assert_eq!(said.concat(), line.replace("u:pa55word", "***"), "{before}");
            }
        }
        let dense = "//pa55word".repeat(2000);
        assert_eq!(cut_hiding(&hidden, &[dense.as_bytes()]).concat(), "//***".repeat(2000));
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
