//! How each of several apps ended, as a table: which image it became, or why it became none.

use crate::screen::look::{Look, Mark, dim};
use console::{measure_text_width, pad_str, truncate_str};
use shared_model::event::Event;
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;
use std::time::Duration;

/// The longest time that is aligned: `59m59s`.
const TIME: usize = 6;

/// The apps that ended, in that order.
#[derive(Debug, Default)]
pub(super) struct Apps(Vec<App>);

#[derive(Debug)]
struct App {
    name: String,
    mark: Mark,
    ms: u64,
    /// The image, or the reason why there is none.
    outcome: String,
}

impl Apps {
    /// Takes what is of interest in `event`.
    pub(super) fn note(&mut self, event: &Event) {
        let Event::AppEnded { app, code, ms, image, text, advice: _ } = event else { return };
        let reason = text.lines().next().unwrap_or_default();
        let (mark, outcome) = if *code == 0 {
            (Mark::Done, escape_control_in_line(image))
        } else {
            (Mark::Failed, escape_control_in_line(reason))
        };
        self.0.push(App { name: escape_control_in_line(app), mark, ms: *ms, outcome });
    }

    /// A line an app; on a terminal a long reason is cut, since it stands above.
    pub(super) fn table(&self, look: Look) -> Option<String> {
        let width = self.0.iter().map(|app| measure_text_width(&app.name)).max()?;
        let row = |App { name, mark, ms, outcome }: &App| {
            let time = size::seconds(Duration::from_millis(*ms));
            let name = pad_str(name, width, console::Alignment::Left, None);
            let head = format!("  {} {name}  {}  ", look.mark(*mark), dim(&format!("{time:>TIME$}")));
            let room = look.width.map_or(usize::MAX, |width| width.saturating_sub(measure_text_width(&head)));
            let more = if look.ascii { "..." } else { "…" };
            format!("{head}{}", truncate_str(outcome, room, more)).trim_end().to_owned()
        };
        Some(self.0.iter().map(row).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::event::Stream;

    #[test]
    fn each_app_is_a_line_with_its_image_or_the_reason_why_there_is_none() {
        let mut apps = Apps::default();
        assert_eq!(apps.table(Look::plain(None)), None);
        for (app, code, image, text) in
            [("one", 0, "cf-app/one:latest", ""), ("longer", 222, "", "no buildpack detected the app\nat all")]
        {
            let (app, image, text) = (app.to_owned(), image.to_owned(), text.to_owned());
            apps.note(&Event::AppEnded { app, code, ms: 4100, image, text, advice: String::new() });
        }
        let table = |width| {
            let look = Look::plain(width);
            look.fit(Stream::Out, &apps.table(look).unwrap()).into_owned()
        };
        assert_eq!(
            table(None),
            "  ✓ one       4.1s  cf-app/one:latest\n  ✗ longer    4.1s  no buildpack detected the app"
        );
        assert_eq!(table(Some(40)).lines().nth(1).unwrap(), "  ✗ longer    4.1s  no buildpack detect…");
    }
}
