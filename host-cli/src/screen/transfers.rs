//! What a step brought or sent, in one row: names and sizes instead of paths and URLs.

use crate::image::app_image::safe_buildpack;
use crate::screen::look::{BOUND, size_in_row};
use shared_model::plain_line::escape_control_in_line;
use std::collections::{BTreeMap, BTreeSet};

/// So many names stand in a row; the container decides how many it says there are.
const MOST_NAMES: usize = 32;

/// Characters of what the builder says that it made the droplet with.
const LONGEST_NAME: usize = 60;

/// What came before the build, and from where.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// By why the server refuses them, the first without a reason.
    cached: BTreeMap<Option<String>, BTreeSet<String>>,
    downloaded: Names,
}

/// Names in a row, and how many more there were.
#[derive(Debug, Default)]
struct Names {
    first: Vec<String>,
    more: u64,
}

impl Names {
    fn push(&mut self, name: String) {
        if self.first.len() < MOST_NAMES { self.first.push(name) } else { self.more += 1 }
    }

    fn all(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.first.iter().cloned().chain(more)
    }
}

impl Fetched {
    /// From its server.
    pub(super) fn downloaded(&mut self, name: &str, to: &str, bytes: u64) {
        self.downloaded.push(format!("{} {}", label(name, to), size_in_row(bytes)));
    }

    /// From the cache; with a reason, because the server refuses it.
    pub(super) fn cached(&mut self, name: &str, to: &str, reason: Option<&str>) {
        let reason = reason.map(in_row);
        if self.cached.contains_key(&reason) || self.cached.len() < MOST_NAMES {
            let names = self.cached.entry(reason).or_default();
            if names.len() < MOST_NAMES {
                names.insert(label(name, to));
            }
        }
    }

    /// All of it. What came from the cache is in alphabetic order: it comes side by side, each time in another.
    pub(super) fn text(&self) -> String {
        let cached = self.cached.iter().map(|(reason, names)| {
            let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{} from cache{why}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let downloaded = self.downloaded.all().collect::<Vec<_>>().join(", ");
        cached.chain((!downloaded.is_empty()).then_some(downloaded)).collect::<Vec<_>>().join("; ")
    }
}

/// What a transfer is called: `python` for `python_buildpack`, and what has no name as its folder, `lifecycle`.
fn label(name: &str, to: &str) -> String {
    let folder = to.rsplit('/').next().unwrap_or(to);
    in_row(if name.is_empty() { folder } else { name.strip_suffix("_buildpack").unwrap_or(name) })
}

/// Foreign text in a row of ours: with no blank that is taken for one of ours.
fn in_row(text: &str) -> String {
    escape_control_in_line(text).replace(BOUND, " ")
}

/// What left after the build.
#[derive(Debug, Default)]
pub(super) struct Sent {
    uploaded: Names,
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
            self.uploaded.push(format!("{} {}", in_row(name), size_in_row(bytes)));
        }
    }

    /// It was left out.
    pub(super) fn skipped(&mut self, name: &str, reason: &str) {
        if self.skipped.len() < MOST_NAMES {
            self.skipped.push((in_row(name), in_row(reason)));
        }
    }

    /// The builder's result, as it wrote it.
    pub(super) fn result(&mut self, text: &str) {
        let result: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let detected = &result["lifecycle_metadata"]["detected_buildpack"];
        let may_stand = |c: char| c.is_alphanumeric() || " ._-+:/@,".contains(c);
        let name = in_row(&safe_buildpack(detected.as_str().unwrap_or_default().to_owned()));
        self.made_with = name.chars().filter(|c| may_stand(*c)).take(LONGEST_NAME).collect();
    }

    /// Whether all that could be sent was left out.
    pub(super) fn is_skipped(&self) -> bool {
        self.uploaded.first.is_empty() && !self.skipped.is_empty()
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
        droplet.into_iter().chain(self.uploaded.all()).chain(reason).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_a_container_says_is_bounded_and_cannot_pass_for_our_words() {
        let (mut fetched, mut sent) = (Fetched::default(), Sent::default());
        for number in 0..1000 {
            fetched.downloaded(&format!("d{number}"), "/tmp/x", 1);
            fetched.cached(&format!("c{number}"), "/tmp/x", Some(&format!("r{number}")));
            sent.uploaded(&format!("u{number}"), 1);
            sent.skipped("s", "r");
        }
        assert!(fetched.text().len() < 3000 && fetched.text().ends_with("and 968 more"), "{}", fetched.text());
        assert!(sent.text(None).len() < 2000, "{}", sent.text(None));
        let mut sent = Sent::default();
        sent.result(
            r#"{"lifecycle_metadata":{"detected_buildpack":"x) not uploaded; (\u00a0https://u:p@h/b?sig=1 yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}}"#,
        );
        let text = sent.text(Some((1, true)));
        assert!(text.matches(')').count() == 1 && !text.contains("u:p") && !text.contains("sig=1"), "{text}");
        assert!(text.len() < 120, "{text}");
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
