//! Everything that a staging says, as values. The agent emits them, the host renders them; `docs/events.md` describes
//! each with an example (a test compares). No event may carry a secret: URLs are [`SafeUrl`]s already redacted to text.
//!
//! Everywhere `bytes` and `total` are bytes, `ms` milliseconds, rounded down; a text that is unknown is empty.
//! A reader ignores names and fields that it does not know; another `protocol` in [`Event::Hello`] means that nothing
//! after it may be trusted to mean what it says here. `event/wire.rs` writes the lines.

mod purpose;
mod sink;
mod step;
mod stream;
mod wire;

pub use purpose::Purpose;
pub use sink::EventSink;
pub use step::Step;
pub use stream::Stream;
pub use wire::{LONGEST_LINE, PROTOCOL};

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::safe_url::SafeUrl;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first of a stream.
    Hello {
        /// [`PROTOCOL`] of the speaker.
        protocol: u32,
        /// The speaker's version: `0.1.0`.
        version: String,
    },
    /// What is about to be staged.
    Staging {
        /// The app's name; empty where the request has no `VCAP_APPLICATION`.
        app_name: String,
        /// The app's guid; empty where the request does not say.
        app_guid: String,
        /// The staging guid; empty where the request does not say.
        staging_guid: String,
        /// The stack: `cflinuxfs4`; empty where the root file system is not `preloaded:…`.
        stack: String,
        /// Whether the droplet is to replace Cloud Controller's; absent where an earlier agent speaks, and for a docker app, which has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uploads: Option<bool>,
    },
    /// A step begins.
    StepStarted {
        /// The step that begins.
        step: Step,
    },
    /// A step was carried out to its end; one that fails has no end.
    StepEnded {
        /// The step that ended.
        step: Step,
        /// How long it took.
        ms: u64,
    },
    /// A download begins.
    Downloading {
        /// What it is: `nodejs_buildpack`, `app package`; empty where the request gives no name.
        name: String,
        /// The directory that it is unpacked in; it tells downloads apart.
        to: String,
        /// The URL, redacted.
        from: String,
    },
    /// How far a download is; at most a few a second.
    DownloadProgress {
        /// As in [`Event::Downloading`].
        to: String,
        /// Received so far, as they came (compressed).
        bytes: u64,
        /// Expected in all; absent where the server does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// A download is unpacked and in place.
    Downloaded {
        /// As in [`Event::Downloading`].
        name: String,
        /// As in [`Event::Downloading`].
        to: String,
        /// Received in all, as they came (compressed).
        bytes: u64,
        /// Files, directories and links that were unpacked.
        entries: u64,
        /// From the request's first byte to the last entry in place.
        ms: u64,
    },
    /// A dependency or the app package comes from the cache: nothing was downloaded.
    Cached {
        /// As in [`Event::Downloading`].
        name: String,
        /// The directory where it appears.
        to: String,
        /// The URL that it came from when it was downloaded, redacted.
        from: String,
        /// Not downloaded this time (compressed).
        bytes: u64,
        /// When it was downloaded: RFC 3339, in UTC.
        fetched: String,
        /// Why the server refuses it (an expired signature): `the server answered 410 Gone`; absent where it does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something failed and is tried again.
    Retrying {
        /// A URL, redacted, or a layer on its way to a registry.
        what: String,
        /// Why: `503 Service Unavailable`.
        reason: String,
        /// The attempt that comes next, from 2; from 2 again when the transfer got further in between.
        attempt: u32,
        /// How many there are in all, the first among them.
        attempts: u32,
        /// Milliseconds until that attempt.
        wait_ms: u64,
    },
    /// What Diego's `emit_progress` says.
    Progress {
        /// The log source: `STG`.
        source: String,
        /// One line.
        text: String,
        /// True for a failure message, which Diego writes to stderr.
        failed: bool,
    },
    /// A program of the request starts.
    RunStarted {
        /// Its path in the container.
        path: String,
        /// The name of the user that it runs as.
        user: String,
    },
    /// A line that the program printed. It is foreign text: nothing in it may be believed.
    Line {
        /// The log source: `STG`.
        source: String,
        /// Where it was printed.
        stream: Stream,
        /// The line without its end, never empty, at most [`LONGEST_LINE`] bytes.
        text: String,
    },
    /// The program ended.
    RunEnded {
        /// As in [`Event::RunStarted`].
        path: String,
        /// Its exit status; 128 + signal where a signal ended it.
        status: i32,
        /// How long it ran.
        ms: u64,
    },
    /// An upload begins.
    Uploading {
        /// What it is: `droplet`.
        name: String,
        /// The file.
        from: String,
        /// The URL, redacted.
        to: String,
        /// Size of the file.
        bytes: u64,
    },
    /// The server has taken an upload.
    Uploaded {
        /// As in [`Event::Uploading`].
        name: String,
        /// Sent in all.
        bytes: u64,
        /// From the first byte to the answer.
        ms: u64,
    },
    /// An upload was left out, because `--no-upload` asked for it.
    UploadSkipped {
        /// As in [`Event::Uploading`].
        name: String,
        /// Why: `--no-upload`.
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
    /// What the request wants and is not done here.
    NotDone {
        /// A few words each, never empty: `2 egress rules`.
        what: Vec<String>,
    },
    /// The result file, which Diego would report to Cloud Controller.
    Result {
        /// JSON as the builder wrote it.
        text: String,
    },
    /// The image of a docker app, as its builder found it: foreign text, bounded.
    DockerImage {
        /// Its name: `registry.example.com/acme/reports:2.3`.
        image: String,
        /// The ports that it exposes: `8080/tcp`.
        ports: Vec<String>,
        /// The user that it runs as; empty: root.
        user: String,
    },
    /// Where the droplet is, for whoever makes an image of it.
    Droplet {
        /// Its path in the container.
        path: String,
        /// Size of the file.
        bytes: u64,
        /// Its sha256, 64 hexadecimal digits: an image of another file is not of this staging.
        sha256: String,
        /// Whether Cloud Controller has taken it.
        uploaded: bool,
    },
    /// `--keep`: the container stays until SIGTERM or until the time is up.
    Kept {
        /// How long, in seconds.
        seconds: u64,
    },
    /// An app image is there.
    Image {
        /// Its first tag: `cf-app/node-env-18c50a86:droplet-0123456789ab`.
        name: String,
        /// `sha256:…`.
        id: String,
        /// Size with all layers, as the engine tells it.
        bytes: u64,
    },
    /// An image, or the droplet in it, leaves the engine.
    Exporting {
        /// What leaves: `droplet`, or the `image` as a whole.
        kind: String,
        /// A tag of the image, else its id.
        image: String,
        /// The file or folder that it goes to; `-` for standard output.
        path: String,
    },
    /// How far an export is; at most a few a second.
    ExportProgress {
        /// As in [`Event::Exporting`].
        path: String,
        /// Come from the engine so far.
        bytes: u64,
        /// About how many there are; absent where the engine does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// An export is there as a whole.
    Exported {
        /// As in [`Event::Exporting`].
        kind: String,
        /// As in [`Event::Exporting`].
        path: String,
        /// `sha256:…`: of the droplet file, or of the OCI layout's manifest.
        digest: String,
        /// Size of the file, or of all blobs of the layout.
        bytes: u64,
    },
    /// An image is on its way to a registry.
    Pushing {
        /// Its tag in the engine: `cf-app/node-env-18c50a86:droplet-0123456789ab`; of one that no engine has, what people call it.
        image: String,
        /// Its reference in the registry: `registry.example.com/team/node-env:latest`.
        reference: String,
    },
    /// How far a push is; at most a few a second.
    PushProgress {
        /// As in [`Event::Pushing`].
        reference: String,
        /// Bytes of layers sent so far, as the engine counts them; without an engine, before they are compressed.
        bytes: u64,
        /// Bytes of the layers that were begun; it grows with every layer that begins.
        total: u64,
    },
    /// The registry has the image.
    Pushed {
        /// As in [`Event::Pushing`].
        reference: String,
        /// `sha256:…` of its manifest: with it the registry names this image for good.
        digest: String,
        /// Bytes of layers sent, as the engine counts them; without an engine, as they were sent.
        bytes: u64,
        /// How many layers were sent.
        layers_pushed: u64,
        /// How many layers the registry had already.
        layers_existing: u64,
        /// From the first question to the last answer.
        ms: u64,
    },
    /// One of several apps was staged, or not.
    AppEnded {
        /// The app as the user called it.
        app: String,
        /// The exit code that it would have ended with alone; 0 for success.
        code: u8,
        /// From its first event to its last.
        ms: u64,
        /// Its image's first tag; empty where none was made.
        image: String,
        /// What failed and with what; empty for success.
        text: String,
        /// What to try; empty where nothing can be advised.
        advice: String,
    },
    /// The engine gets an image from a registry.
    Pulling {
        /// Its reference: `registry.example.com/acme/reports:2.3`.
        image: String,
    },
    /// How far a pull is; at most a few a second.
    PullProgress {
        /// As in [`Event::Pulling`].
        image: String,
        /// Bytes of layers that have come so far, as the engine counts them.
        bytes: u64,
        /// Bytes of the layers that the engine has begun to get; it grows with every layer that begins.
        total: u64,
    },
    /// The engine has the image.
    Pulled {
        /// As in [`Event::Pulling`].
        image: String,
        /// Bytes of layers that came, as the engine counts them; 0 where it had all of them.
        bytes: u64,
        /// From the first question to the last layer.
        ms: u64,
    },
    /// An app is about to be started.
    Launching {
        /// The app's name; its guid where it has none.
        app_name: String,
        /// The app's guid.
        app_guid: String,
        /// The process type: `web`.
        process: String,
        /// The image that it starts from: a tag, else its id.
        image: String,
    },
    /// The app answers.
    Running {
        /// `http://127.0.0.1:32768`; empty where no port is published.
        url: String,
        /// The container's id.
        container: String,
        /// The container's name.
        #[serde(default)]
        name: String,
    },
    /// An instance of an app was ended; what it takes to start it again is still there.
    Stopped {
        /// As in [`Event::Launching`].
        app_name: String,
        /// The app's guid.
        app_guid: String,
        /// The process type: `web`.
        process: String,
        /// The instance's index, from 0.
        index: u32,
        /// What it ran in: a container's name.
        name: String,
        /// From SIGTERM to its end.
        ms: u64,
    },
    /// Something that an app ran in, or with, was removed.
    Deleted {
        /// As in [`Event::Launching`].
        app_name: String,
        /// The app's guid.
        app_guid: String,
        /// What it was: `container`; in a cluster the kind of the object: `Deployment`.
        kind: String,
        /// Its name.
        name: String,
    },
    /// What may be typed next; one of the last of a stream.
    Next {
        /// What it does.
        purpose: Purpose,
        /// The command, as a shell takes it.
        command: String,
    },
    /// The end, gone wrong. The last of a stream.
    Failed {
        /// The exit code that follows, never 0.
        code: u8,
        /// What failed and with what; may hold several lines.
        text: String,
        /// What to try; may hold several lines; empty where nothing can be advised.
        advice: String,
    },
    /// The end, as wished. The last of a stream.
    Done {
        /// From the first event to this one.
        ms: u64,
    },
}
