//! How an event goes from the agent to the host: one JSON object a line, its name under `event`.

use super::Event;
use crate::json_text::harmless;

/// The version of this stream, in every [`Event::Hello`]. It changes when an old reader would misread a new event.
pub const PROTOCOL: u32 = 2;

/// The most bytes of a builder's output in one [`Event::Line`]; a longer line is cut on a character's boundary.
pub const LONGEST_LINE: usize = 4096;

impl Event {
    /// One line of JSON without its end.
    ///
    /// # Panics
    /// Never: an event holds strings, numbers and flags only, and those are always JSON.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        harmless(serde_json::to_string(self).expect("an event holds strings, numbers and flags only"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    #[test]
    fn an_event_is_one_line_and_reads_back() {
        let event =
            Event::Line { source: "STG".into(), stream: Stream::Out, text: "a\nb\u{1b}[31m\u{9b}2J\u{202e}".into() };
        let line = event.to_json_line();
        assert!(line.is_ascii() && !line.contains('\n'), "{line:?}");
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    /// The examples of `docs/events.md`: all lines of its JSON blocks.
    fn examples() -> Vec<&'static str> {
        let blocks = include_str!("../../../docs/events.md").split("```json\n").skip(1);
        blocks.flat_map(|block| block.split("```").next().unwrap().lines()).collect()
    }

    #[test]
    fn every_example_of_the_documentation_is_an_event_as_we_write_it() {
        for example in examples() {
            let event: Event = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
            assert_eq!(event.to_json_line(), example);
        }
    }

    #[test]
    fn the_documentation_has_an_example_and_a_heading_for_every_event() {
        // Serde lists all names when it is given none of them: `… expected one of `hello`, `staging`, …`.
        let refusal = serde_json::from_str::<Event>(r#"{"event":""}"#).unwrap_err().to_string();
        let names: Vec<&str> =
            refusal.split("expected one of ").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(names.contains(&"hello") && names.contains(&"done"), "{refusal}");
        let documentation = include_str!("../../../docs/events.md");
        for name in names {
            let start = format!("{{\"event\":\"{name}\"");
            assert!(examples().iter().any(|example| example.starts_with(&start)), "{name} has no example");
            let headed =
                documentation.lines().any(|line| line.starts_with("### ") && line.contains(&format!("`{name}`")));
            assert!(headed, "{name} has no heading");
        }
    }
}
