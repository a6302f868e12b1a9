//! What is said in the same words on every screen: the line of an event as [`plain_line`] has it, in its colours.

use crate::screen::apps::Apps;
use crate::screen::lines::{Line, Teller};
use crate::screen::look::{Look, dim, red, yellow};
use shared_model::event::{Event, Stream};
use shared_model::plain_line::{HEAD, PlainLine, plain_line};

/// The event's plain line; `None` where it has none.
pub(super) fn told(event: &Event) -> Option<Line> {
    let line = plain_line(event)?;
    let text = line.text.into_owned();
    let text = match event {
        Event::Line { .. } | Event::Progress { .. } => text,
        _ => [("error:", red as fn(&str) -> String), ("warning:", yellow), (HEAD, dim)]
            .into_iter()
            .find_map(|(head, paint)| Some(format!("{}{}", paint(head), text.strip_prefix(head)?)))
            .unwrap_or(text),
    };
    Some(Line { stream: line.stream, text })
}

/// A line without our head.
pub(super) fn sentence<'a>(line: &'a PlainLine<'_>) -> &'a str {
    line.text.strip_prefix(HEAD).unwrap_or(&line.text).trim_start()
}

/// The same sentence as a note, or on standard error as a warning, instead of behind our head.
pub(super) fn by_the_way(event: &Event) -> Option<Line> {
    let line = plain_line(event)?;
    let sentence = sentence(&line);
    Some(match line.stream {
        Stream::Out => Line::out(format!("{} {sentence}", dim("note:"))),
        Stream::Err => Line::err(format!("{} {sentence}", yellow("warning:"))),
    })
}

/// Every event's plain line: what `--verbose` shows. How several apps ended is a table.
pub(super) struct Verbose {
    look: Look,
    apps: Apps,
}

impl Verbose {
    /// Of a session that is about to begin.
    pub(super) fn new(look: Look) -> Self {
        Self { look, apps: Apps::default() }
    }
}

impl Teller for Verbose {
    fn tell(&mut self, event: &Event) -> Vec<Line> {
        match event {
            Event::AppEnded { .. } => {
                self.apps.note(event);
                Vec::new()
            }
            Event::Done { .. } | Event::Failed { .. } => {
                self.apps.table(self.look).map(Line::out).into_iter().chain(told(event)).collect()
            }
            _ => told(event).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_have_colours_and_a_builders_line_has_only_its_own() {
        let warning = told(&Event::Warning { text: "look out".into() }).unwrap();
        assert_eq!(warning, Line::err("\u{1b}[33mwarning:\u{1b}[0m look out"));
        let line = Event::Line { source: "STG".into(), stream: Stream::Out, text: "warning: mine".into() };
        assert_eq!(told(&line).unwrap(), Line::out("\\warning: mine"));
        assert_eq!(told(&Event::Hello { protocol: 2, version: String::new() }), None);
    }
}
