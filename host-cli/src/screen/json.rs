//! One JSON object a line, for programs. A reader that has gone away changes nothing: the session has to be gone to its end,
//! or a container would stay behind.

use shared_model::event::{Event, EventSink};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// One stream for programs.
pub(crate) struct Json<W> {
    out: Mutex<W>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`, a line at once.
    pub(crate) fn new(out: W) -> Self {
        Self { out: Mutex::new(out) }
    }

    /// The event as one of several apps', with the app as the last field.
    pub(crate) fn of_app(&self, app: &str, event: &Event) {
        let line = event.to_json_line();
        let app = serde_json::Value::from(app);
        self.write(&format!("{},\"app\":{app}}}", line.strip_suffix('}').unwrap_or(&line)));
    }

    fn write(&self, line: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    }
}

impl<W: Write + Send> EventSink for Json<W> {
    fn emit(&self, event: Event) {
        self.write(&event.to_json_line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn an_event_is_a_line() {
        let screen = Json::new(Vec::new());
        screen.emit(Event::Done { ms: 1 });
        screen.emit(Event::Note { text: "a\nb".into() });
        let text = String::from_utf8(screen.out.into_inner().unwrap()).unwrap();
        assert_eq!(text, "{\"event\":\"done\",\"ms\":1}\n{\"event\":\"note\",\"text\":\"a\\nb\"}\n");
    }

    #[test]
    fn an_event_of_one_app_among_several_names_it_and_is_the_same_event() {
        let (screen, note) = (Json::new(Vec::new()), Event::Note { text: "on its way".into() });
        screen.of_app("a \"b\"", &note);
        let text = String::from_utf8(screen.out.into_inner().unwrap()).unwrap();
        assert_eq!(text, "{\"event\":\"note\",\"text\":\"on its way\",\"app\":\"a \\\"b\\\"\"}\n");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), note);
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error() {
        Json::new(Gone).emit(Event::Done { ms: 1 });
    }
}
