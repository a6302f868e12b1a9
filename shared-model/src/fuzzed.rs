//! Requests and URLs, with what has to hold whatever the bytes are: a panic tells that it does not. The targets of
//! `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`. Compiled for these two only.
#![allow(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a target tells")]

use crate::event::Event;
use crate::plain_line::{escape_control, plain_line};
use crate::safe_url::SafeUrl;
use crate::unseen::is_unseen;
use crate::validate::{self, ValidationErrors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::Path;
use std::{fs, panic};

/// A staging request, a launch request or an event: what was read and written is read back as the same.
pub fn requests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    is_the_same_again(text, validate::task);
    is_the_same_again(text, validate::desired_lrp);
    is_the_same_again(text, |text| read::<Event>(text).ok_or(()));
    let event = read::<Event>(text);
    if let Some(line) = event.as_ref().and_then(plain_line) {
        for line in line.text.split('\n') {
            assert_eq!(escape_control(line), line, "a terminal obeys something in it");
            assert!(!line.chars().any(is_unseen), "nobody sees something in it: {line:?}");
        }
    }
    if let Some(event @ (Event::Line { .. } | Event::Progress { .. })) = &event {
        let line = plain_line(event).expect("both have one").text;
        let ours = ["======>", "warning:", "error:", "try:", "note:", "Next:", "Look inside:", "✓ image", "[ok] image"];
        let begins = line.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{1b}');
        assert!(!ours.iter().any(|ours| begins.starts_with(ours)), "it looks like ours: {line}");
        assert!(!line.starts_with('\u{1b}') || !line.contains("======>"), "a colour may hide the mark: {line:?}");
        for head in ["======>", "[APP/", "[STG/"] {
            let marked = line.matches(&format!("\\{head}")).count();
            assert_eq!(line.matches(head).count(), marked, "a head without a mark: {line}");
        }
    }
    let errors = [validate::task(text).err(), validate::desired_lrp(text).err()];
    for ValidationErrors(errors) in errors.into_iter().flatten() {
        assert!(!errors.is_empty());
        for error in errors {
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control), "what a terminal obeys in {text:?}");
        }
    }
}

/// A URL: what is shown has neither its userinfo nor its query.
pub fn urls(bytes: &[u8]) {
    const SECRET: &str = "zqsecretqz";
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let url = SafeUrl::new(text);
    let _ = (url.scheme(), url.host(), url.path(), url.expires(), url.query_parameter("expires"));
    assert_eq!(url.reveal(), text);
    let host: String = text.chars().filter(|c| !"/?#".contains(*c)).collect();
    // A fuzzer learns the word by heart; what it writes into a path itself may be shown.
    if text.contains(SECRET) || host.contains(SECRET) {
        return;
    }
    for behind in ["?", "#", "?a=", "?a=b&md5="] {
        let signed = SafeUrl::new(format!("{text}{behind}{SECRET}"));
        assert!(!signed.to_string().contains(SECRET), "{signed}");
        assert!(!format!("{signed:?}").contains(SECRET), "{signed:?}");
    }
    for credentials in [format!("https://{SECRET}@{host}"), format!("http://user:{SECRET}@{host}/x?y")] {
        let url = SafeUrl::new(credentials);
        assert!(!url.to_string().contains(SECRET), "{url}");
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn is_the_same_again<T: Serialize + PartialEq + Debug, E: Debug>(text: &str, read: impl Fn(&str) -> Result<T, E>) {
    let Ok(value) = read(text) else { return };
    let written = serde_json::to_string(&value).expect("a model can be written");
    let again = read(&written).expect("what was written can be read");
    assert_eq!(again, value, "from {written}");
}

/// Cuts and changed bytes that [`replay`] tries of each input, at places with the same distance.
const VARIANTS: usize = 12;

/// Judges once more all that is kept of `target`, and what becomes of each input when it is cut or a byte of it changes.
pub fn replay(target: &str, judge: fn(&[u8])) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/fuzz/corpus").join(target);
    let files = fs::read_dir(&kept).unwrap_or_else(|error| panic!("{}: {error}", kept.display()));
    let files: Vec<_> = files.map(|entry| entry.expect("a folder of ours can be listed").path()).collect();
    assert!(!files.is_empty(), "nothing is kept in {}", kept.display());
    for file in files {
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for (variant, bytes) in variants(&bytes) {
            panic::catch_unwind(|| judge(&bytes)).unwrap_or_else(|_| panic!("it was {}, {variant}", file.display()));
        }
    }
}

fn variants(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut variants = vec![("as it is".to_owned(), bytes.to_owned())];
    let distance = bytes.len().div_ceil(VARIANTS).max(1);
    for (number, place) in (0..bytes.len()).step_by(distance).enumerate() {
        variants.push((format!("cut at {place}"), bytes[..place].to_owned()));
        let mut changed = bytes.to_owned();
        changed[place] ^= 1 << (number % 8);
        variants.push((format!("another byte at {place}"), changed));
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static SAMPLES: LazyLock<Vec<Value>> = LazyLock::new(samples);

    #[test]
    fn what_has_to_hold_holds_for_the_corpus() {
        replay("requests", requests);
        replay("urls", urls);
    }

    /// Every event of the documentation, and every request that was recorded.
    fn samples() -> Vec<Value> {
        let events = include_str!("../../docs/events.md").lines().filter(|line| line.starts_with("{\"event\""));
        let logs = [
            include_str!("../../examples/requests/2016/stager.stdout.log"),
            include_str!("../../examples/requests/2016/nsync_listener.stdout.log"),
            include_str!("../../examples/requests/2026/stager.stdout.log"),
            include_str!("../../examples/requests/2026/nsync_listener.stdout.log"),
        ];
        let request = |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            ["/data/taskDefinition", "/data/desiredLRP"].iter().find_map(|place| line.pointer(place)).cloned()
        };
        let requests = logs.into_iter().flat_map(str::lines).filter_map(request);
        events.filter_map(|line| serde_json::from_str(line).ok()).chain(requests).collect()
    }

    fn is_read(document: &Value) -> bool {
        let text = document.to_string();
        validate::task(&text).is_ok() || validate::desired_lrp(&text).is_ok() || read::<Event>(&text).is_some()
    }

    /// Where a document has something that holds nothing else.
    fn leaves(document: &Value, at: &str, found: &mut Vec<String>) {
        let key = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match document {
            Value::Object(object) if !object.is_empty() => {
                object.iter().for_each(|(name, value)| leaves(value, &key(name), found));
            }
            Value::Array(values) if !values.is_empty() => {
                values.iter().enumerate().for_each(|(index, value)| leaves(value, &key(&index.to_string()), found));
            }
            _ => found.push(at.to_owned()),
        }
    }

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            "\\PC{0,12}".prop_map(Value::from),
            "[\\x00-\\x1f\"\\\\<>&\u{1b}\u{9b}\u{202e}\u{2028}\u{200b}\u{e0041}]{0,4}".prop_map(Value::from),
            "(\u{1b}\\[[0-9]{0,2}m|[ \t\u{200b}=])?(======>|error: |warning: |  try: |Next: |✓ image|\\[ok] {0,2}image)(x|\u{1b}\\[8m)"
                .prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
            Just(json!([])),
            Just(json!({})),
        ]
    }

    #[test]
    fn every_sample_is_read() {
        assert!(SAMPLES.len() > 30, "{}", SAMPLES.len());
        for sample in &*SAMPLES {
            assert!(is_read(sample), "{sample}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_of_any_request_or_event_is_written_so_that_it_is_read_as_the_same(
            sample in any::<Index>(),
            changes in prop::collection::vec((any::<Index>(), leaf()), 1..4),
        ) {
            let mut document = sample.get(&SAMPLES).clone();
            for (place, value) in changes {
                let mut places = Vec::new();
                leaves(&document, "", &mut places);
                let place = place.get(&places);
                *document.pointer_mut(place).ok_or_else(|| TestCaseError::fail(place.clone()))? = value;
            }
            requests(document.to_string().as_bytes());
        }
    }
}
