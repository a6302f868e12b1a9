//! Cuts what a sidecar prints into lines with its log source in front: at line feeds and carriage returns, empty ones dropped, as
//! Diego does; a long one in pieces. Holds one piece at most. Bytes stay as they are: the log is not ours to judge.

/// Bytes of a line with source and end. So many a pipe takes as a whole (`PIPE_BUF`): no line of the app gets between.
const LONGEST: usize = 4096;
/// Bytes of a source, which somebody chose. Room for a line stays.
const LONGEST_SOURCE: usize = 1024;
/// Bytes of a character in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// The line that is being printed.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Source and line.
    line: Vec<u8>,
    /// Bytes of the source.
    source: usize,
}

impl Lines {
    /// None yet, of this source.
    pub(crate) fn new(source: &str) -> Self {
        let end = (0..=LONGEST_SOURCE.min(source.len())).rev().find(|at| source.is_char_boundary(*at));
        let line = format!("[{}] ", &source[..end.unwrap_or(0)]).into_bytes();
        Self { source: line.len(), line }
    }

    /// Takes what was printed; `say` gets each line that is complete, with its line feed.
    pub(crate) fn push(&mut self, printed: &[u8], say: &mut dyn FnMut(&[u8])) {
        for &byte in printed {
            if matches!(byte, b'\n' | b'\r') {
                self.finish(say);
                continue;
            }
            if self.line.len() == LONGEST - 1 {
                let rest = self.line.split_off(self.cut(byte));
                self.finish(say);
                self.line.extend(rest);
            }
            self.line.push(byte);
        }
    }

    /// Nothing more will come: says what is left.
    pub(crate) fn finish(&mut self, say: &mut dyn FnMut(&[u8])) {
        if self.line.len() > self.source {
            self.line.push(b'\n');
            say(&self.line);
            self.line.truncate(self.source);
        }
    }

    /// Where a full line can be cut: before a character that `next` goes on.
    fn cut(&self, next: u8) -> usize {
        let is_continued = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
        let full = self.line.len();
        if !is_continued(next) {
            return full;
        }
        let start = (full - LONGEST_CHARACTER + 1..full).rev().find(|at| !is_continued(self.line[*at]));
        start.unwrap_or(full) // no UTF-8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new("S");
        let mut said = Vec::new();
        for piece in pieces {
            lines.push(piece, &mut |line| said.push(line.to_vec()));
        }
        lines.finish(&mut |line| said.push(line.to_vec()));
        said
    }

    fn text(pieces: &[&[u8]]) -> Vec<String> {
        cut(pieces).into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn each_line_has_its_source_and_empty_ones_are_dropped() {
        assert_eq!(text(&[b"a\r\n\n\rb\rc", b"d\n", b"e"]), ["[S] a\n", "[S] b\n", "[S] cd\n", "[S] e\n"]);
        assert_eq!(text(&[b"\n\r\n"]), Vec::<String>::new());
    }

    #[test]
    fn a_long_line_comes_in_pieces_cut_between_characters() {
        let line = format!("xx{}", "é".repeat(LONGEST));
        let said = text(&[line.as_bytes()]);
        let joined: String =
            said.iter().map(|line| line.strip_prefix("[S] ").unwrap().trim_end_matches('\n')).collect();
        assert_eq!(joined, line);
        assert!(said.iter().all(|line| line.len() <= LONGEST) && said[0].len() >= LONGEST - 1, "{}", said[0].len());
    }

    #[test]
    fn a_source_of_any_length_leaves_room_for_a_line() {
        let mut lines = Lines::new(&"é".repeat(LONGEST));
        let mut said = Vec::new();
        lines.push(b"text\n", &mut |line| said.push(line.len()));
        assert_eq!(said, [LONGEST_SOURCE + "[] text\n".len()]);
    }

    proptest! {
        #[test]
        fn reads_of_any_size_give_the_same_lines_and_lose_nothing(
            runs in proptest::collection::vec((prop_oneof![any::<u8>(), Just(b'\n'), Just(0xe2), Just(0x82)], 1_usize..3000), 0..12),
            at in 0_usize..20_000,
        ) {
            let bytes: Vec<u8> = runs.iter().flat_map(|(byte, count)| std::iter::repeat_n(*byte, *count)).collect();
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            let said = cut(&[first, second]);
            prop_assert_eq!(&said, &cut(&[&bytes]));
            prop_assert!(said.iter().all(|line| line.len() <= LONGEST));
            let is_text = |byte: &&u8| !matches!(**byte, b'\n' | b'\r');
            let back: Vec<u8> = said.iter().flat_map(|line| &line[b"[S] ".len()..line.len() - 1]).copied().collect();
            prop_assert_eq!(back, bytes.iter().filter(is_text).copied().collect::<Vec<_>>());
        }
    }
}
