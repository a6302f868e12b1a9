//! Every event made of what holds secrets, as those who say it make it: none of its renderings shows one.

use shared_model::assert_all_variants;
use shared_model::event::{Event, PROTOCOL, Purpose, Step, Stream};
use shared_model::plain_line::plain_line;
use shared_model::safe_url::SafeUrl;
use shared_model::validate;

const REQUEST: &str = r#"{"rootfs":"preloaded:cflinuxfs4","annotation":"SECRET","log_guid":"g","image_password":"SECRET",
    "completion_callback_url":"http://u:SECRET@stager/v1/staging/guid/completed?t=SECRET","env":[{"name":"A","value":"SECRET"}],
    "action":{"run":{"path":"/tmp/lifecycle/builder","args":["-hostKey=SECRET"],"user":"vcap",
        "env":[{"name":"VCAP_APPLICATION","value":"{\"application_name\":\"a\",\"password\":\"SECRET\"}"}]}}}"#;

/// One of each; every text that an event has is one that those who say it make of a request.
fn events() -> Vec<Event> {
    let task = validate::task(REQUEST).expect("a good request");
    let wrong = validate::task(r#"{"action":{"run":{"args":[["SECRET"]],"env":"SECRET"}}}"#).expect_err("a bad one");
    let url = SafeUrl::new("https://u:SECRET@blobstore/k?md5=SECRET&expires=1#SECRET").to_string();
    let (app, run) = (task.application(), task.builder().expect("it has one"));
    let shown = format!("{url} {task:?} {run:?} {wrong}");
    let text = || shown.clone();
    let from = || url.clone();
    let path = || run.path.clone();
    vec![
        Event::Hello { protocol: PROTOCOL, version: "0.1.0".into() },
        Event::Staging {
            app_name: app.name,
            app_guid: app.guid,
            staging_guid: task.staging_guid().unwrap_or_default().to_owned(),
            stack: task.stack().unwrap_or_default().to_owned(),
            uploads: Some(true),
        },
        Event::StepStarted { step: Step::Fetch },
        Event::StepEnded { step: Step::Fetch, ms: 1 },
        Event::Downloading { name: text(), to: path(), from: from() },
        Event::DownloadProgress { to: path(), bytes: 1, total: None },
        Event::Downloaded { name: text(), to: path(), bytes: 1, entries: 1, ms: 1 },
        Event::Cached { name: text(), to: path(), from: from(), bytes: 1, fetched: text(), reason: None },
        Event::Cached { name: text(), to: path(), from: from(), bytes: 1, fetched: text(), reason: Some(text()) },
        Event::Retrying { what: from(), reason: text(), attempt: 2, attempts: 3, wait_ms: 1 },
        Event::Progress { source: "STG".into(), text: text(), failed: true },
        Event::RunStarted { path: path(), user: run.user.clone() },
        Event::Line { source: "STG".into(), stream: Stream::Out, text: text() },
        Event::RunEnded { path: path(), status: 1, ms: 1 },
        Event::Uploading { name: text(), from: path(), to: from(), bytes: 1 },
        Event::Uploaded { name: text(), bytes: 1, ms: 1 },
        Event::UploadSkipped { name: text(), reason: text() },
        Event::Ignored { text: text() },
        Event::Warning { text: text() },
        Event::Note { text: text() },
        Event::NotDone { what: vec![text()] },
        Event::Result { text: text() },
        Event::Droplet { path: path(), bytes: 1, sha256: String::new(), uploaded: true },
        Event::DockerImage { image: text(), ports: vec![text()], user: text() },
        Event::Kept { seconds: 1 },
        Event::Image { name: text(), id: text(), bytes: 1 },
        Event::Exporting { kind: text(), image: text(), path: path() },
        Event::ExportProgress { path: path(), bytes: 1, total: None },
        Event::Exported { kind: text(), path: path(), digest: text(), bytes: 1 },
        Event::Pushing { image: text(), reference: from() },
        Event::PushProgress { reference: from(), bytes: 1, total: 1 },
        Event::Pushed { reference: from(), digest: text(), bytes: 1, layers_pushed: 1, layers_existing: 1, ms: 1 },
        Event::Pulling { image: from() },
        Event::PullProgress { image: from(), bytes: 1, total: 1 },
        Event::Pulled { image: from(), bytes: 1, ms: 1 },
        Event::AppEnded { app: text(), code: 4, ms: 1, image: text(), text: text(), advice: text() },
        Event::Launching { app_name: text(), app_guid: text(), process: text(), image: text() },
        Event::Running { url: from(), container: text(), name: text() },
        Event::Stopped { app_name: text(), app_guid: text(), process: text(), index: 0, name: text(), ms: 1 },
        Event::Deleted { app_name: text(), app_guid: text(), kind: text(), name: text() },
        Event::Next { purpose: Purpose::Log, command: text() },
        Event::Failed { code: 4, text: text(), advice: text() },
        Event::Done { ms: 1 },
    ]
}

#[test]
fn no_event_shows_a_secret_in_any_rendering() {
    let events = events();
    assert_all_variants!(
        &events,
        Event,
        Event {
            Hello,
            Staging,
            StepStarted,
            StepEnded,
            Downloading,
            DownloadProgress,
            Downloaded,
            Cached,
            Retrying,
            Progress,
            RunStarted,
            Line,
            RunEnded,
            Uploading,
            Uploaded,
            UploadSkipped,
            Ignored,
            Warning,
            Note,
            NotDone,
            Result,
            Droplet,
            DockerImage,
            Kept,
            Image,
            Exporting,
            ExportProgress,
            Exported,
            Pushing,
            PushProgress,
            Pushed,
            Pulling,
            PullProgress,
            Pulled,
            AppEnded,
            Launching,
            Running,
            Stopped,
            Deleted,
            Next,
            Failed,
            Done
        }
    );
    for event in events {
        let line = plain_line(&event).map(|line| line.text.into_owned()).unwrap_or_default();
        let shown = format!("{line} {} {event:?}", event.to_json_line());
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
