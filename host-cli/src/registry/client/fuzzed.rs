//! What has to hold of a registry's answers, whatever bytes they have. For the targets of `ci/fuzz`, and for the replay of what they
//! found.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::challenge::{Challenge, challenge};
use super::said::said;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;

/// An answer of the status that the first two bytes tell: its body, and a header of the same bytes.
pub fn registry_answers(bytes: &[u8]) {
    let Some(([high, low], body)) = bytes.split_first_chunk() else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let secret = Secret::new("s3cret".to_owned());
    let words = said(status, body, &[&secret]).words;
    assert!(!words.contains('\n') && escape_control(&words) == words, "a terminal obeys something in {words:?}");
    assert!(!words.contains("s3cret"), "what was shown to the registry is shown to people");
    let header = String::from_utf8_lossy(body);
    if let Some(Challenge::Bearer { realm, .. }) = challenge([&*header].into_iter()) {
        assert!(!realm.is_empty(), "nobody can be asked for a token");
    }
}
