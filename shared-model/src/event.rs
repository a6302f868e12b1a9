//! Everything that a staging says, as values. The agent emits them, the host renders them; `docs/events.md` describes
//! each with an example (a test compares). No event may carry a secret: URLs are [`SafeUrl`]s already redacted to text.
//!
//! On the wire an event is one JSON object a line, its name under `event`. A reader ignores names it does not know;
//! another `protocol` in [`Event::Hello`] means that nothing after it may be trusted to mean what it says here.

mod sink;
mod step;

pub use sink::EventSink;
pub use step::Step;

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::safe_url::SafeUrl;

/// The version of this stream. It changes when an old reader would misread a new event.
pub const PROTOCOL: u32 = 1;

/// The most bytes that one line of a builder's output has in an event; longer ones are cut on a character's boundary.
pub const LONGEST_LINE: usize = 4096;

/// One thing that happened. Times are milliseconds, sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first of a stream.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The speaker's version: `0.1.0`.
        version: String,
    },
    /// What is about to be staged.
    Staging {
        /// The app's name; empty where the request does not say.
        app_name: String,
        /// The app's guid.
        app_guid: String,
        /// The staging guid; empty where the request does not say.
        staging_guid: String,
        /// The stack; empty for an odd root file system.
        stack: String,
    },
    /// A step begins.
    StepStarted {
        /// The step that begins.
        step: Step,
    },
    /// A step was carried out to its end.
    StepEnded {
        /// The step that ended.
        step: Step,
        /// How long it took.
        ms: u64,
    },
    /// A transfer to this machine begins.
    Downloading {
        /// What it is: `nodejs_buildpack`, `app package`; empty where the request gives no name.
        name: String,
        /// The directory it goes to.
        to: String,
        /// Where from, redacted.
        from: String,
    },
    /// How far a download is; at most a few a second.
    DownloadProgress {
        /// The same as in [`Event::Downloading`].
        to: String,
        /// Bytes received.
        bytes: u64,
        /// Bytes expected; absent where the server does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// A download is unpacked and in place.
    Downloaded {
        /// The same as in [`Event::Downloading`].
        name: String,
        /// The same as in [`Event::Downloading`].
        to: String,
        /// Bytes received (compressed).
        bytes: u64,
        /// Entries unpacked.
        entries: u64,
        /// From the first byte asked for to the last entry in place.
        ms: u64,
    },
    /// A dependency comes from the cache: nothing was downloaded.
    Cached {
        /// What it is: `nodejs_buildpack`; empty where the request gives no name.
        name: String,
        /// The directory where it appears.
        to: String,
        /// Where it would have come from, redacted.
        from: String,
        /// Bytes that were not downloaded (compressed).
        bytes: u64,
        /// When it was downloaded: RFC 3339, in UTC.
        since: String,
    },
    /// The server refuses what the cache holds a copy of (an expired signature), and the copy is used.
    CopyUsed {
        /// The same as in [`Event::Cached`].
        name: String,
        /// The same as in [`Event::Cached`].
        to: String,
        /// The same as in [`Event::Cached`].
        from: String,
        /// Bytes of the copy (compressed).
        bytes: u64,
        /// When the copy was downloaded: RFC 3339, in UTC.
        since: String,
        /// Why the server was of no help: `the server answered 410 Gone`.
        reason: String,
    },
    /// Something failed and is tried again.
    Retrying {
        /// What: the redacted URL.
        what: String,
        /// Why: `503 Service Unavailable`.
        reason: String,
        /// Which try comes next, from 2; from 2 again when the transfer got further in between.
        attempt: u32,
        /// How many there are in all.
        of: u32,
        /// How long is waited before.
        wait_ms: u64,
    },
    /// What Diego's `emit_progress` says.
    Progress {
        /// The log source: `STG`.
        source: String,
        /// The text.
        text: String,
        /// True for a failure message, which Diego writes to stderr.
        failed: bool,
    },
    /// A program starts.
    RunStarted {
        /// Its path.
        path: String,
        /// Who it runs as.
        user: String,
    },
    /// A line that the program printed. It is foreign text: nothing in it may be believed.
    Line {
        /// The log source: `STG`.
        source: String,
        /// Where it was printed.
        stream: Stream,
        /// The line without its end, at most [`LONGEST_LINE`] bytes.
        text: String,
    },
    /// The program ended.
    RunEnded {
        /// Its path.
        path: String,
        /// Its exit status; 128 + signal where a signal ended it.
        status: i32,
        /// How long it ran.
        ms: u64,
    },
    /// A transfer from this machine begins.
    Uploading {
        /// What it is: `droplet`.
        name: String,
        /// The file.
        from: String,
        /// Where to, redacted.
        to: String,
        /// Its size.
        bytes: u64,
    },
    /// A transfer was taken.
    Uploaded {
        /// The same as in [`Event::Uploading`].
        name: String,
        /// Bytes sent.
        bytes: u64,
        /// From the first byte to the answer.
        ms: u64,
    },
    /// An upload was left out, because `--no-upload` asked for it.
    UploadSkipped {
        /// The same as in [`Event::Uploading`].
        name: String,
        /// Why, in words.
        reason: String,
    },
    /// A failure that the request wants swallowed (`try`).
    Ignored {
        /// What failed and why.
        text: String,
    },
    /// Something that the user should know, and that does not end anything.
    Warning {
        /// One line.
        text: String,
    },
    /// Something worth saying that is neither progress nor warning.
    Note {
        /// One line.
        text: String,
    },
    /// The result file's contents, verbatim: what Diego would report to Cloud Controller.
    Result {
        /// JSON as the builder wrote it.
        text: String,
    },
    /// Where the droplet is, for whoever makes an image of it.
    Droplet {
        /// Its path in the container.
        path: String,
        /// Its size.
        bytes: u64,
        /// Its sha256 in hexadecimal digits: an image of another file is not of this staging.
        sha256: String,
        /// Whether Cloud Controller's droplet was replaced by this one.
        uploaded: bool,
    },
    /// `--keep`: the container stays until SIGTERM or until the time is up.
    Kept {
        /// How long, in seconds.
        seconds: u64,
    },
    /// An app image is there.
    Image {
        /// Its first name: `cf-app/node-env-18c50a86:droplet-0123456789ab`.
        name: String,
        /// `sha256:…`.
        id: String,
        /// Its size.
        bytes: u64,
    },
    /// An image, or the droplet in it, leaves the engine.
    Exporting {
        /// What leaves: `droplet`, or the `image` as a whole.
        what: String,
        /// A name of the image, else its id.
        image: String,
        /// The file or folder it goes to; `-` for standard output.
        path: String,
    },
    /// How far an export is; at most a few a second.
    ExportProgress {
        /// The same as in [`Event::Exporting`].
        path: String,
        /// Bytes that have come from the engine.
        bytes: u64,
        /// About how many there are; absent where the engine does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// An export is there as a whole.
    Exported {
        /// The same as in [`Event::Exporting`].
        what: String,
        /// The same as in [`Event::Exporting`].
        path: String,
        /// `sha256:…`: of the droplet file, or of the OCI layout's manifest.
        digest: String,
        /// Size of the file, or of all blobs of the layout.
        bytes: u64,
    },
    /// An image is on its way to a registry.
    Pushing {
        /// What it is called here: `cf-app/node-env-18c50a86:droplet-0123456789ab`.
        image: String,
        /// What it will be called there: `registry.example.com/team/node-env:latest`.
        reference: String,
    },
    /// How far a push is; at most a few a second.
    PushProgress {
        /// The same as in [`Event::Pushing`].
        reference: String,
        /// Bytes of layers that were sent, as the engine counts them.
        bytes: u64,
        /// Bytes of the layers that the engine has begun to send; it grows with every layer that begins.
        total: u64,
    },
    /// The registry has the image.
    Pushed {
        /// The same as in [`Event::Pushing`].
        reference: String,
        /// The digest of its manifest, by which the registry knows it for good: `sha256:…`.
        digest: String,
        /// Bytes of layers that were sent, as the engine counts them.
        bytes: u64,
        /// Layers that were sent.
        sent: u64,
        /// Layers that the registry had already.
        known: u64,
        /// From the first question to the last answer.
        ms: u64,
    },
    /// One of several apps was staged, or not.
    AppEnded {
        /// As the user called it.
        app: String,
        /// The exit code that it would have ended with alone.
        code: u8,
        /// From its first event to its last.
        ms: u64,
        /// Its image's first name; empty where none was made.
        image: String,
        /// What failed and with what; empty where nothing did.
        text: String,
        /// What to try; empty where nothing can be advised.
        advice: String,
    },
    /// The app answers.
    Running {
        /// `http://127.0.0.1:32768`; empty where no port is published.
        url: String,
        /// The container's id.
        container: String,
    },
    /// The end, gone wrong. The last of a stream.
    Failed {
        /// The exit code that follows.
        code: u8,
        /// What failed and with what.
        text: String,
        /// What to try; empty where nothing can be advised.
        advice: String,
    },
    /// The end, as wished. The last of a stream.
    Done {
        /// From the first event to this one.
        ms: u64,
    },
}

/// Where a program printed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Event {
    /// One line of JSON without its end.
    ///
    /// # Panics
    /// Never: an event holds strings and numbers only, and those are always JSON.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(self).expect("an event holds strings and numbers only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_reads_back() {
        let event = Event::Line { source: "STG".into(), stream: Stream::Out, text: "a\nb\u{1b}[31m".into() };
        let line = event.to_json_line();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    /// The examples of `docs/events.md`: all lines of its JSON blocks.
    fn examples() -> Vec<&'static str> {
        let blocks = include_str!("../../docs/events.md").split("```json\n").skip(1);
        blocks.flat_map(|block| block.split("```").next().unwrap().lines()).collect()
    }

    #[test]
    fn every_example_of_the_documentation_is_an_event_as_we_write_it() {
        for example in examples() {
            let event: Event = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
            assert_eq!(event.to_json_line(), example);
        }
    }

    #[test]
    fn the_documentation_has_an_example_and_a_heading_for_every_event() {
        // Serde lists all names when it is given none of them: `… expected one of `hello`, `staging`, …`.
        let refusal = serde_json::from_str::<Event>(r#"{"event":""}"#).unwrap_err().to_string();
        let names: Vec<&str> =
            refusal.split("expected one of ").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(names.contains(&"hello") && names.contains(&"done"), "{refusal}");
        let documentation = include_str!("../../docs/events.md");
        for name in names {
            let start = format!("{{\"event\":\"{name}\"");
            assert!(examples().iter().any(|example| example.starts_with(&start)), "{name} has no example");
            let headed =
                documentation.lines().any(|line| line.starts_with("### ") && line.contains(&format!("`{name}`")));
            assert!(headed, "{name} has no heading");
        }
    }
}
