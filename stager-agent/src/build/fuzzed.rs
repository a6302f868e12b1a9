//! What has to hold of what a builder prints. For the targets of `ci/fuzz`, and for the replay of what they found.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::lines::Lines;
use crate::hidden::Hidden;
use shared_model::event::{Event, LONGEST_LINE, Stream};

/// In pieces as long as the first byte says: the same lines come out, none too long, none an event of its own.
pub fn builder_lines(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let whole = cut(&[bytes]);
    assert_eq!(cut(&bytes.chunks(usize::from(piece).max(1)).collect::<Vec<_>>()), whole, "it depends on how it comes");
    let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !"\r\n".contains(*c)).collect();
    assert_eq!(whole.concat(), text, "something was lost or added");
    for line in whole {
        assert!(!line.is_empty() && line.len() <= LONGEST_LINE);
        let said = Event::Line { source: "STG".into(), stream: Stream::Out, text: line };
        let sent = said.to_json_line();
        assert!(!sent.contains(['\n', '\r']), "it begins a line of its own: {sent}");
        assert!(serde_json::from_str(&sent).is_ok_and(|heard: Event| heard == said), "it is heard as something else");
    }
}

fn cut(pieces: &[&[u8]]) -> Vec<String> {
    let hidden = Hidden::default();
    let (mut lines, mut said) = (Lines::hiding(&hidden), Vec::new());
    for piece in pieces {
        lines.push(piece, &mut |line| said.push(line));
    }
    lines.finish(&mut |line| said.push(line));
    said
}
