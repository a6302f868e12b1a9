//! Several apps on a terminal: below what is said stands a row an app, with its step and how long it has been staged. What a
//! builder prints is shown only of a failed build.

use crate::screen::bars::{TICK, style};
use crate::screen::lines::Lines;
use crate::screen::look::{Look, Mark};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use shared_model::event::{Event, EventSink};
use shared_model::size;
use std::sync::{Arc, Mutex, PoisonError};

/// So many rows of apps that have ended stay.
const MOST_ROWS: usize = 16;

const RUNNING: &str = "  {spinner} {prefix}  {msg:7} {time}";
const ENDED: &str = "  {prefix}  {msg}";

/// The rows of all apps.
#[derive(Clone)]
pub(super) struct AppRows {
    drawing: MultiProgress,
    look: Look,
    /// Those of apps that have ended; a bar that nobody holds is drawn no more.
    ended: Arc<Mutex<Vec<ProgressBar>>>,
}

impl AppRows {
    /// No app has begun.
    pub(super) fn new(drawing: MultiProgress, look: Look) -> Self {
        Self { drawing, look, ended: Arc::default() }
    }

    /// For what is said above the rows, which go when all ends.
    pub(super) fn above(&self, lines: Lines) -> impl EventSink + Send + use<> {
        Above { drawing: self.drawing.clone(), lines }
    }
}

struct Above {
    drawing: MultiProgress,
    lines: Lines,
}

impl EventSink for Above {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Done { .. } | Event::Failed { .. }) {
            let _ = self.drawing.clear(); // A terminal that is gone shows no rows.
            self.drawing.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.drawing.suspend(|| self.lines.emit(event));
    }
}

/// One app's.
pub(super) struct AppRow {
    rows: AppRows,
    name: String,
    bar: ProgressBar,
    trouble: Lines,
}

impl AppRow {
    /// Of an app that begins; `trouble` says what cannot wait until the end.
    pub(super) fn new(rows: &AppRows, name: &str, trouble: Lines) -> Self {
        let bar = rows.drawing.add(ProgressBar::no_length());
        bar.set_style(style(RUNNING, rows.look));
        bar.set_prefix(name.to_owned());
        bar.set_message("begins");
        bar.enable_steady_tick(TICK);
        Self { rows: rows.clone(), name: name.to_owned(), bar, trouble }
    }

    fn ended(&self, mark: Mark, how: &'static str) {
        let mut ended = self.rows.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= MOST_ROWS {
            let oldest = ended.remove(0);
            oldest.finish_and_clear();
            self.rows.drawing.remove(&oldest);
        }
        ended.push(self.bar.clone());
        self.bar.disable_steady_tick();
        let mark = self.rows.look.mark(mark);
        self.bar.set_style(style(ENDED, self.rows.look));
        self.bar.set_prefix(format!("{} {}", self.rows.look.fit(shared_model::event::Stream::Err, &mark), self.name));
        self.bar.set_message(format!("{how:7} {}", size::seconds(self.bar.elapsed())));
    }
}

impl EventSink for AppRow {
    fn emit(&self, event: Event) {
        match &event {
            Event::StepStarted { step } => self.bar.set_message(step.name()),
            Event::Done { .. } => self.ended(Mark::Done, "staged"),
            Event::Failed { .. } => self.ended(Mark::Failed, "failed"),
            _ => {}
        }
        self.rows.drawing.suspend(|| self.trouble.emit(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::lines::tests::piped;
    use crate::screen::quiet::Quiet;
    use indicatif::InMemoryTerm;
    use shared_model::event::Step;

    #[test]
    fn each_app_is_a_row_with_its_step_until_all_have_ended() {
        let terminal = InMemoryTerm::new(20, 80);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 200);
        let rows = AppRows::new(MultiProgress::with_draw_target(target), Look::plain(Some(80)));
        let (out, err, streams) = piped();
        let whole = rows.above(Lines::new(streams.clone(), Quiet::without_result()));
        let trouble = |name: &str| Lines::behind(streams.clone(), name, Quiet::without_result());
        let apps = ["one", "two"].map(|name| AppRow::new(&rows, name, trouble(&format!("{name} | "))));
        apps[0].emit(Event::StepStarted { step: Step::Build });
        apps[1].emit(Event::Failed { code: 4, text: "gone".into(), advice: String::new() });
        for app in &apps {
            app.bar.force_draw();
        }
        let shown = terminal.contents();
        assert!(shown.contains(" one  build   0s\n  ✗ two  failed  0.0"), "{shown}");
        assert_eq!(err.text(), "two | error: gone\n");
        whole.emit(Event::Done { ms: 1 });
        assert_eq!((terminal.contents(), out.text()), (String::new(), String::new()));
    }
}
