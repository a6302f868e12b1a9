//! The plain text of an event. It lives beside the events so that agent and host cannot differ.

use crate::event::{Event, Step, Stream};
use crate::size;
use std::borrow::Cow;
use std::time::Duration;

/// The head of a line of our own; the rest is the builder's.
const HEAD: &str = "======>";

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
        Event::Progress { text, failed: false, .. } => Some(PlainLine { stream: Stream::Out, text: visible(text) }),
        Event::Progress { text, failed: true, .. } => Some(PlainLine { stream: Stream::Err, text: visible(text) }),
        Event::Line { stream, text, .. } => Some(PlainLine { stream: *stream, text: visible(text) }),
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

/// Foreign text made harmless for a terminal: control characters are shown escaped (`\u{7}`), tabs and colours
/// (`ESC [ … m`) pass. Colours end with the text: what follows is ours, and must not be hidden.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let (mut rest, mut coloured) = (text, false);
    while let Some(character) = rest.chars().next() {
        if let Some(length) = colour_length(rest) {
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

/// As [`visible`], but line ends stay: for texts of our own that hold several lines. Lines behind the first are set in,
/// so that a text that came from a container cannot pass for a line of ours.
fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n  ")
}

fn needs_escape(character: char) -> bool {
    // Bidirectional controls and the separators reorder or break what a reader sees without being "control" to Unicode.
    let reorders = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}');
    reorders || (character.is_control() && character != '\t')
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
    fn colours_pass_and_everything_else_that_moves_the_cursor_is_shown() {
        assert_eq!(visible("\u{1b}[1;31mred\u{1b}[0m\tok"), "\u{1b}[1;31mred\u{1b}[0m\tok");
        assert_eq!(visible("\u{1b}[2Jgone\u{7}\r"), "\\u{1b}[2Jgone\\u{7}\\r");
        assert_eq!(visible("\u{202e}evil"), "\\u{202e}evil");
    }

    #[test]
    fn colours_end_with_the_text_so_that_they_cannot_hide_what_follows() {
        for (text, shown) in [
            ("\u{1b}[8mhidden", "\u{1b}[8mhidden\u{1b}[0m"),
            ("\u{1b}[0m\u{1b}[30;40m", "\u{1b}[0m\u{1b}[30;40m\u{1b}[0m"),
            ("\u{1b}[1mbold\u{1b}[m", "\u{1b}[1mbold\u{1b}[m"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible(shown), shown);
        }
        let line =
            text(&Event::Downloaded { name: String::new(), to: "\u{1b}[8m/tmp".into(), bytes: 1, entries: 1, ms: 0 });
        assert!(line.contains("/tmp\u{1b}[0m ("), "{line}");
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
