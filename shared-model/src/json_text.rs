//! JSON as a terminal may get it. Its strings hold foreign text, and JSON itself escapes only what is below a blank: a terminal obeys
//! other characters, too, and nobody sees some.

use crate::unseen::is_unseen;
use std::fmt::Write;

/// The same JSON, in which such characters stand as `\\u009b`. Outside of strings JSON has none of them.
#[must_use]
pub fn harmless(json: String) -> String {
    let does_harm = |character: char| is_unseen(character) || ('\u{7f}'..='\u{9f}').contains(&character);
    if !json.contains(does_harm) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if does_harm(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_reads_the_same_and_a_terminal_obeys_nothing() {
        let value = serde_json::json!({ "\u{9b}2J": ["a\u{202e}b\u{7f}", "\u{e0041}", "ä € \u{1f600} \u{1b}[2J"] });
        let text = harmless(value.to_string());
        assert_eq!(text, r#"{"\u009b2J":["a\u202eb\u007f","\udb40\udc41","ä € 😀 \u001b[2J"]}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(harmless("{\n  \"a\": 1\n}".to_owned()), "{\n  \"a\": 1\n}");
    }
}
