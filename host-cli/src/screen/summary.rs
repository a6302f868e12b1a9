//! How long each step of a session took, as a table for people.

use shared_model::event::{Event, Step};
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;
use std::fmt::Write as _;
use std::time::Duration;

/// Collects the steps that ended, each once.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    steps: Vec<(Step, u64)>,
    apps: Vec<App>,
}

/// How one of several apps ended.
#[derive(Debug)]
struct App {
    name: String,
    outcome: String,
    ms: u64,
    image: String,
}

impl Summary {
    /// Takes what is of interest in `event`.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::StepEnded { step, ms } => match self.steps.iter_mut().find(|(known, _)| known == step) {
                Some((_, known)) => *known = known.saturating_add(*ms),
                None => self.steps.push((*step, *ms)),
            },
            Event::AppEnded { app, code, ms, image, .. } => self.apps.push(App {
                name: escape_control_in_line(app),
                outcome: if *code == 0 { "staged".to_owned() } else { format!("failed ({code})") },
                ms: *ms,
                image: escape_control_in_line(image),
            }),
            _ => {}
        }
    }

    /// A line a step and one for the total of `ms` milliseconds; empty where there are not at least two steps to compare.
    pub(crate) fn table(&self, ms: u64) -> String {
        if self.steps.len() < 2 {
            return self.apps();
        }
        let mut text = String::new();
        let steps = self.steps.iter().map(|(step, ms)| (step.name(), *ms));
        for (name, ms) in steps.chain([("total", ms)]) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<6}{:>7}", size::seconds(Duration::from_millis(ms)));
        }
        text
    }

    /// A line an app, in the order in which they ended; empty where there was but one session.
    pub(crate) fn apps(&self) -> String {
        let width = self.apps.iter().map(|app| app.name.chars().count()).max().unwrap_or_default();
        let line = |App { name, outcome, ms, image }: &App| {
            let time = size::seconds(Duration::from_millis(*ms));
            format!("{}\n", format!("  {name:<width$}  {outcome:<12}{time:>7}  {image}").trim_end())
        };
        self.apps.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_alone_needs_no_table() {
        let mut summary = Summary::default();
        summary.note(&Event::StepEnded { step: Step::Launch, ms: 1 });
        assert_eq!(summary.table(1), "");
    }

    #[test]
    fn a_step_that_ends_twice_is_one_line() {
        let mut summary = Summary::default();
        for (step, ms) in [(Step::Upload, 1000), (Step::Upload, 500), (Step::Image, u64::MAX)] {
            summary.note(&Event::StepEnded { step, ms });
        }
        let table = summary.table(65_000);
        assert!(table.starts_with("  upload   1.5s\n") && table.ends_with("  total   1m05s\n"), "{table}");
    }
}
