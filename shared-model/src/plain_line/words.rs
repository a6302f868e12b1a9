//! The sentences that need more than a line of code, and the times in them.

use super::escape::{escape_control, escape_control_lines};
use crate::event::Step;
use crate::size;
use std::borrow::Cow;
use std::time::Duration;

/// What is staged, and on which stack.
pub(super) fn staging(app_name: &str, app_guid: &str, stack: &str) -> String {
    let name = if app_name.is_empty() { "an app without a name" } else { app_name };
    let on = if stack.is_empty() { String::new() } else { format!(" on {}", escape_control(stack)) };
    format!("Staging {} ({}){on}", escape_control(name), escape_control(app_guid))
}

/// What came, how much of it, and how fast.
pub(super) fn downloaded(to: &str, bytes: u64, entries: u64, ms: u64) -> String {
    let counted = if entries == 1 { "entry" } else { "entries" };
    let (size, time) = (size::bytes(bytes), transfer_time(bytes, ms));
    format!("Downloaded {} ({size}, {entries} {counted}, {time})", escape_control(to))
}

/// What did not have to come, and since when.
pub(super) fn cached(to: &str, from: &str, bytes: u64, fetched: &str) -> String {
    format!(
        "Cached {} from {} ({}, since {})",
        escape_control(to),
        escape_control(from),
        size::bytes(bytes),
        moment(fetched)
    )
}

/// What came from the cache because the server was of no help.
pub(super) fn cached_copy(to: &str, from: &str, bytes: u64, fetched: &str, reason: &str) -> String {
    let (to, from, reason) = (escape_control(to), escape_control(from), escape_control(reason));
    format!("Copied {to} from the cache ({}, since {}), for {from}: {reason}", size::bytes(bytes), moment(fetched))
}

/// What goes where, and how much of it.
pub(super) fn uploading(name: &str, to: &str, bytes: u64) -> String {
    format!("Uploading {} ({}) to {}", escape_control(name), size::bytes(bytes), escape_control(to))
}

/// What was sent, and how fast.
pub(super) fn uploaded(name: &str, bytes: u64, ms: u64) -> String {
    format!("Uploaded {} ({}, {})", escape_control(name), size::bytes(bytes), transfer_time(bytes, ms))
}

/// What is tried again, why, which of how many attempts comes next, and when.
pub(super) fn retrying(what: &str, reason: &str, (attempt, attempts): (u32, u32), wait_ms: u64) -> String {
    let (what, reason) = (escape_control(what), escape_control(reason));
    format!("{what}: {reason}; try {attempt} of {attempts} in {}", took(wait_ms))
}

/// How a program ended, by its name without the folder.
pub(super) fn run_ended(path: &str, status: i32, ms: u64) -> String {
    let program = path.rsplit('/').next().unwrap_or(path);
    format!("{} ended with status {status} after {}", escape_control(program), took(ms))
}

/// What became of the droplet.
pub(super) fn droplet(bytes: u64, uploaded: bool) -> String {
    let size = size::bytes(bytes);
    if uploaded {
        format!("The droplet in Cloud Controller was replaced ({size})")
    } else {
        format!("The droplet in Cloud Controller was not replaced; the new one ({size}) was kept here")
    }
}

/// Which image a docker app has, and how that runs.
pub(super) fn docker_image(image: &str, ports: &[String], user: &str) -> String {
    let ports: Vec<_> = ports.iter().map(|port| escape_control(port)).collect();
    let listens =
        if ports.is_empty() { "it names no port".to_owned() } else { format!("it listens on {}", ports.join(", ")) };
    let user = escape_control(if user.is_empty() { "root" } else { user });
    format!("The app's image is {}; {listens}, and runs as {user}", escape_control(image))
}

/// What came from a registry, and how fast.
pub(super) fn pulled(image: &str, bytes: u64, ms: u64) -> String {
    format!("Pulled {} ({}, {})", escape_control(image), size::bytes(bytes), transfer_time(bytes, ms))
}

/// How long the container stays.
pub(super) fn kept(seconds: u64) -> String {
    format!("The container stays for {}", size::go_duration(Duration::from_secs(seconds)))
}

/// What the app's image is.
pub(super) fn image(name: &str, id: &str, bytes: u64) -> String {
    format!("Image {} ({}, {})", escape_control(name), escape_control(id), size::bytes(bytes))
}

/// What is started, and from what.
pub(super) fn launching(app: &str, process: &str, image: &str) -> String {
    let process = if process == "web" { String::new() } else { format!(" ({})", escape_control(process)) };
    format!("Launching {}{process} from {}", escape_control(app), escape_control(image))
}

/// Where the app is.
pub(super) fn running(url: &str, container: &str, name: &str) -> String {
    let container = escape_control(if name.is_empty() { container } else { name });
    if url.is_empty() {
        format!("The app runs in container {container}")
    } else {
        format!("The app answers at {} (container {container})", escape_control(url))
    }
}

/// What has ended.
pub(super) fn stopped(app: &str, process: &str, index: u32, name: &str, ms: u64) -> String {
    let (app, process, name) = (escape_control(app), escape_control(process), escape_control(name));
    format!("Stopped {app} {process}/{index} ({name}) in {}", took(ms))
}

/// What is removed.
pub(super) fn deleted(app: &str, kind: &str, name: &str) -> String {
    format!("Deleted {} {} of {}", escape_control(kind), escape_control(name), escape_control(app))
}

/// What leaves the engine.
pub(super) fn exporting(kind: &str, image: &str, path: &str) -> String {
    let of = if kind == "droplet" { " of" } else { "" };
    format!("Exporting the {}{of} {} to {}", escape_control(kind), escape_control(image), place(path))
}

/// What has left the engine.
pub(super) fn exported(kind: &str, path: &str, digest: &str, bytes: u64) -> String {
    format!(
        "Exported the {} to {} ({}, {})",
        escape_control(kind),
        place(path),
        escape_control(digest),
        size::bytes(bytes)
    )
}

/// What failed, and below it what to try.
pub(super) fn failed(text: &str, advice: &str) -> String {
    if advice.is_empty() {
        format!("error: {}", escape_control_lines(text))
    } else {
        format!("error: {}\n  try: {}", escape_control_lines(text), escape_control_lines(advice))
    }
}

/// What was done in a step.
pub(super) fn past(step: Step) -> &'static str {
    match step {
        Step::Fetch => "Fetched",
        Step::Build => "Built",
        Step::Upload => "Uploaded",
        Step::Image => "Image made",
        Step::Export => "Exported",
        Step::Push => "Pushed",
        Step::Launch => "Launched",
        Step::Stop => "Stopped",
        Step::Delete => "Deleted",
    }
}

/// Where an export goes.
fn place(path: &str) -> Cow<'_, str> {
    if path == "-" { Cow::Borrowed("standard output") } else { escape_control(path) }
}

/// `2016-06-15 18:57:23 UTC`, of `2016-06-15T18:57:23Z`; any other text as it is.
fn moment(rfc3339: &str) -> String {
    let text = escape_control(rfc3339);
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => text.into_owned(),
    }
}

/// What the registry has, and `layers`: what of it was sent.
pub(super) fn pushed(reference: &str, digest: &str, layers: &str) -> String {
    format!("Pushed {}@{} ({layers})", escape_control(reference), escape_control(digest))
}

/// What of an image was sent, and what was there already.
pub(super) fn layers_sent(bytes: u64, sent: u64, known: u64, ms: u64) -> String {
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

/// Milliseconds as people read them.
pub(super) fn took(ms: u64) -> String {
    size::seconds(Duration::from_millis(ms))
}

fn transfer_time(bytes: u64, ms: u64) -> String {
    let rate = size::rate(bytes, Duration::from_millis(ms));
    if rate.is_empty() { took(ms) } else { format!("{}, {rate}", took(ms)) }
}
