//! How what is shown looks: its colours and marks, and how a row fills a terminal's width.

#![expect(clippy::disallowed_methods, reason = "the one place that asks the locale what a terminal can show")]

use crate::arguments::Color;
use crate::screen::table::terminal_width;
use console::{Style, Term, measure_text_width, strip_ansi_codes};
use shared_model::event::{Step, Stream};
use shared_model::plain_line::{DONE, FAILED, SKIPPED};
use shared_model::size;
use std::borrow::Cow;
use std::env;
use std::time::Duration;
use textwrap::{Options, WordSplitter};

/// Rows are no wider, however wide the terminal is: a time far from its row is read with the wrong one.
const WIDEST: usize = 100;

/// A blank at which no line is broken; it is shown as one that anybody can type.
pub(super) const BOUND: &str = "\u{a0}";

/// The longest name of a step, filled up with blanks.
const STEP: usize = 6;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Well.
    Done,
    /// Not well.
    Failed,
    /// It was left out.
    Skipped,
}

/// What the terminals can show, and what the user wants them to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Colours on standard output.
    colours_out: bool,
    /// Colours on standard error.
    colours_err: bool,
    /// Marks in ASCII.
    pub(super) ascii: bool,
    /// Characters of a line; `None`: as many as it takes.
    pub(super) width: Option<usize>,
}

impl Look {
    /// Of this process's standard streams.
    pub(crate) fn new(color: Color) -> Self {
        let wanted = |terminal: &Term| match color {
            Color::Auto => terminal.features().colors_supported(),
            Color::Always => true,
            Color::Never => false,
        };
        Self {
            colours_out: wanted(&Term::stdout()),
            colours_err: wanted(&Term::stderr()),
            ascii: !is_utf8(|name| env::var(name).ok()),
            width: terminal_width(),
        }
    }

    /// The same where everything goes to standard error.
    pub(crate) fn on_standard_error(self) -> Self {
        let width = Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        Self { colours_out: self.colours_err, width, ..self }
    }

    /// The same for lines that stand behind something else.
    pub(super) fn behind_a_prefix(self) -> Self {
        Self { width: None, ..self }
    }

    /// Text as this stream may show it: with its colours, or without any.
    pub(super) fn fit(self, stream: Stream, text: &str) -> Cow<'_, str> {
        let has_colours = match stream {
            Stream::Out => self.colours_out,
            Stream::Err => self.colours_err,
        };
        if has_colours { Cow::Borrowed(text) } else { strip_ansi_codes(text) }
    }

    /// One row: mark, step, what came of it, and on the right how long it took. Long text goes on below itself.
    pub(super) fn row(self, mark: Mark, step: Step, text: &str, ms: Option<u64>) -> String {
        let head = format!("  {} {:STEP$}  ", self.mark(mark), step.name());
        let time = ms.map(|ms| size::seconds(Duration::from_millis(ms))).unwrap_or_default();
        let indent = measure_text_width(&head);
        let Some(width) = self.width else {
            let gap = if text.is_empty() || time.is_empty() { "" } else { "  " };
            return format!("{head}{text}{gap}{}", dim(&time)).trim_end().replace(BOUND, " ");
        };
        let room = width.min(WIDEST).saturating_sub(indent + time.len() + 2).max(1);
        let options = Options::new(room).break_words(false).word_splitter(WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options);
        // A name that leaves no room for the time has it on another line.
        let fits = |line: &str| measure_text_width(line) <= room;
        let timed = if fits(&lines[0]) { 0 } else { lines.iter().rposition(|line| fits(line)).unwrap_or(lines.len()) };
        let line = |(at, line): (usize, &str)| {
            let gap = room.saturating_sub(measure_text_width(line)) + 2;
            let time = if at == timed { format!("{:gap$}{}", "", dim(&time)) } else { String::new() };
            let head = if at == 0 { head.clone() } else { " ".repeat(indent) };
            format!("{head}{line}{time}").trim_end().to_owned()
        };
        let own_line = (timed == lines.len()).then_some("");
        let rows = lines.iter().map(AsRef::as_ref).chain(own_line).enumerate().map(line);
        rows.collect::<Vec<_>>().join("\n").replace(BOUND, " ")
    }

    /// A sentence of ours, broken at words; never within `a command`, which is there to be copied.
    pub(super) fn sentence(self, text: &str) -> String {
        let Some(width) = self.width else { return text.to_owned() };
        let wrap = |line: &str| {
            let parts = line.split('`').enumerate();
            let kept = parts.map(|(at, part)| if at % 2 == 1 { part.replace(' ', BOUND) } else { part.to_owned() });
            let kept = kept.collect::<Vec<_>>().join("`");
            let options = Options::new(width.max(20)).subsequent_indent("  ").break_words(false);
            textwrap::wrap(&kept, options.word_splitter(WordSplitter::NoHyphenation)).join("\n")
        };
        text.lines().map(wrap).collect::<Vec<_>>().join("\n").replace(BOUND, " ")
    }

    /// The mark, in its colour and as wide as the others.
    pub(super) fn mark(self, mark: Mark) -> String {
        let at = usize::from(self.ascii);
        match mark {
            Mark::Done => green(&format!("{:<width$}", DONE[at], width = FAILED[at].chars().count())),
            Mark::Failed => red(FAILED[at]),
            Mark::Skipped => SKIPPED[at].to_owned(),
        }
    }
}

/// A size that stays together.
pub(super) fn size_in_row(bytes: u64) -> String {
    size::bytes(bytes).replace(' ', BOUND)
}

/// Whether texts of this locale are UTF-8; `value` gives a variable's.
fn is_utf8(value: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(value).find(|value| !value.is_empty());
    set.is_some_and(|value| value.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

/// What stands out.
pub(super) fn bold(text: &str) -> String {
    painted(Style::new().bold(), text)
}

/// What may be overlooked.
pub(super) fn dim(text: &str) -> String {
    painted(Style::new().dim(), text)
}

/// What went well.
pub(super) fn green(text: &str) -> String {
    painted(Style::new().green(), text)
}

/// What needs a look.
pub(super) fn yellow(text: &str) -> String {
    painted(Style::new().yellow(), text)
}

/// What went wrong.
pub(super) fn red(text: &str) -> String {
    painted(Style::new().red(), text)
}

/// With the style whatever the streams are: [`Look::fit`] takes it away.
fn painted(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { style.force_styling(true).apply_to(text).to_string() }
}

#[cfg(test)]
impl Look {
    /// In a pipe, or on a terminal of this width.
    pub(super) fn plain(width: Option<usize>) -> Self {
        Self { colours_out: false, colours_err: false, ascii: false, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(look: Look, text: &str) -> String {
        look.fit(Stream::Out, &look.row(Mark::Done, Step::Fetch, text, Some(62))).into_owned()
    }

    #[test]
    fn a_row_fills_its_width_and_long_text_goes_on_below_itself() {
        let text = "staticfile, python, procfile, lifecycle from cache; app package 1.1 KiB";
        for width in [40, 60, 80, 120] {
            let shown = row(Look::plain(Some(width)), text);
            assert!(shown.lines().all(|line| measure_text_width(line) <= width), "{shown}");
            assert!(shown.lines().next().unwrap().ends_with("  0.06s"), "{shown}");
        }
        assert_eq!(
            row(Look::plain(Some(60)), text),
            "  ✓ fetch   staticfile, python, procfile, lifecycle    0.06s\n            from cache; app package 1.1 KiB"
        );
        assert_eq!(row(Look::plain(None), text), format!("  ✓ fetch   {text}  0.06s"));
        assert_eq!(row(Look::plain(None), ""), "  ✓ fetch   0.06s");
        assert!(row(Look::plain(Some(3)), text).contains("package"));
    }

    #[test]
    fn a_name_is_never_broken_so_that_it_can_be_copied() {
        let name = "cf-app/env-page-a3123d42:droplet-41764d56417e";
        assert_eq!(
            row(Look::plain(Some(60)), &format!("{name}  {}", size_in_row(176 << 20))),
            format!("  ✓ fetch   {name}\n            176 MiB{:36}0.06s", "")
        );
        assert_eq!(row(Look::plain(Some(60)), name), format!("  ✓ fetch   {name}\n{:55}0.06s", ""));
    }

    #[test]
    fn a_sentence_is_broken_at_words_and_a_command_in_it_never() {
        let text = "note: Not started: diego-sshd; `docker exec -it env-page bash` opens a shell\n  try: so";
        assert_eq!(
            Look::plain(Some(50)).sentence(text),
            "note: Not started: diego-sshd;\n  `docker exec -it env-page bash` opens a shell\n  try: so"
        );
        assert_eq!(Look::plain(None).sentence(text), text);
    }

    #[test]
    fn where_the_locale_has_no_utf8_marks_are_ascii() {
        let look = Look { ascii: true, ..Look::plain(None) };
        assert_eq!(row(look, "x"), "  [ok]   fetch   x  0.06s");
        assert_eq!(look.fit(Stream::Out, &look.row(Mark::Failed, Step::Fetch, "", None)), "  [fail] fetch");
        for (all, lang, expected) in
            [("", "de_DE.UTF-8", true), ("C.utf8", "", true), ("C", "de_DE.UTF-8", false), ("", "", false)]
        {
            let value = |name: &str| Some(if name == "LC_ALL" { all } else { lang }.to_owned());
            assert_eq!(is_utf8(value), expected, "{all} {lang}");
        }
        assert!(!is_utf8(|_| None));
    }

    #[test]
    fn colours_are_there_only_where_the_stream_has_them() {
        let look = Look { colours_out: true, ..Look::plain(None) };
        assert_eq!(look.fit(Stream::Out, &red("no")), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(look.fit(Stream::Err, &red("no")), "no");
    }
}
