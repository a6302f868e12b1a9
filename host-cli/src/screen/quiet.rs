//! What `--quiet` shows: warnings, failures, of a failed build its last lines, and at the end the result alone, as a script
//! takes it: an image, an address, a file.

use crate::screen::lines::{Line, Teller};
use crate::screen::told::{by_the_way, told};
use shared_model::event::{Event, Purpose};
use shared_model::plain_line::escape_control_in_line;
use std::collections::VecDeque;

/// How many of a failed build's lines are shown.
const LAST_LINES: usize = 40;

/// Remembers what a failure needs, and the result.
#[derive(Default)]
pub(super) struct Quiet {
    last_lines: VecDeque<Line>,
    result: String,
    next: Vec<Line>,
    /// Whether somebody else tells the result.
    without_result: bool,
}

impl Quiet {
    /// For a screen on which somebody else tells the result.
    pub(super) fn without_result() -> Self {
        Self { without_result: true, ..Self::default() }
    }

    fn remember(&mut self, event: &Event) {
        match event {
            Event::Line { .. } => {
                if self.last_lines.len() == LAST_LINES {
                    self.last_lines.pop_front();
                }
                self.last_lines.extend(told(event).map(|line| Line::err(format!("  {}", line.text))));
            }
            Event::RunEnded { status: 0, .. } => self.last_lines.clear(),
            Event::Image { name, .. } | Event::DockerImage { image: name, .. } => {
                self.result = escape_control_in_line(name);
            }
            Event::Pushed { reference, digest, .. } => {
                self.result = escape_control_in_line(&format!("{reference}@{digest}"));
            }
            Event::Exported { path, .. } if path != "-" => self.result = escape_control_in_line(path),
            Event::Running { url, name, container } => {
                let found = [url, name, container].into_iter().find(|text| !text.is_empty());
                self.result = escape_control_in_line(found.map_or("", String::as_str));
            }
            // It costs memory for an hour: whoever asked for it wants to know.
            Event::Next { purpose: Purpose::LookInside, .. } => {
                self.next.extend(by_the_way(event).map(|line| Line::err(line.text)));
            }
            _ => {}
        }
    }
}

impl Teller for Quiet {
    fn tell(&mut self, event: &Event) -> Vec<Line> {
        self.remember(event);
        match event {
            Event::Warning { .. } => told(event).into_iter().collect(),
            Event::Retrying { .. } => by_the_way(event).into_iter().collect(),
            Event::Failed { .. } => self.last_lines.drain(..).chain(told(event)).chain(self.next.drain(..)).collect(),
            Event::AppEnded { code: 0, image, .. } if !image.is_empty() => {
                vec![Line::out(escape_control_in_line(image))]
            }
            Event::Done { .. } => {
                let result = Some(std::mem::take(&mut self.result));
                let result = result.filter(|result| !result.is_empty() && !self.without_result).map(Line::out);
                result.into_iter().chain(self.next.drain(..)).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::event::Stream;

    fn said(events: &[Event]) -> Vec<String> {
        let mut quiet = Quiet::default();
        events.iter().flat_map(|event| quiet.tell(event)).map(|line| line.text).collect()
    }

    fn line(text: String) -> Event {
        Event::Line { source: "STG".into(), stream: Stream::Out, text }
    }

    #[test]
    fn what_goes_well_is_its_result_alone() {
        let image = Event::Image { name: "cf-app/a:1".into(), id: "sha256:1".into(), bytes: 1 };
        let ended = Event::RunEnded { path: "builder".into(), status: 0, ms: 1 };
        let note = Event::Note { text: "by the way".into() };
        assert_eq!(said(&[note, line("-----> Ruby".into()), ended, image, Event::Done { ms: 1 }]), ["cf-app/a:1"]);
        let running = Event::Running { url: "http://127.0.0.1:1".into(), container: "4f".into(), name: "a".into() };
        assert_eq!(said(&[running, Event::Done { ms: 1 }]), ["http://127.0.0.1:1"]);
        assert!(said(&[Event::Done { ms: 1 }]).is_empty());
    }

    #[test]
    fn of_a_failed_build_the_last_lines_are_shown_before_the_error() {
        let mut events: Vec<Event> = (0..100).map(|number| line(number.to_string())).collect();
        events.push(Event::RunEnded { path: "builder".into(), status: 223, ms: 1 });
        events.push(Event::Failed { code: 223, text: "no".into(), advice: String::new() });
        let said = said(&events);
        assert_eq!((said.len(), said[0].as_str()), (LAST_LINES + 1, "  60"));
        assert!(said[LAST_LINES].ends_with(" no"), "{said:?}");
    }
}
