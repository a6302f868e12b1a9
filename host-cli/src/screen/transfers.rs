//! What a step brought or sent, in one row: names and sizes instead of paths and URLs.

use crate::screen::look::size_in_row;
use shared_model::plain_line::escape_control_in_line;
use std::collections::{BTreeMap, BTreeSet};

/// What came before the build, and from where.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// By why the server refuses them, the first without a reason.
    cached: BTreeMap<Option<String>, BTreeSet<String>>,
    downloaded: Vec<String>,
}

impl Fetched {
    /// From its server.
    pub(super) fn downloaded(&mut self, name: &str, to: &str, bytes: u64) {
        self.downloaded.push(format!("{} {}", label(name, to), size_in_row(bytes)));
    }

    /// From the cache; with a reason, because the server refuses it.
    pub(super) fn cached(&mut self, name: &str, to: &str, reason: Option<&str>) {
        let reason = reason.map(escape_control_in_line);
        self.cached.entry(reason).or_default().insert(label(name, to));
    }

    /// All of it. What came from the cache is in alphabetic order: it comes side by side, each time in another.
    pub(super) fn text(&self) -> String {
        let cached = self.cached.iter().map(|(reason, names)| {
            let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{} from cache{why}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let downloaded = (!self.downloaded.is_empty()).then(|| self.downloaded.join(", "));
        cached.chain(downloaded).collect::<Vec<_>>().join("; ")
    }
}

/// What a transfer is called: `python` for `python_buildpack`, and what has no name as its folder, `lifecycle`.
fn label(name: &str, to: &str) -> String {
    let folder = to.rsplit('/').next().unwrap_or(to);
    escape_control_in_line(if name.is_empty() { folder } else { name.strip_suffix("_buildpack").unwrap_or(name) })
}

/// What left after the build.
#[derive(Debug, Default)]
pub(super) struct Sent {
    uploaded: Vec<String>,
    skipped: Vec<(String, String)>,
    /// What the builder says that it made the droplet with: `python 1.0.0`; empty where it does not.
    made_with: String,
}

/// The droplet among what is sent: its row says more.
const DROPLET: &str = "droplet";

impl Sent {
    /// The server has it.
    pub(super) fn uploaded(&mut self, name: &str, bytes: u64) {
        if name != DROPLET {
            self.uploaded.push(format!("{} {}", escape_control_in_line(name), size_in_row(bytes)));
        }
    }

    /// It was left out.
    pub(super) fn skipped(&mut self, name: &str, reason: &str) {
        self.skipped.push((escape_control_in_line(name), escape_control_in_line(reason)));
    }

    /// The builder's result, as it wrote it.
    pub(super) fn result(&mut self, text: &str) {
        let result: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let detected = &result["lifecycle_metadata"]["detected_buildpack"];
        self.made_with = escape_control_in_line(detected.as_str().unwrap_or_default());
    }

    /// Whether all that could be sent was left out.
    pub(super) fn is_skipped(&self) -> bool {
        self.uploaded.is_empty() && !self.skipped.is_empty()
    }

    /// All of it; `droplet`: its bytes, and whether it is Cloud Controller's now.
    pub(super) fn text(&self, droplet: Option<(u64, bool)>) -> String {
        let made_with = if self.made_with.is_empty() { String::new() } else { format!(" ({})", self.made_with) };
        let droplet = droplet.map(|(bytes, replaces)| {
            let fate = if replaces { "replaced Cloud Controller's" } else { "not uploaded, Cloud Controller's stays" };
            format!("{DROPLET} {}{made_with} {fate}", size_in_row(bytes))
        });
        let reason = self.skipped.first().map(|(_, reason)| {
            let names: Vec<&str> =
                self.skipped.iter().map(|(name, _)| name.as_str()).filter(|n| *n != DROPLET).collect();
            if names.is_empty() { reason.clone() } else { format!("{} left out ({reason})", names.join(", ")) }
        });
        droplet.into_iter().chain(self.uploaded.iter().cloned()).chain(reason).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::look::BOUND;

    fn shown(text: &str) -> String {
        text.replace(BOUND, " ")
    }

    #[test]
    fn what_came_is_told_by_name_and_what_the_cache_had_together() {
        let mut fetched = Fetched::default();
        fetched.cached("python_buildpack", "/tmp/buildpacks/0429", None);
        fetched.downloaded("app package", "/tmp/app", 1164);
        fetched.cached("", "/tmp/lifecycle", None);
        assert_eq!(shown(&fetched.text()), "lifecycle, python from cache; app package 1.1 KiB");
        let mut fetched = Fetched::default();
        for name in ["staticfile_buildpack", "app package"] {
            fetched.cached(name, "/tmp/x", Some("the server answered 410 Gone"));
        }
        assert_eq!(shown(&fetched.text()), "app package, staticfile from cache (the server answered 410 Gone)");
        assert_eq!(Fetched::default().text(), "");
    }

    #[test]
    fn what_left_says_what_became_of_cloud_controllers_droplet() {
        let mut sent = Sent::default();
        sent.uploaded("droplet", 3644);
        sent.uploaded("build artifacts cache", 2769);
        sent.result(r#"{"lifecycle_metadata":{"detected_buildpack":"python 1.0.0"}}"#);
        assert_eq!(
            shown(&sent.text(Some((3644, true)))),
            "droplet 3.6 KiB (python 1.0.0) replaced Cloud Controller's; build artifacts cache 2.7 KiB"
        );
        let mut sent = Sent::default();
        sent.skipped("droplet", "--no-upload");
        sent.skipped("build artifacts cache", "--no-upload");
        sent.result("\u{1b}no JSON");
        assert!(sent.is_skipped());
        assert_eq!(
            shown(&sent.text(Some((3644, false)))),
            "droplet 3.6 KiB not uploaded, Cloud Controller's stays; build artifacts cache left out (--no-upload)"
        );
    }
}
