//! The plain text of an event. It lives beside the events so that agent and host cannot differ.

use crate::event::{Event, Step, Stream};
use crate::size;
use crate::unseen::is_unseen;
use std::borrow::Cow;
use std::time::Duration;

/// The head of a line of our own; the rest is the builder's.
const HEAD: &str = "======>";
/// How other lines of ours begin, perhaps set in.
const BEGINNINGS: [&str; 3] = ["warning:", "error:", "try:"];
/// What stands in a stranger's line before what looks like ours.
const MARK: char = '\\';

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainLine<'a> {
    /// The stream that it belongs on.
    pub stream: Stream,
    /// Without its end. Foreign text has been through [`visible`].
    pub text: Cow<'a, str>,
}

/// The line of `event`; `None` for what only machines and progress bars want to know.
#[must_use]
pub fn plain_line(event: &Event) -> Option<PlainLine<'_>> {
    let ours = |text: String| Some(PlainLine { stream: Stream::Out, text: format!("{HEAD} {text}").into() });
    let wrong = |text: String| Some(PlainLine { stream: Stream::Err, text: text.into() });
    match event {
        Event::Hello { .. }
        | Event::DownloadProgress { .. }
        | Event::ExportProgress { .. }
        | Event::PushProgress { .. }
        | Event::StepStarted { .. }
        | Event::RunStarted { .. }
        | Event::Result { .. } => None,
        Event::Staging { app_name, app_guid, staging_guid: _, stack } => {
            let name = if app_name.is_empty() { "an app without a name" } else { app_name.as_str() };
            let on = if stack.is_empty() { String::new() } else { format!(" on {}", visible(stack)) };
            ours(format!("Staging {} ({}){on}", visible(name), visible(app_guid)))
        }
        Event::StepEnded { step, ms } => ours(format!("{} in {}", past(*step), took(*ms))),
        Event::Downloading { to, from, .. } => ours(format!("Downloading {} from {}", visible(to), visible(from))),
        Event::Downloaded { to, bytes, entries, ms, name: _ } => ours(format!(
            "Downloaded {} ({}, {entries} {}, {})",
            visible(to),
            size::bytes(*bytes),
            if *entries == 1 { "entry" } else { "entries" },
            transfer_time(*bytes, *ms)
        )),
        Event::Cached { to, from, bytes, since, name: _ } => ours(format!(
            "Cached {} from {} ({}, since {})",
            visible(to),
            visible(from),
            size::bytes(*bytes),
            moment(since)
        )),
        Event::CopyUsed { to, from, bytes, since, reason, name: _ } => ours(format!(
            "Copied {} from the cache ({}, since {}), for {}: {}",
            visible(to),
            size::bytes(*bytes),
            moment(since),
            visible(from),
            visible(reason)
        )),
        Event::Retrying { what, reason, attempt, of, wait_ms } => {
            wrong(format!("{HEAD} {}: {}; try {attempt} of {of} in {}", visible(what), visible(reason), took(*wait_ms)))
        }
        Event::Progress { text, failed: false, .. } => Some(PlainLine { stream: Stream::Out, text: strangers(text) }),
        Event::Progress { text, failed: true, .. } => Some(PlainLine { stream: Stream::Err, text: strangers(text) }),
        Event::Line { stream, text, .. } => Some(PlainLine { stream: *stream, text: strangers(text) }),
        Event::RunEnded { status, ms, path } => {
            let program = path.rsplit('/').next().unwrap_or(path);
            ours(format!("{} ended with status {status} after {}", visible(program), took(*ms)))
        }
        Event::Uploading { name, to, bytes, .. } => {
            ours(format!("Uploading {} ({}) to {}", visible(name), size::bytes(*bytes), visible(to)))
        }
        Event::Uploaded { name, bytes, ms } => {
            ours(format!("Uploaded {} ({}, {})", visible(name), size::bytes(*bytes), transfer_time(*bytes, *ms)))
        }
        Event::UploadSkipped { name, reason } => ours(format!("Not uploading {}: {}", visible(name), visible(reason))),
        Event::Ignored { text } => wrong(format!("{HEAD} Ignored, as the request asks: {}", visible(text))),
        Event::Warning { text } => wrong(format!("warning: {}", visible(text))),
        Event::Note { text } => ours(visible(text).into_owned()),
        Event::Droplet { bytes, uploaded, path: _, sha256: _ } => ours(if *uploaded {
            format!("The droplet in Cloud Controller was replaced ({})", size::bytes(*bytes))
        } else {
            format!(
                "The droplet in Cloud Controller was not replaced; the new one ({}) was kept here",
                size::bytes(*bytes)
            )
        }),
        Event::Kept { seconds } => {
            ours(format!("The container stays for {}", size::go_duration(Duration::from_secs(*seconds))))
        }
        Event::Image { name, id, bytes } => {
            ours(format!("Image {} ({}, {})", visible(name), visible(id), size::bytes(*bytes)))
        }
        Event::Exporting { what, image, path } => {
            let of = if what == "droplet" { " of" } else { "" };
            ours(format!("Exporting the {}{of} {} to {}", visible(what), visible(image), place(path)))
        }
        Event::Exported { what, path, digest, bytes } => ours(format!(
            "Exported the {} to {} ({}, {})",
            visible(what),
            place(path),
            visible(digest),
            size::bytes(*bytes)
        )),
        Event::Pushing { image, reference } => ours(format!("Pushing {} to {}", visible(image), visible(reference))),
        Event::Pushed { reference, digest, bytes, sent, known, ms } => ours(format!(
            "Pushed {}@{} ({})",
            visible(reference),
            visible(digest),
            sendings(*bytes, *sent, *known, *ms)
        )),
        Event::AppEnded { app, code: 0, ms, .. } => ours(format!("Staged {} in {}", visible(app), took(*ms))),
        Event::AppEnded { app, text, advice, .. } => wrong(wrong_with(&format!("{app}: {text}"), advice)),
        Event::Running { url, container } if url.is_empty() => ours(format!("It runs in {}", visible(container))),
        Event::Running { url, container: _ } => ours(format!("The app answers at {}", visible(url))),
        Event::Failed { text, advice, code: _ } => wrong(wrong_with(text, advice)),
        Event::Done { ms } => ours(format!("Done in {}", took(*ms))),
    }
}

fn wrong_with(text: &str, advice: &str) -> String {
    if advice.is_empty() {
        format!("error: {}", visible_lines(text))
    } else {
        format!("error: {}\n  try: {}", visible_lines(text), visible_lines(advice))
    }
}

fn past(step: Step) -> &'static str {
    match step {
        Step::Fetch => "Fetched",
        Step::Build => "Built",
        Step::Upload => "Uploaded",
        Step::Image => "Image made",
        Step::Export => "Exported",
        Step::Push => "Pushed",
        Step::Launch => "Launched",
    }
}

/// Where an export goes.
fn place(path: &str) -> Cow<'_, str> {
    if path == "-" { Cow::Borrowed("standard output") } else { visible(path) }
}

/// `2016-06-15 18:57:23 UTC`, of `2016-06-15T18:57:23Z`; any other text as it is.
fn moment(rfc3339: &str) -> String {
    let text = visible(rfc3339);
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => text.into_owned(),
    }
}

/// What of an image was sent, and what was there already.
fn sendings(bytes: u64, sent: u64, known: u64, ms: u64) -> String {
    let layers = |count: u64| format!("{count} {}", if count == 1 { "layer" } else { "layers" });
    let there = |known: u64| format!("{} there already", layers(known));
    match (sent, known) {
        (0, 0) => took(ms),
        (0, known) => format!("{}, {}", there(known), took(ms)),
        (sent, 0) => format!("{} sent, {}, {}", layers(sent), size::bytes(bytes), transfer_time(bytes, ms)),
        (sent, known) => {
            format!("{} sent, {}, {}; {}", layers(sent), size::bytes(bytes), transfer_time(bytes, ms), there(known))
        }
    }
}

fn took(ms: u64) -> String {
    size::seconds(Duration::from_millis(ms))
}

fn transfer_time(bytes: u64, ms: u64) -> String {
    let rate = size::rate(bytes, Duration::from_millis(ms));
    if rate.is_empty() { took(ms) } else { format!("{}, {rate}", took(ms)) }
}

/// What ends every colour.
const PLAIN: &str = "\u{1b}[0m";

/// A line that a stranger begins: [`visible`] but for its colours, and told from ours. Before each of our heads, wherever on the
/// terminal's next line it might come to stand, and before one of our beginnings, whatever nobody sees in front of it, stands
/// a [`MARK`]; such a line has no colours, which could hide that.
fn strangers(text: &str) -> Cow<'_, str> {
    let shown = escaped(text, Colours::Pass);
    let bare = without_colours(&shown);
    let begins = bare.len() - after_blanks(&bare).len();
    let is_ours = BEGINNINGS.iter().any(|ours| bare[begins..].starts_with(ours));
    if !is_ours && !bare.contains(HEAD) {
        return shown;
    }
    let mut marked = bare.replace(HEAD, &format!("{MARK}{HEAD}"));
    if is_ours {
        marked.insert(begins, MARK);
    }
    marked.into()
}

fn without_colours(shown: &str) -> String {
    let (mut bare, mut rest) = (String::with_capacity(shown.len()), shown);
    while let Some(at) = rest.find('\u{1b}') {
        bare.push_str(&rest[..at]);
        // Only colours are left of what begins so.
        rest = &rest[at + colour_length(&rest[at..]).unwrap_or(1)..];
    }
    bare + rest
}

/// `shown` without what may stand in front unnoticed: white space, and what [`visible`] has escaped. Nothing here grows with how
/// much of that a stranger prints.
fn after_blanks(shown: &str) -> &str {
    let mut rest = shown.trim_start();
    while let Some(behind) = after_escape(rest) {
        rest = behind.trim_start();
    }
    rest
}

/// What stands behind the escape that `shown` begins with; `None`: it begins with none.
fn after_escape(shown: &str) -> Option<&str> {
    if let Some(rest) = ["\\r", "\\n", "\\t"].iter().find_map(|escape| shown.strip_prefix(escape)) {
        return Some(rest);
    }
    let (number, rest) = shown.strip_prefix("\\u{")?.split_once('}')?;
    (number.len() <= LONGEST_NUMBER && number.chars().all(|c| c.is_ascii_hexdigit())).then_some(rest)
}

/// Digits of the largest character.
const LONGEST_NUMBER: usize = 6;

/// Foreign text made harmless for a terminal: control characters, and those that nobody sees ([`is_unseen`]), are shown escaped
/// (`\u{7}`); tabs pass. Colours do not: one of them conceals what is behind it, such as the rest of a name.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, Colours::Escaped)
}

/// Whether colours (`ESC [ … m`) are shown as such.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colours {
    /// They pass, and end with the text: what follows is ours, and must not be hidden.
    Pass,
    /// They are shown as any other control character.
    Escaped,
}

fn escaped(text: &str, colours: Colours) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic(); // most lines, and faster
    if text.bytes().all(is_plain) || !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let (mut rest, mut coloured) = (text, false);
    while let Some(character) = rest.chars().next() {
        if let Some(length) = colour_length(rest).filter(|_| colours == Colours::Pass) {
            let colour = &rest[..length];
            coloured = ![PLAIN, "\u{1b}[m"].contains(&colour);
            shown.push_str(colour);
            rest = &rest[length..];
            continue;
        }
        if needs_escape(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    if coloured {
        shown.push_str(PLAIN);
    }
    Cow::Owned(shown)
}

/// As [`visible`], for what stands beside other things in a line, as in a table: no tabs, nothing that moves
/// what comes behind it.
#[must_use]
pub fn visible_in_line(text: &str) -> String {
    visible(&text.replace('\t', " ")).into_owned()
}

/// As [`visible`], but line ends stay: for texts of our own that hold several lines. Lines behind the first are set in,
/// so that a text that came from a container cannot pass for a line of ours.
fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n  ")
}

fn needs_escape(character: char) -> bool {
    is_unseen(character) || (character.is_control() && character != '\t')
}

/// The bytes of the colour sequence at the start of `text`: `ESC [`, digits and semicolons, `m`.
fn colour_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    inside[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &Event) -> String {
        plain_line(event).unwrap().text.into_owned()
    }

    #[test]
    fn a_download_reads_like_the_originals() {
        let event = Event::Downloading {
            name: String::new(),
            to: "/tmp/lifecycle".into(),
            from: "http://diego-access:8080/v1/static/buildpack_app_lifecycle/buildpack_app_lifecycle.tgz".into(),
        };
        assert_eq!(
            text(&event),
            "======> Downloading /tmp/lifecycle from http://diego-access:8080/v1/static/buildpack_app_lifecycle/buildpack_app_lifecycle.tgz"
        );
    }

    #[test]
    fn what_comes_from_the_cache_says_since_when_and_a_copy_says_why() {
        let (name, to, from) = (String::new(), "/tmp/app".to_owned(), "https://blobstore/k?***".to_owned());
        let (bytes, since) = (4300, "2016-06-15T18:57:23Z".to_owned());
        let cached = Event::Cached { name, to, from, bytes, since };
        assert_eq!(
            text(&cached),
            "======> Cached /tmp/app from https://blobstore/k?*** (4.2K, since 2016-06-15 18:57:23 UTC)"
        );
        let Event::Cached { name, to, from, bytes, since } = cached else { unreachable!() };
        let reason = "the server answered 410 Gone".to_owned();
        assert_eq!(
            text(&Event::CopyUsed { name, to, from, bytes, since, reason }),
            "======> Copied /tmp/app from the cache (4.2K, since 2016-06-15 18:57:23 UTC), for https://blobstore/k?***: \
             the server answered 410 Gone"
        );
    }

    #[test]
    fn a_push_says_which_layers_were_there_and_gives_a_name_that_can_be_pulled() {
        let pushed = |bytes, sent, known| {
            let (reference, digest) = ("r:5000/a:1".to_owned(), "sha256:ab".to_owned());
            text(&Event::Pushed { reference, digest, bytes, sent, known, ms: 2000 })
        };
        assert_eq!(pushed(0, 0, 3), "======> Pushed r:5000/a:1@sha256:ab (3 layers there already, 2.0s)");
        assert_eq!(
            pushed(4 << 20, 1, 1),
            "======> Pushed r:5000/a:1@sha256:ab (1 layer sent, 4M, 2.0s, 2M/s; 1 layer there already)"
        );
        assert_eq!(pushed(4 << 20, 2, 0), "======> Pushed r:5000/a:1@sha256:ab (2 layers sent, 4M, 2.0s, 2M/s)");
    }

    #[test]
    fn an_export_says_what_goes_where_and_what_it_became() {
        let exporting = |what: &str| Event::Exporting { what: what.into(), image: "a:b".into(), path: "p".into() };
        assert_eq!(text(&exporting("droplet")), "======> Exporting the droplet of a:b to p");
        assert_eq!(text(&exporting("image")), "======> Exporting the image a:b to p");
        let (what, path, digest) = ("droplet".into(), "-".into(), "sha256:0f".into());
        let exported = text(&Event::Exported { what, path, digest, bytes: 2048 });
        assert_eq!(exported, "======> Exported the droplet to standard output (sha256:0f, 2K)");
    }

    #[test]
    fn a_builders_colours_pass_and_everything_else_that_moves_the_cursor_or_hides_is_shown() {
        let of_builder = |text| escaped(text, Colours::Pass);
        assert_eq!(of_builder("\u{1b}[1;31mred\u{1b}[0m\tok"), "\u{1b}[1;31mred\u{1b}[0m\tok");
        for shown in [of_builder("\u{1b}[2Jgone\u{7}\r"), visible("\u{1b}[2Jgone\u{7}\r")] {
            assert_eq!(shown, "\\u{1b}[2Jgone\\u{7}\\r");
        }
        assert_eq!(visible("evil\u{1b}[8m-twin"), "evil\\u{1b}[8m-twin");
        assert_eq!(visible("\u{202e}evil"), "\\u{202e}evil");
    }

    #[test]
    fn beside_other_things_a_text_has_no_colours_and_no_tabs() {
        assert_eq!(visible_in_line("a\tb\u{1b}[31mc\u{200b}\n"), "a b\\u{1b}[31mc\\u{200b}\\n");
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        for (text, shown) in [
            ("pay\u{200b}ments", "pay\\u{200b}ments"),
            ("a\u{e0062}\u{e007f}", "a\\u{e0062}\\u{e007f}"),
            ("👩\u{200d}💻 ❤\u{fe0f}", "👩\\u{200d}💻 ❤\\u{fe0f}"),
            ("\u{3164}\u{115f}\u{ad}\u{feff}\u{2028}", "\\u{3164}\\u{115f}\\u{ad}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn however_much_stands_in_front_of_a_builders_word_it_is_told_from_ours() {
        let said = format!("{}error: no", "\u{200b}\n".repeat(100_000));
        let line = Event::Line { source: "STG".into(), stream: Stream::Out, text: said };
        assert!(text(&line).ends_with("\\u{200b}\\n\\error: no"));
    }

    #[test]
    fn a_builders_line_can_be_told_from_ours() {
        for (said, shown) in [
            ("======> Done in 1.0s", "\\======> Done in 1.0s"),
            ("  ======> Done", "  \\======> Done"),
            ("\u{1b}[31m \t\u{1b}[0m======> Done", " \t\\======> Done"),
            ("=\u{1b}[1m=====> Done", "\\======> Done"),
            ("\u{200b}======> Done", "\\u{200b}\\======> Done"),
            ("so wide that it wraps ======> Done", "so wide that it wraps \\======> Done"),
            ("warning: all is well", "\\warning: all is well"),
            ("\u{1b}[1;31merror: no\u{1b}[0m", "\\error: no"),
            ("\u{7}\u{e0001} error: no", "\\u{7}\\u{e0001} \\error: no"),
            ("  try: rm -rf /", "  \\try: rm -rf /"),
            ("-----> Installing", "-----> Installing"),
            ("an error: no", "an error: no"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\\u{", "\\u{"),
        ] {
            let line = Event::Line { source: "STG".into(), stream: Stream::Out, text: said.into() };
            let progress = Event::Progress { source: "STG".into(), text: said.into(), failed: true };
            assert_eq!((text(&line).as_str(), text(&progress).as_str()), (shown, shown));
        }
    }

    #[test]
    fn colours_end_with_the_text_so_that_they_cannot_hide_what_follows() {
        for (text, shown) in [
            ("\u{1b}[8mhidden", "\u{1b}[8mhidden\u{1b}[0m"),
            ("\u{1b}[0m\u{1b}[30;40m", "\u{1b}[0m\u{1b}[30;40m\u{1b}[0m"),
            ("\u{1b}[1mbold\u{1b}[m", "\u{1b}[1mbold\u{1b}[m"),
        ] {
            assert_eq!(escaped(text, Colours::Pass), shown);
            assert_eq!(escaped(shown, Colours::Pass), shown);
        }
        let line =
            text(&Event::Downloaded { name: String::new(), to: "\u{1b}[8m/tmp".into(), bytes: 1, entries: 1, ms: 0 });
        assert!(line.contains(" \\u{1b}[8m/tmp ("), "{line}");
    }

    #[test]
    fn a_failure_says_what_to_try_on_its_own_line() {
        let event = Event::Failed { code: 4, text: "not found".into(), advice: "push again".into() };
        assert_eq!(text(&event), "error: not found\n  try: push again");
    }

    #[test]
    fn a_failure_cannot_print_what_looks_like_another_line() {
        let event = Event::Failed { code: 5, text: "no\n======> Done in 1.0s".into(), advice: String::new() };
        assert_eq!(text(&event), "error: no\n  ======> Done in 1.0s");
    }
}
