//! Several apps on one screen. Plain lines and bars begin with the app's name, JSON lines hold it as `app`; what belongs to
//! no app in particular is said as ever. The stream as a whole has one beginning and one end.

use crate::arguments::Output;
use crate::screen::bars::Bars;
use crate::screen::json::Json;
use crate::screen::plain::Plain;
use crate::screen::{Form, Screen, form};
use indicatif::{MultiProgress, ProgressDrawTarget};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control_in_line;
use std::io::{self, Stderr, Stdout};
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
    Plain(Arc<Plain<Stdout, Stderr>>),
    Bars(Arc<Plain<Stdout, Stderr>>, MultiProgress),
    Json(Arc<Json<Stdout>>),
    #[cfg(test)]
    Recorded(Screen),
}

impl Screens {
    /// In the form that a single app's would have.
    pub(crate) fn new(output: Option<Output>) -> Self {
        let plain = || Arc::new(Plain::new(io::stdout(), io::stderr()));
        let shared = match form(output) {
            Form::Plain => Shared::Plain(plain()),
            Form::Bars => Shared::Bars(plain(), MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
            Form::Json => Shared::Json(Arc::new(Json::new(io::stdout()))),
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
        match &self.shared {
            Shared::Plain(plain) => Arc::<Plain<_, _>>::clone(plain),
            Shared::Bars(plain, drawing) => Arc::new(Bars::beside(drawing, "", Arc::clone(plain))),
            Shared::Json(json) => Arc::<Json<_>>::clone(json),
            #[cfg(test)]
            Shared::Recorded(screen) => Screen::clone(screen),
        }
    }

    /// For what belongs to this app.
    pub(crate) fn of(&self, app: &str) -> Screen {
        let prefix = format!("{:width$} | ", escape_control_in_line(app), width = self.width.load(Ordering::SeqCst));
        match &self.shared {
            Shared::Plain(plain) => Arc::new(Prefixed { plain: Arc::clone(plain), prefix }),
            Shared::Bars(plain, drawing) => {
                let lines = Prefixed { plain: Arc::clone(plain), prefix: prefix.clone() };
                Arc::new(Bars::beside(drawing, &prefix, Arc::new(lines)))
            }
            Shared::Json(json) => Arc::new(Tagged { json: Arc::clone(json), app: app.to_owned() }),
            #[cfg(test)]
            Shared::Recorded(screen) => Screen::clone(screen),
        }
    }
}

struct Prefixed {
    plain: Arc<Plain<Stdout, Stderr>>,
    prefix: String,
}

impl EventSink for Prefixed {
    fn emit(&self, event: Event) {
        self.plain.line(&self.prefix, &event);
    }
}

struct Tagged {
    json: Arc<Json<Stdout>>,
    app: String,
}

impl EventSink for Tagged {
    fn emit(&self, event: Event) {
        self.json.of_app(&self.app, &event);
    }
}

/// One app's session as the others see it: its beginning and its end are not those of the stream, but are remembered.
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
        match event {
            Event::Hello { .. } | Event::Done { .. } => {}
            Event::Failed { code: _, text, advice } => {
                let mut heard = self.heard();
                (heard.text, heard.advice) = (text, advice);
            }
            other => {
                if let Event::Image { name, .. } = &other {
                    self.heard().image.clone_from(name);
                }
                self.screen.emit(other);
            }
        }
    }
}
