//! For a terminal: the lines, and below them a bar for each transfer and one line for the step that is under way. Bars take
//! the width that is there; nothing wraps.

use crate::screen::look::Look;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use shared_model::event::{Event, EventSink, Step};
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bar is drawn for so many downloads at once; the container decides how many it says there are.
const MOST_BARS: usize = 32;

/// Often enough to look alive.
pub(super) const TICK: Duration = Duration::from_millis(120);

/// Where nobody knows how wide a terminal is.
const USUAL_WIDTH: usize = 80;

/// From here on there is room for a rate.
const WIDE: usize = 90;

const STEP: &str = "  {spinner} {msg:6}  {time}";

/// Bars for what is under way, with finished lines above them.
pub(crate) struct Bars<Lines> {
    lines: Lines,
    drawing: MultiProgress,
    look: Look,
    /// In front of every label.
    prefix: String,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    /// By the directory that a download goes to, the path of an export, or the name that is pushed to.
    downloads: HashMap<String, ProgressBar>,
    step: Option<(Step, ProgressBar)>,
}

impl<Lines: EventSink> Bars<Lines> {
    /// Draws on standard error, below what `lines` writes.
    pub(crate) fn new(look: Look, lines: Lines) -> Self {
        Self::drawn_on(ProgressDrawTarget::stderr(), look, lines)
    }

    fn drawn_on(target: ProgressDrawTarget, look: Look, lines: Lines) -> Self {
        Self::beside(&MultiProgress::with_draw_target(target), "", look, lines)
    }

    /// Draws among others.
    pub(super) fn beside(drawing: &MultiProgress, prefix: &str, look: Look, lines: Lines) -> Self {
        Self { lines, drawing: drawing.clone(), look, prefix: prefix.to_owned(), shown: Mutex::default() }
    }

    fn draw(&self, event: &Event) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StepStarted { step } => {
                shown.step = Some((*step, self.added(STEP, step.name(), &self.prefix)));
            }
            Event::StepEnded { step, .. } => {
                if let Some((_, bar)) = shown.step.take_if(|(current, _)| current == step) {
                    self.removed(&bar);
                }
            }
            Event::Downloading { name, to, .. } if shown.downloads.len() < MOST_BARS => {
                let label = if name.is_empty() { to } else { name };
                let bar = self.transfer(label);
                if let Some(former) = shown.downloads.insert(to.clone(), bar) {
                    self.removed(&former);
                }
            }
            Event::Exporting { kind, path, .. } => {
                let bar = self.transfer(kind);
                shown.downloads.insert(path.clone(), bar);
            }
            Event::DownloadProgress { to, bytes, total } | Event::ExportProgress { path: to, bytes, total } => {
                if let Some(bar) = shown.downloads.get(to) {
                    self.advance(bar, *bytes, *total);
                }
            }
            Event::Downloaded { to, .. }
            | Event::Cached { to, .. }
            | Event::Exported { path: to, .. }
            | Event::Pushed { reference: to, .. }
            | Event::Pulled { image: to, .. } => {
                if let Some(bar) = shown.downloads.remove(to) {
                    self.removed(&bar);
                }
            }
            Event::Pushing { reference, .. } | Event::Pulling { image: reference } => {
                let bar = self.transfer(reference);
                shown.downloads.insert(reference.clone(), bar);
            }
            Event::PushProgress { reference, bytes, total }
            | Event::PullProgress { image: reference, bytes, total } => {
                if let Some(bar) = shown.downloads.get(reference) {
                    self.advance(bar, *bytes, Some(*total));
                }
            }
            Event::Done { .. } | Event::Failed { .. } => {
                let step = shown.step.take().map(|(_, bar)| bar);
                for bar in shown.downloads.drain().map(|(_, bar)| bar).chain(step) {
                    self.removed(&bar);
                }
            }
            _ => {}
        }
    }

    fn transfer(&self, label: &str) -> ProgressBar {
        self.added(&transfer(self.width(), false), label, &self.prefix)
    }

    fn added(&self, template: &str, label: &str, prefix: &str) -> ProgressBar {
        let bar = self.drawing.add(ProgressBar::no_length());
        bar.set_style(style(template, self.look));
        bar.set_message(format!("{prefix}{}", escape_control_in_line(label)));
        bar.enable_steady_tick(TICK);
        bar
    }

    fn removed(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.drawing.remove(bar);
    }

    /// A bar that did not know its length is given a line with it.
    fn advance(&self, bar: &ProgressBar, bytes: u64, total: Option<u64>) {
        if let Some(total) = total.filter(|total| bar.length() != Some(*total)) {
            bar.set_length(total);
            bar.set_style(style(&transfer(self.width(), true), self.look));
        }
        bar.set_position(bytes);
    }

    fn width(&self) -> usize {
        self.look.width.unwrap_or(USUAL_WIDTH)
    }
}

/// The line of a transfer on a terminal of this width. The bar takes what is left.
fn transfer(width: usize, has_total: bool) -> String {
    let label = (width / 3).clamp(10, 28);
    let (bar, size) = if has_total { ("{wide_bar}", 20) } else { ("{spinner}", 10) };
    let rate = if width >= WIDE { " {rate:>12}" } else { "" };
    format!("  {{msg:{label}!}} {bar} {{size:>{size}}}{rate}")
}

/// A template of ours; should one not parse, the default bar does.
pub(super) fn style(template: &str, look: Look) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("size", |state: &ProgressState, text: &mut dyn Write| {
        let of = state.len().map(|total| format!(" of {}", size::bytes(total))).unwrap_or_default();
        let _ = write!(text, "{}{of}", size::bytes(state.pos()));
    });
    let style = style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
        let _ = text.write_str(&size::rate(state.pos(), state.elapsed()));
    });
    let style = style.with_key("time", |state: &ProgressState, text: &mut dyn Write| {
        let whole = state.elapsed().as_secs();
        let _ = if whole < 60 { write!(text, "{whole}s") } else { text.write_str(&size::seconds(state.elapsed())) };
    });
    if look.ascii { style.tick_chars("|/-\\ ").progress_chars("=> ") } else { style }
}

impl<Lines: EventSink> EventSink for Bars<Lines> {
    fn emit(&self, event: Event) {
        self.draw(&event);
        self.drawing.suspend(|| self.lines.emit(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::recording::Recording;
    use indicatif::InMemoryTerm;

    fn terminal() -> (InMemoryTerm, Bars<Recording>) {
        wide(120)
    }

    fn wide(width: u16) -> (InMemoryTerm, Bars<Recording>) {
        let terminal = InMemoryTerm::new(20, width);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 200);
        let look = Look::plain(Some(width.into()));
        (terminal, Bars::drawn_on(target, look, Recording::default()))
    }

    fn downloading(to: &str) -> Event {
        Event::Downloading { name: String::new(), to: to.into(), from: "http://h/x".into() }
    }

    #[test]
    fn a_download_is_a_bar_with_bytes_until_it_is_in_place() {
        let (terminal, screen) = terminal();
        screen.emit(downloading("/tmp/lifecycle"));
        screen.emit(Event::DownloadProgress { to: "/tmp/lifecycle".into(), bytes: 512, total: Some(2048) });
        screen.shown.lock().unwrap().downloads["/tmp/lifecycle"].force_draw();
        let shown = terminal.contents();
        assert!(shown.contains("/tmp/lifecycle") && shown.contains("512 B of 2 KiB"), "{shown}");
        screen.emit(Event::Downloaded {
            name: String::new(),
            to: "/tmp/lifecycle".into(),
            bytes: 2048,
            entries: 3,
            ms: 9,
        });
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn a_bar_ends_where_a_copy_takes_the_place_of_the_download() {
        let (terminal, screen) = terminal();
        screen.emit(downloading("/tmp/app"));
        screen.emit(Event::Cached {
            name: String::new(),
            to: "/tmp/app".into(),
            from: "http://h/x".into(),
            bytes: 2048,
            fetched: "2016-06-15T18:57:23Z".into(),
            reason: Some("the server answered 410 Gone".into()),
        });
        assert_eq!((terminal.contents().as_str(), screen.shown.lock().unwrap().downloads.len()), ("", 0));
    }

    #[test]
    fn a_push_is_a_bar_that_grows_longer_until_the_registry_has_it() {
        let (terminal, screen) = terminal();
        let reference = || "r:5000/a:1".to_owned();
        screen.emit(Event::Pushing { image: "mine:1".into(), reference: reference() });
        for total in [1024, 2048] {
            screen.emit(Event::PushProgress { reference: reference(), bytes: 512, total });
        }
        screen.shown.lock().unwrap().downloads["r:5000/a:1"].force_draw();
        let shown = terminal.contents();
        assert!(shown.contains("r:5000/a:1") && shown.contains("512 B of 2 KiB"), "{shown}");
        let digest = "sha256:ab".to_owned();
        screen.emit(Event::Pushed {
            reference: reference(),
            digest,
            bytes: 2048,
            layers_pushed: 2,
            layers_existing: 0,
            ms: 9,
        });
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn an_export_is_a_bar_until_it_is_there() {
        let (terminal, screen) = terminal();
        let path = "droplet.tgz".to_owned();
        let kind = "droplet".to_owned();
        screen.emit(Event::Exporting { kind: kind.clone(), image: "a:b".into(), path: path.clone() });
        screen.emit(Event::ExportProgress { path: path.clone(), bytes: 512, total: Some(2048) });
        screen.shown.lock().unwrap().downloads[&path].force_draw();
        let shown = terminal.contents();
        assert!(shown.contains("droplet") && shown.contains("512 B of 2 KiB"), "{shown}");
        screen.emit(Event::Exported { kind, path, digest: "sha256:0f".into(), bytes: 1 });
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn nothing_is_left_of_the_bars_at_the_end() {
        let (terminal, screen) = terminal();
        screen.emit(Event::StepStarted { step: Step::Build });
        screen.emit(downloading("/a"));
        screen.emit(Event::Failed { code: 4, text: "gone".into(), advice: String::new() });
        assert_eq!(terminal.contents(), "");
        assert!(screen.shown.lock().unwrap().downloads.is_empty());
    }

    #[test]
    fn a_container_that_says_it_downloads_without_end_gets_a_bounded_number_of_bars() {
        let (_, screen) = terminal();
        for number in 0..1000 {
            screen.emit(downloading(&format!("/{number}")));
        }
        assert_eq!(screen.shown.lock().unwrap().downloads.len(), MOST_BARS);
    }

    #[test]
    fn nothing_in_a_label_is_obeyed_or_unseen() {
        let (terminal, screen) = terminal();
        screen.emit(downloading("/a\u{1b}[8m\t\u{200b}b"));
        screen.shown.lock().unwrap().downloads.values().for_each(ProgressBar::force_draw);
        assert!(terminal.contents().contains("/a\\u{1b}[8m \\u{200b}b"), "{}", terminal.contents());
    }

    #[test]
    fn a_bar_takes_the_width_that_is_there_and_does_not_wrap() {
        for width in [60, 80, 120] {
            let (terminal, screen) = wide(width);
            screen.emit(downloading("/tmp/buildpacks/ee1906bd1c2c0b9fba389e634d6e68ea"));
            let to = "/tmp/buildpacks/ee1906bd1c2c0b9fba389e634d6e68ea".to_owned();
            screen.emit(Event::DownloadProgress { to, bytes: 12_582_912, total: Some(1_046_871_347) });
            screen.shown.lock().unwrap().downloads.values().for_each(ProgressBar::force_draw);
            let shown = terminal.contents();
            assert!(shown.lines().count() == 1 && shown.contains("12 MiB of 998 MiB"), "{shown}");
            assert!(shown.chars().filter(|part| "█░".contains(*part)).count() > 8, "{shown}");
        }
    }

    #[test]
    fn every_template_parses() {
        for width in [0, 60, 80, 120] {
            for template in [transfer(width, true), transfer(width, false), STEP.to_owned()] {
                assert!(ProgressStyle::with_template(&template).is_ok(), "{template}");
            }
        }
    }
}
