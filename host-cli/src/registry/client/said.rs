//! What a registry says of its refusal: JSON as the distribution specification has it, or a page, or nothing. Pure; a
//! stranger's bytes, of which people are shown little, on one line, and none of what was shown to the registry.

use crate::registry::refusal::Refusal;
use serde::Deserialize;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;

/// The most bytes of such an answer that are read.
pub(super) const LONGEST_ANSWER: u64 = 64 << 10;
/// Characters that people are shown.
const SHOWN: usize = 200;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// A refusal as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// What it means.
    pub(super) refusal: Refusal,
    /// The registry's own words; empty where it has none for people.
    pub(super) words: String,
}

/// What an answer of this status and body means.
pub(super) fn said(status: u16, body: &[u8], secrets: &[&Secret<String>]) -> Said {
    let document = serde_json::from_slice::<Document>(body).ok();
    let entries = document.map(|document| document.errors).unwrap_or_default();
    let words = entries.iter().map(words).collect::<Vec<_>>().join("; ");
    let refusal = of_words(&words.to_lowercase())
        .or_else(|| entries.iter().find_map(|entry| of_code(&entry.code)))
        .unwrap_or_else(|| of_status(status, body));
    Said { refusal, words: shown(&words, secrets) }
}

fn words(Entry { code, message }: &Entry) -> String {
    match (code.as_str(), message.as_str()) {
        ("", message) => message.to_owned(),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    }
}

/// Registries say of a quota that something is denied.
fn of_words(words: &str) -> Option<Refusal> {
    let is_full =
        ["configured upper limit", "quota exceeded", "exceeds quota", "insufficient storage", "no space left"];
    is_full.iter().any(|full| words.contains(full)).then_some(Refusal::Full)
}

fn of_code(code: &str) -> Option<Refusal> {
    match code {
        "UNAUTHORIZED" => Some(Refusal::Unauthorized),
        "DENIED" => Some(Refusal::Denied),
        "NAME_UNKNOWN" => Some(Refusal::Unknown),
        "NAME_INVALID" | "TAG_INVALID" => Some(Refusal::Name),
        "TOOMANYREQUESTS" => Some(Refusal::TooMany),
        "DIGEST_INVALID" => Some(Refusal::Digest),
        "SIZE_INVALID" => Some(Refusal::TooLarge),
        _ => None,
    }
}

fn of_status(status: u16, body: &[u8]) -> Refusal {
    match status {
        401 => Refusal::Unauthorized,
        403 => Refusal::Denied,
        404 => Refusal::Unknown,
        413 => Refusal::TooLarge,
        429 => Refusal::TooMany,
        507 => Refusal::Full,
        500.. => Refusal::Trouble,
        _ if body.trim_ascii_start().starts_with(b"<") => Refusal::Page,
        _ => Refusal::Other,
    }
}

/// A stranger's text as people may see it.
pub(super) fn shown(text: &str, secrets: &[&Secret<String>]) -> String {
    let hidden = secrets.iter().filter(|secret| !secret.reveal().is_empty());
    let text = hidden.fold(text.to_owned(), |text, secret| text.replace(secret.reveal().as_str(), "***"));
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = one_line.chars().take(SHOWN).collect();
    escape_control(&short).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_is_told_by_what_is_said_and_otherwise_by_its_status() {
        let denied = r#"{"errors":[{"code":"DENIED","message":"requested access is denied","detail":[{"x":1}]}]}"#;
        let full = r#"{"errors":[{"code":"DENIED","message":"adding 1 MiB will exceed the configured upper limit of 1 MiB"}]}"#;
        for (status, body, refusal, words) in [
            (403, denied, Refusal::Denied, "DENIED: requested access is denied"),
            (403, full, Refusal::Full, "DENIED: adding 1 MiB will exceed the configured upper limit of 1 MiB"),
            (400, r#"{"errors":[{"code":"NAME_INVALID"}]}"#, Refusal::Name, "NAME_INVALID"),
            (404, r#"{"errors":[{"code":"NAME_UNKNOWN","message":""}]}"#, Refusal::Unknown, "NAME_UNKNOWN"),
            (413, "<html>too large</html>", Refusal::TooLarge, ""),
            (400, " <html>", Refusal::Page, ""),
            (503, "", Refusal::Trouble, ""),
            (507, "", Refusal::Full, ""),
            (418, r#"{"errors":null}"#, Refusal::Other, ""),
        ] {
            assert_eq!(
                said(status, body.as_bytes(), &[]),
                Said { refusal, words: words.to_owned() },
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_code_means_more_than_a_status_and_the_first_that_is_known_counts() {
        for (code, refusal) in [
            ("UNAUTHORIZED", Refusal::Unauthorized),
            ("DENIED", Refusal::Denied),
            ("NAME_UNKNOWN", Refusal::Unknown),
            ("NAME_INVALID", Refusal::Name),
            ("TAG_INVALID", Refusal::Name),
            ("TOOMANYREQUESTS", Refusal::TooMany),
            ("DIGEST_INVALID", Refusal::Digest),
            ("SIZE_INVALID", Refusal::TooLarge),
        ] {
            let errors = serde_json::json!({"errors": [{"code": "OF_OUR_OWN"}, {"code": code}, {"code": "DENIED"}]});
            assert_eq!(said(500, errors.to_string().as_bytes(), &[]).refusal, refusal, "{code}");
        }
        let words = said(400, br#"{"errors":[{"message":"one"},{"code":"TWO"},{}]}"#, &[]).words;
        assert_eq!(words, "one; TWO;", "whatever it has of the two");
    }

    #[test]
    fn what_was_shown_to_a_registry_is_not_shown_to_people() {
        let secret = Secret::new("s3cret".to_owned());
        let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"s3cret\u001b[2J is wrong"}]}"#;
        let words = said(401, body.as_bytes(), &[&secret]).words;
        assert!(words.contains("***") && !words.contains("s3cret") && !words.contains('\u{1b}'), "{words}");
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_says_is_short_and_on_one_line(status in 100_u16..600, body in any::<String>()) {
            let words = said(status, body.as_bytes(), &[]).words;
            prop_assert!(!words.contains('\n'));
            let entry = serde_json::json!({"errors": [{"code": body, "message": body}]}).to_string();
            let words = said(status, entry.as_bytes(), &[]).words;
            let is_plain = !words.contains(['\n', '\u{1b}']);
            prop_assert!(is_plain && words.chars().count() <= 10 * SHOWN);
        }
    }
}
