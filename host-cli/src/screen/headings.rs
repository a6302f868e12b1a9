//! The first line: what is about to be done, to what, and what that changes elsewhere.

use crate::screen::look::{Look, bold, dim};
use crate::screen::told::sentence;
use console::measure_text_width;
use shared_model::event::Event;
use shared_model::plain_line::{escape_control_in_line, plain_line};

const REPLACES: &str = "(replaces Cloud Controller's droplet; `--no-upload` leaves it)";

/// A heading and what stands beside it.
pub(super) struct Heading {
    title: String,
    aside: Option<&'static str>,
}

/// That of `event`; `None` where it begins nothing.
pub(super) fn heading(event: &Event) -> Option<Heading> {
    let clean = |text: &str| escape_control_in_line(text);
    let (title, aside) = match event {
        Event::Staging { app_name, app_guid, stack, uploads, staging_guid: _ } => {
            let app = clean(if app_name.is_empty() { app_guid } else { app_name });
            let app = if app.is_empty() { "an app without a name".to_owned() } else { app };
            let stack = if stack.is_empty() { String::new() } else { format!(" on {}", clean(stack)) };
            let aside = uploads.map(|uploads| if uploads { REPLACES } else { "(Cloud Controller's droplet stays)" });
            (format!("Staging {app}{stack}"), aside)
        }
        Event::Launching { .. } | Event::Pushing { .. } | Event::Exporting { .. } => {
            (sentence(&plain_line(event)?).replace('\t', " "), None)
        }
        _ => return None,
    };
    Some(Heading { title, aside })
}

impl Heading {
    /// In one line, or two where the terminal is too narrow.
    pub(super) fn text(&self, look: Look) -> String {
        let Some(aside) = self.aside else { return look.sentence(&bold(&self.title)) };
        let one_line = format!("{}   {}", bold(&self.title), dim(aside));
        match look.width {
            Some(width) if measure_text_width(&one_line) > width => {
                let aside = textwrap::wrap(aside, width.saturating_sub(2).max(1));
                format!("{}\n  {}", bold(&self.title), dim(&aside.join("\n  ")))
            }
            _ => one_line,
        }
    }
}
