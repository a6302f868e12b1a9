//! What a staging says on its way out: of what strangers had a hand in, secrets are hidden (`hidden.rs`), and what builders and
//! requests may print is bounded. They go on unheard; their pipes are read to the end.

use crate::hidden::Hidden;
use crate::session::scope::Scope;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use shared_model::size;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes of `--max-output` where nobody says. An hour of a talkative build has a hundredth of it.
pub(crate) const MOST_OUTPUT: u64 = 64 << 20;
/// What a line counts at least, for what is around it.
const LEAST: u64 = 64;

/// An event sink that hides secrets and passes on so many bytes of output.
pub(crate) struct Outlet<'a> {
    to: &'a Scope<'a>,
    hidden: &'a Hidden,
    /// Bytes that pass.
    limit: u64,
    said: AtomicU64,
    is_full: AtomicBool,
}

impl<'a> Outlet<'a> {
    /// Leads to where `to` says things; `limit` bytes of lines and progress pass.
    pub(crate) fn new(to: &'a Scope<'a>, hidden: &'a Hidden, limit: u64) -> Self {
        Self { to, hidden, limit, said: AtomicU64::new(0), is_full: AtomicBool::new(false) }
    }

    /// Whether there is room for `text`. The first time that there is none is told.
    fn has_room(&self, text: &str) -> bool {
        if self.is_full.load(Ordering::Relaxed) {
            return false;
        }
        let cost = LEAST.max(escape_control(text).len() as u64 + 1);
        let before = self.said.fetch_add(cost, Ordering::Relaxed); // 2^64 bytes are more than anybody prints
        if before.saturating_add(cost) <= self.limit {
            return true;
        }
        if !self.is_full.swap(true, Ordering::Relaxed) {
            let text = format!(
                "more than {} were printed: what follows is not shown, and all goes on (--max-output shows more: \
                 host-cli restage APP -- --max-output SIZE)",
                size::bytes(self.limit)
            );
            self.to.emit(Event::Warning { text });
        }
        false
    }

    fn hide(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(shown) = self.hidden.hide(text) {
            *text = shown;
        }
    }
}

impl EventSink for Outlet<'_> {
    fn emit(&self, mut event: Event) {
        match &mut event {
            Event::Progress { text, .. } | Event::Warning { text } | Event::Note { text } | Event::Ignored { text } => {
                self.hide(text);
            }
            Event::Failed { text, advice, .. } => {
                self.hide(text);
                self.hide(advice);
            }
            _ => {} // of lines, secrets were hidden before long ones were cut
        }
        let has_room = match &event {
            Event::Line { text, .. } | Event::Progress { text, .. } => self.has_room(text),
            _ => true,
        };
        if has_room {
            self.to.emit(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::loopback::Audience;
    use crate::hidden::from_urls;
    use crate::session::scope::Stop;
    use shared_model::event::Stream;

    fn line(text: &str) -> Event {
        Event::Line { source: "STG".into(), stream: Stream::Out, text: text.into() }
    }

    fn progress(text: &str) -> Event {
        Event::Progress { source: "STG".into(), text: text.into(), failed: false }
    }

    #[test]
    fn lines_and_progress_share_a_bound_that_is_told_once_and_all_else_passes() {
        let (audience, stop, hidden) = (Audience::default(), Stop::default(), Hidden::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let outlet = Outlet::new(&scope, &hidden, 2000);
        for event in [line(&"x".repeat(999)), progress(&"\u{1}".repeat(190)), line("a"), line("b"), progress("c")] {
            outlet.emit(event);
        }
        outlet.emit(Event::Done { ms: 1 });
        assert_eq!((audience.heard_of("line").len(), audience.heard_of("progress").len()), (1, 1));
        let warnings = audience.heard_of("warning");
        assert!(warnings.len() == 1 && format!("{warnings:?}").contains("--max-output"), "{warnings:?}");
        assert_eq!(audience.heard_of("done").len(), 1);
    }

    #[test]
    fn a_line_of_one_letter_is_not_for_free() {
        let (audience, stop, hidden) = (Audience::default(), Stop::default(), Hidden::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let outlet = Outlet::new(&scope, &hidden, 640);
        (0..100).for_each(|_| outlet.emit(line("x")));
        assert_eq!(audience.heard_of("line").len(), 10);
    }

    #[test]
    fn failures_and_progress_name_no_password() {
        let (audience, stop, hidden) = (Audience::default(), Stop::default(), from_urls(&["https://u:pa55word@h/"]));
        let scope = Scope::new(&audience, "STG", &stop);
        let outlet = Outlet::new(&scope, &hidden, 2000);
        let text = || "https://u:pa55word@h/".to_owned();
        outlet.emit(Event::Failed { code: 5, text: text(), advice: text() });
        for event in [progress(&text()), Event::Warning { text: text() }, Event::Note { text: text() }] {
            outlet.emit(event);
        }
        for name in ["failed", "progress", "warning", "note"] {
            let heard = format!("{:?}", audience.heard_of(name));
            assert!(heard.contains("https://***@h/") && !heard.contains("pa55word"), "{heard}");
        }
    }
}
