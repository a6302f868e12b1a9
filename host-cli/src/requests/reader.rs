//! Reads places of records one after the other, and keeps what the user should know about the reading: what could not be opened,
//! what was damaged, and how many records look like requests and are none.

use super::backwards::Line;
use super::error::{Reading, RequestError};
use super::forms::{Content, Found, RequestFilter};
use super::kept::Passed;
use super::log_file::LogFile;
use super::request::RequestKind;
use super::source::{Source, Wanted};
use super::word::Word;
use shared_model::plain_line::escape_control;
use std::ops::ControlFlow;

/// See the module.
pub(crate) struct Reader {
    filter: RequestFilter,
    reading: Reading,
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
        Self { filter: RequestFilter::new(kinds), reading: Reading::default() }
    }

    /// What became of it all.
    pub(crate) fn end(self) -> Reading {
        self.reading
    }

    /// Opens a place; `None`: it cannot be opened, and need not be, as it was rotated away or nobody named it. Then that is a
    /// warning.
    pub(crate) fn open(&mut self, log_file: &LogFile, is_rotated: bool) -> Result<Option<Source>, RequestError> {
        let is_optional = is_rotated || matches!(log_file, LogFile::Listed(_));
        match Source::open(log_file) {
            Ok(source) => Ok(Some(source)),
            Err(error) if is_optional => {
                self.reading.warnings.push(format!("{log_file}: not read: {error}"));
                Ok(None)
            }
            Err(error) => Err(RequestError::unreadable(log_file, &error)),
        }
    }

    /// Gives each record of an opened place to `visit`, with the requests in it: none, where it has not the word.
    pub(crate) fn read(
        &mut self,
        log_file: &LogFile,
        source: Source,
        wanted: Wanted<'_>,
        word: &Word,
        visit: &mut dyn FnMut(Line<'_>, &[Found<'_>]) -> ControlFlow<()>,
    ) {
        let mut trouble = Trouble::default();
        let (filter, records) = (&self.filter, &mut self.reading.records);
        let read = source.each_record(wanted, &mut |record| {
            let mut found = Vec::new();
            *records += 1;
            if word.may_be_in(record.bytes) {
                filter.contents(record.bytes, &mut |content| match content {
                    Content::Request(request) => found.push(request),
                    Content::Unreadable(in_front) => trouble.met(in_front),
                });
            }
            visit(record, &found)
        });
        let passed = match read {
            Ok(passed) => passed,
            Err(error) => {
                self.reading.warnings.push(format!("{log_file}: read in part only: {error}"));
                Passed::default()
            }
        };
        self.reading.records += passed.noise;
        match passed.overlong {
            0 => {}
            1 => self.reading.warnings.push(format!("{log_file}: left out a line of more than 16 MiB")),
            lines => self.reading.warnings.push(format!("{log_file}: left out {lines} lines of more than 16 MiB")),
        }
        self.reading.warnings.extend(trouble.words(log_file));
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

/// What stood in front of the JSON, with a space before it; empty where nothing did. Where a line was cut it may be a part of a
/// request, and so a secret: only what has the form that collectors write is shown.
fn shown(in_front: &[u8]) -> String {
    let text = String::from_utf8_lossy(in_front);
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else if is_collectors(text) {
        format!(" `{}`", escape_control(text))
    } else {
        format!(" {} bytes of other text", in_front.len())
    }
}

/// `stager_1 |`, `diego-api/0: stdout |`, `svc[7]:`, `Nov 28 20:00:00 vm svc[7]:`, `<14>1 …`, `2026-11-28T20:00:00Z …`: a word that
/// only a collector writes, and no signs of JSON.
fn is_collectors(text: &str) -> bool {
    const LONGEST: usize = 80;
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_name = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    let is_process = |word: &str| {
        let name = word.strip_suffix("]:").and_then(|word| word.split_once('['));
        name.is_some_and(|(name, pid)| is_name(name) && pid.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_replica = |word: &str| {
        let number = word.rsplit_once(['_', '-']).map(|(_, number)| number);
        is_name(word)
            && number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_form = match &words[..] {
        [replica, "|"] => is_replica(replica),
        [machine, "stdout" | "stderr", "|"] => machine.strip_suffix(':').is_some_and(is_name) && machine.contains('/'),
        [process] => is_process(process),
        [_, _, time, host, process] => time.split(':').count() == 3 && is_name(host) && is_process(process),
        [first, ..] => first.starts_with('<') && first.contains('>') && text.ends_with(']'),
        [] => false,
    };
    is_form && text.len() <= LONGEST && !text.contains(['{', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_front_is_shown_unless_it_may_be_a_part_of_a_request() {
        for (in_front, expected) in [
            ("svc[1]: ", " `svc[1]:`"),
            ("Nov 28 20:00:00 vm svc[1]: ", " `Nov 28 20:00:00 vm svc[1]:`"),
            ("diego-api/0a-1: stdout | ", " `diego-api/0a-1: stdout |`"),
            ("stager_1  | ", " `stager_1  |`"),
            (
                r#"<14>1 2026-11-28T20:00:00Z s - [i@4 group="bridge"] "#,
                r#" `<14>1 2026-11-28T20:00:00Z s - [i@4 group="bridge"]`"#,
            ),
            ("", ""),
            ("hunter2 exec ./run $", " 20 bytes of other text"),
            ("hunter2 | ", " 10 bytes of other text"),
            (r#"rest-of-a-SECRET","env":["#, " 25 bytes of other text"),
            ("\x1b[2J", " 4 bytes of other text"),
        ] {
            assert_eq!(shown(in_front.as_bytes()), expected, "{in_front}");
        }
    }
}
