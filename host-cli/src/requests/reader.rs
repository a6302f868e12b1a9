//! Reads places of records one after the other, and keeps what the user should know about the reading: what could not be opened,
//! what was damaged, and how many records look like requests and are none.

use super::backwards::Line;
use super::error::RequestError;
use super::forms::{Content, Found, RequestFilter};
use super::log_file::LogFile;
use super::request::RequestKind;
use super::source::{Source, Wanted};
use shared_model::plain_line::escape_control;
use std::ops::ControlFlow;

/// See the module.
pub(crate) struct Reader {
    filter: RequestFilter,
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// What of one place could not be used.
#[derive(Default)]
struct Trouble {
    unreadable: u64,
    in_front: Option<String>,
}

impl Reader {
    /// For requests of these kinds.
    pub(crate) fn new(kinds: &[RequestKind]) -> Self {
        Self { filter: RequestFilter::new(kinds), warnings: Vec::new() }
    }

    /// Opens a place; `None`: it cannot be opened, and need not be (`is_optional`), which is a warning.
    pub(crate) fn open(&mut self, log_file: &LogFile, is_optional: bool) -> Result<Option<Source>, RequestError> {
        match Source::open(log_file) {
            Ok(source) => Ok(Some(source)),
            Err(error) if is_optional => {
                self.warnings.push(format!("{log_file}: not read: {error}"));
                Ok(None)
            }
            Err(error) => Err(RequestError::unreadable(log_file, &error)),
        }
    }

    /// Gives each record of an opened place to `visit`, with the requests in it.
    pub(crate) fn read(
        &mut self,
        log_file: &LogFile,
        source: Source,
        wanted: Wanted<'_>,
        visit: &mut dyn FnMut(Line<'_>, &[Found<'_>]) -> ControlFlow<()>,
    ) {
        let mut trouble = Trouble::default();
        let filter = &self.filter;
        let read = source.each_record(wanted, &mut |record| {
            let mut found = Vec::new();
            filter.contents(record.bytes, &mut |content| match content {
                Content::Request(request) => found.push(request),
                Content::Unreadable(in_front) => trouble.met(in_front),
            });
            visit(record, &found)
        });
        match read {
            Ok(0) => {}
            Ok(1) => self.warnings.push(format!("{log_file}: left out a line of more than 16 MiB")),
            Ok(overlong) => self.warnings.push(format!("{log_file}: left out {overlong} lines of more than 16 MiB")),
            Err(error) => self.warnings.push(format!("{log_file}: read in part only: {error}")),
        }
        self.warnings.extend(trouble.words(log_file));
    }
}

impl Trouble {
    fn met(&mut self, in_front: &[u8]) {
        self.unreadable += 1;
        self.in_front.get_or_insert_with(|| shown(in_front));
    }

    fn words(self, log_file: &LogFile) -> Option<String> {
        let in_front = self.in_front?;
        let behind = if in_front.is_empty() { "is cut off or damaged" } else { "begins with" };
        Some(match self.unreadable {
            1 => format!("{log_file}: a line looks like a request and is not JSON; it {behind}{in_front}"),
            many => {
                format!("{log_file}: {many} lines look like requests and are not JSON; the first {behind}{in_front}")
            }
        })
    }
}

/// What stood in front of the JSON, quoted and short, with a space in front; empty where nothing did, or where it may be a part
/// of a request, and so a secret.
fn shown(in_front: &[u8]) -> String {
    const LONGEST: usize = 60;
    const OF_JSON: [&str; 6] = ["\":", "\",", "\"}", "\"]}", "\"],", "\\"];
    let text = String::from_utf8_lossy(in_front);
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || OF_JSON.iter().any(|sign| text.contains(sign)) {
        return String::new();
    }
    format!(" `{}`", escape_control(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_is_shown_unless_it_may_be_a_part_of_a_request() {
        for (in_front, expected) in [
            ("svc[1]: ", " `svc[1]:`"),
            (
                r#"<14>1 2026-11-28T20:00:00Z s - [i@4 group="bridge"] "#,
                r#" `<14>1 2026-11-28T20:00:00Z s - [i@4 group="bridge"]`"#,
            ),
            ("\x1b[2J", " `\\u{1b}[2J`"),
            ("", ""),
            (r#"rest-of-a-SECRET","env":["#, ""),
            (r#"rest-of-a-SECRET"},"#, ""),
            (r#"rest-of-a-SECRET"]},"#, ""),
            (r#"rest-of-a-SECRET\"},"#, ""),
            (&"x".repeat(61), ""),
        ] {
            assert_eq!(shown(in_front.as_bytes()), expected, "{in_front}");
        }
    }
}
