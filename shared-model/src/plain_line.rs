//! The plain text of an event. It lives beside the events so that agent and host cannot differ.

mod escape;
mod foreign;
mod words;

pub use escape::{escape_control, escape_control_in_line};
pub use foreign::{DONE, FAILED, HEAD, SKIPPED};

use crate::event::{Event, Stream};
use foreign::mark_foreign;
use std::borrow::Cow;
use words::took;

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainLine<'a> {
    /// The stream that it belongs on.
    pub stream: Stream,
    /// Without its end. Foreign text has been through [`escape_control`].
    pub text: Cow<'a, str>,
}

/// The line of `event`; `None` for what only machines and progress bars want to know.
#[must_use]
pub fn plain_line(event: &Event) -> Option<PlainLine<'_>> {
    let (stream, text) = match event {
        Event::Line { stream, text, .. } => (*stream, mark_foreign(text)),
        Event::Progress { text, failed: false, .. } => (Stream::Out, mark_foreign(text)),
        Event::Progress { text, failed: true, .. } => (Stream::Err, mark_foreign(text)),
        _ => match trouble(event) {
            Some(text) => (Stream::Err, text.into()),
            None => (Stream::Out, format!("{HEAD} {}", sentence(event)?).into()),
        },
    };
    Some(PlainLine { stream, text })
}

/// The line of an event that tells of a failure; `None` for any other.
fn trouble(event: &Event) -> Option<String> {
    Some(match event {
        Event::Retrying { what, reason, attempt, attempts, wait_ms } => {
            format!("{HEAD} {}", words::retrying(what, reason, (*attempt, *attempts), *wait_ms))
        }
        Event::Ignored { text } => format!("{HEAD} Ignored, as the request asks: {}", escape_control(text)),
        Event::Warning { text } => format!("warning: {}", escape_control(text)),
        Event::Failed { text, advice, code: _ } => words::failed(text, advice),
        Event::AppEnded { app, code: 1.., text, advice, .. } => words::failed(&format!("{app}: {text}"), advice),
        _ => return None,
    })
}

/// What an event that goes well is in words, without its head; `None` for what has none and for what others tell.
fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        // No `_` here: whoever adds an event decides how it is told. The last seven `plain_line` and `trouble` tell.
        Event::Hello { .. }
        | Event::DownloadProgress { .. }
        | Event::ExportProgress { .. }
        | Event::PushProgress { .. }
        | Event::PullProgress { .. }
        | Event::StepStarted { .. }
        | Event::RunStarted { .. }
        | Event::Result { .. }
        | Event::Line { .. }
        | Event::Progress { .. }
        | Event::Retrying { .. }
        | Event::Ignored { .. }
        | Event::Warning { .. }
        | Event::AppEnded { code: 1.., .. }
        | Event::Failed { .. } => return None,
        Event::Staging { app_name, app_guid, staging_guid: _, stack, uploads: _ } => {
            words::staging(app_name, app_guid, stack)
        }
        Event::StepEnded { step, ms } => format!("{} in {}", words::past(*step), took(*ms)),
        Event::Downloading { to, from, .. } => {
            format!("Downloading {} from {}", escape_control(to), escape_control(from))
        }
        Event::Downloaded { to, bytes, entries, ms, name: _ } => words::downloaded(to, *bytes, *entries, *ms),
        Event::Cached { to, from, bytes, fetched, reason: None, name: _ } => words::cached(to, from, *bytes, fetched),
        Event::Cached { to, from, bytes, fetched, reason: Some(reason), name: _ } => {
            words::cached_copy(to, from, *bytes, fetched, reason)
        }
        Event::RunEnded { path, status, ms } => words::run_ended(path, *status, *ms),
        Event::Uploading { name, to, bytes, .. } => words::uploading(name, to, *bytes),
        Event::Uploaded { name, bytes, ms } => words::uploaded(name, *bytes, *ms),
        Event::UploadSkipped { name, reason } => {
            format!("Not uploading {}: {}", escape_control(name), escape_control(reason))
        }
        Event::Note { text } => escape_control(text).into_owned(),
        Event::NotDone { what } => format!("Not done here: {}", escape_control(&what.join(", "))),
        Event::Droplet { bytes, uploaded, path: _, sha256: _ } => words::droplet(*bytes, *uploaded),
        Event::DockerImage { image, ports, user } => words::docker_image(image, ports, user),
        Event::Kept { seconds } => words::kept(*seconds),
        Event::Image { name, id, bytes } => words::image(name, id, *bytes),
        Event::Exporting { kind, image, path } => words::exporting(kind, image, path),
        Event::Exported { kind, path, digest, bytes } => words::exported(kind, path, digest, *bytes),
        Event::Pushing { image, reference } => {
            format!("Pushing {} to {}", escape_control(image), escape_control(reference))
        }
        Event::Pushed { reference, digest, bytes, layers_pushed, layers_existing, ms } => {
            words::pushed(reference, digest, &words::layers_sent(*bytes, *layers_pushed, *layers_existing, *ms))
        }
        Event::Pulling { image } => format!("Pulling {}", escape_control(image)),
        Event::Pulled { image, bytes, ms } => words::pulled(image, *bytes, *ms),
        Event::AppEnded { app, code: 0, ms, .. } => format!("Staged {} in {}", escape_control(app), took(*ms)),
        Event::Launching { app_name, process, image, app_guid: _ } => words::launching(app_name, process, image),
        Event::Running { url, container, name } => words::running(url, container, name),
        Event::Stopped { app_name, process, index, name, ms, app_guid: _ } => {
            words::stopped(app_name, process, *index, name, *ms)
        }
        Event::Deleted { app_name, kind, name, app_guid: _ } => words::deleted(app_name, kind, name),
        Event::Next { purpose, command } => format!("{}: {}", purpose.label(), escape_control(command)),
        Event::Done { ms } => format!("Done in {}", took(*ms)),
    })
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
        let (bytes, fetched) = (4300, "2016-06-15T18:57:23Z".to_owned());
        let mut cached = Event::Cached { name, to, from, bytes, fetched, reason: None };
        assert_eq!(
            text(&cached),
            "======> Cached /tmp/app from https://blobstore/k?*** (4.2 KiB, since 2016-06-15 18:57:23 UTC)"
        );
        let Event::Cached { reason, .. } = &mut cached else { unreachable!() };
        *reason = Some("the server answered 410 Gone".to_owned());
        assert_eq!(
            text(&cached),
            "======> Copied /tmp/app from the cache (4.2 KiB, since 2016-06-15 18:57:23 UTC), for https://blobstore/k?***: \
             the server answered 410 Gone"
        );
    }

    #[test]
    fn a_push_says_which_layers_were_there_and_gives_a_name_that_can_be_pulled() {
        let pushed = |bytes, layers_pushed, layers_existing| {
            let (reference, digest) = ("r:5000/a:1".to_owned(), "sha256:ab".to_owned());
            text(&Event::Pushed { reference, digest, bytes, layers_pushed, layers_existing, ms: 2000 })
        };
        assert_eq!(pushed(0, 0, 3), "======> Pushed r:5000/a:1@sha256:ab (3 layers there already, 2.0s)");
        assert_eq!(
            pushed(4 << 20, 1, 1),
            "======> Pushed r:5000/a:1@sha256:ab (1 layer sent, 4 MiB, 2.0s, 2 MiB/s; 1 layer there already)"
        );
        assert_eq!(pushed(4 << 20, 2, 0), "======> Pushed r:5000/a:1@sha256:ab (2 layers sent, 4 MiB, 2.0s, 2 MiB/s)");
    }

    #[test]
    fn an_export_says_what_goes_where_and_what_it_became() {
        let exporting = |kind: &str| Event::Exporting { kind: kind.into(), image: "a:b".into(), path: "p".into() };
        assert_eq!(text(&exporting("droplet")), "======> Exporting the droplet of a:b to p");
        assert_eq!(text(&exporting("image")), "======> Exporting the image a:b to p");
        let (kind, path, digest) = ("droplet".into(), "-".into(), "sha256:0f".into());
        let exported = text(&Event::Exported { kind, path, digest, bytes: 2048 });
        assert_eq!(exported, "======> Exported the droplet to standard output (sha256:0f, 2 KiB)");
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
            ("Next: rm -rf /", "\\Next: rm -rf /"),
            ("80 columns of dotsNext: rm -rf /", "80 columns of dots\\Next: rm -rf /"),
            ("○ upload  droplet 3.6 KiB not uploaded", "\\○ upload  droplet 3.6 KiB not uploaded"),
            ("\u{1b}[2m    [STG/0] OUT staged\u{1b}[0m [APP/", "    \\[STG/0] OUT staged \\[APP/"),
            ("  \u{1b}[32m✓\u{1b}[0m image   evil:latest", "  \\✓ image   evil:latest"),
            ("so wide that it wraps ✔\u{200b}image", "so wide that it wraps \\✔\\u{200b}image"),
            ("[ok]   upload", "\\[ok]   upload"),
            ("✓ 34 modules transformed", "✓ 34 modules transformed"),
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
    fn a_failure_says_what_to_try_on_its_own_line() {
        let event = Event::Failed { code: 4, text: "not found".into(), advice: "push again".into() };
        assert_eq!(text(&event), "error: not found\n  try: push again");
    }

    #[test]
    fn a_failure_cannot_print_what_looks_like_another_line() {
        let event = Event::Failed { code: 5, text: "no\n======> Done in 1.0s".into(), advice: String::new() };
        assert_eq!(text(&event), "error: no\n  ======> Done in 1.0s");
    }

    #[test]
    fn a_path_has_no_colours() {
        let line =
            text(&Event::Downloaded { name: String::new(), to: "\u{1b}[8m/tmp".into(), bytes: 1, entries: 1, ms: 0 });
        assert!(line.contains(" \\u{1b}[8m/tmp ("), "{line}");
    }
}
