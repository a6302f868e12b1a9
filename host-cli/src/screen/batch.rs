//! Several apps on one screen. On a terminal each is a row that shows how far it is; in a pipe lines begin with the app's name;
//! JSON lines hold it as `app`. What belongs to no app in particular is said as ever. The stream as a whole has one beginning
//! and one end.

use crate::arguments::{Output, ScreenOptions};
use crate::screen::app_rows::{AppRow, AppRows};
use crate::screen::bars::Bars;
use crate::screen::json::Json;
use crate::screen::lines::{Lines, Streams};
use crate::screen::quiet::Quiet;
use crate::screen::{Look, Screen, is_live, teller};
use console::{Alignment, pad_str};
use indicatif::{MultiProgress, ProgressDrawTarget};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control_in_line;
use std::io::{self, IsTerminal, Stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest name that the others are filled up to.
const WIDEST: usize = 24;

/// The one screen; see the module's text.
pub(crate) struct Screens {
    shared: Shared,
    width: AtomicUsize,
}

enum Shared {
    Lines(Streams, ScreenOptions),
    /// `--verbose` on a terminal.
    Bars(Streams, ScreenOptions, MultiProgress),
    Rows(Streams, ScreenOptions, AppRows),
    Json(Arc<Json<Stdout>>),
    #[cfg(test)]
    Recorded(Screen),
}

impl Screens {
    /// In the form that a single app's would have.
    pub(crate) fn new(options: ScreenOptions) -> Self {
        let drawing = || MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let streams = Streams::standard(Look::new(options.color));
        let shared = match options {
            ScreenOptions { output: Some(Output::Json), .. } => Shared::Json(Arc::new(Json::new(io::stdout()))),
            _ if !(is_live(options) && io::stdout().is_terminal()) => Shared::Lines(streams, options),
            ScreenOptions { verbose: true, .. } => Shared::Bars(streams, options, drawing()),
            _ => {
                let rows = AppRows::new(drawing(), streams.look);
                Shared::Rows(streams, options, rows)
            }
        };
        Self { shared, width: AtomicUsize::new(0) }
    }

    /// All of it on one that remembers.
    #[cfg(test)]
    pub(crate) fn recorded(screen: Screen) -> Self {
        Self { shared: Shared::Recorded(screen), width: AtomicUsize::new(0) }
    }

    /// Makes room for these names.
    pub(crate) fn expect(&self, apps: &[String]) {
        let widest = apps.iter().map(|app| app.chars().count()).max().unwrap_or_default();
        self.width.store(widest.min(WIDEST), Ordering::SeqCst);
    }

    /// For what belongs to no app in particular, the beginning and the end among it.
    pub(crate) fn whole(&self) -> Screen {
        let lines = |streams: &Streams, options| Lines::new(streams.clone(), teller(options, streams.look));
        match &self.shared {
            Shared::Lines(streams, options) => Arc::new(lines(streams, *options)),
            Shared::Bars(streams, options, drawing) => {
                Arc::new(Bars::beside(drawing, "", streams.look, lines(streams, *options)))
            }
            Shared::Rows(streams, options, rows) => Arc::new(rows.above(lines(streams, *options))),
            Shared::Json(json) => Arc::<Json<_>>::clone(json),
            #[cfg(test)]
            Shared::Recorded(screen) => Screen::clone(screen),
        }
    }

    /// For what belongs to this app.
    pub(crate) fn of(&self, app: &str) -> Screen {
        let name = escape_control_in_line(app);
        let name = pad_str(&name, self.width.load(Ordering::SeqCst), Alignment::Left, None);
        let prefix = format!("{name} | ");
        let lines = |streams: &Streams, options| {
            let look = streams.look.behind_a_prefix();
            Lines::behind(streams.clone(), &prefix, teller(options, look))
        };
        match &self.shared {
            Shared::Lines(streams, ScreenOptions { quiet: true, .. }) => {
                Arc::new(Lines::behind(streams.clone(), &prefix, Quiet::without_result()))
            }
            Shared::Lines(streams, options) => Arc::new(lines(streams, *options)),
            Shared::Bars(streams, options, drawing) => {
                Arc::new(Bars::beside(drawing, &prefix, streams.look, lines(streams, *options)))
            }
            Shared::Rows(streams, _, rows) => {
                let trouble = Lines::behind(streams.clone(), &prefix, Quiet::without_result());
                Arc::new(AppRow::new(rows, &name, trouble))
            }
            Shared::Json(json) => Arc::new(Tagged { json: Arc::clone(json), app: app.to_owned() }),
            #[cfg(test)]
            Shared::Recorded(screen) => Arc::new(Between(Screen::clone(screen))),
        }
    }
}

struct Tagged {
    json: Arc<Json<Stdout>>,
    app: String,
}

impl EventSink for Tagged {
    fn emit(&self, event: Event) {
        if !is_an_end(&event) {
            self.json.of_app(&self.app, &event);
        }
    }
}

/// Whether this is the beginning or an end of a stream, of which several apps have one together.
fn is_an_end(event: &Event) -> bool {
    matches!(event, Event::Hello { .. } | Event::Done { .. } | Event::Failed { .. })
}

/// As [`Tagged`], for a screen that remembers.
#[cfg(test)]
struct Between(Screen);

#[cfg(test)]
impl EventSink for Between {
    fn emit(&self, event: Event) {
        if !is_an_end(&event) {
            self.0.emit(event);
        }
    }
}

/// One app's session, of which the whole will tell how it ended.
pub(crate) struct OfApp {
    screen: Screen,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    image: String,
    text: String,
    advice: String,
}

impl OfApp {
    /// Of an app that is about to begin.
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, heard: Mutex::default() }
    }

    /// How it ended, as the whole tells it.
    pub(crate) fn end(&self, app: &str, code: ExitCode, ms: u64) -> Event {
        let Heard { image, text, advice } = std::mem::take(&mut *self.heard());
        Event::AppEnded { app: app.to_owned(), code: code.number(), ms, image, text, advice }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for OfApp {
    fn emit(&self, event: Event) {
        match &event {
            Event::Failed { code: _, text, advice } => {
                let mut heard = self.heard();
                (heard.text, heard.advice) = (text.clone(), advice.clone());
            }
            Event::Image { name, .. } => self.heard().image.clone_from(name),
            _ => {}
        }
        self.screen.emit(event);
    }
}
