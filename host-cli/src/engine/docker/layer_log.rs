//! What a push or a pull tells of its layers, and a push of its digest. Pure.

use super::json_stream::JsonMessage;
use crate::engine::{LayerProgress, LayerState};
use std::time::Duration;

/// The digest, in the form for programs or in the one for people: `latest: digest: sha256:… size: 1234`.
pub(super) fn digest_of(line: &JsonMessage) -> Option<&str> {
    let for_programs = line.aux.as_ref().and_then(|aux| aux.digest.as_deref());
    let for_people = || line.status.split_once(": digest: ")?.1.split(' ').next();
    for_programs.or_else(for_people).filter(|digest| is_digest(digest))
}

/// Whether a text is a digest with its algorithm: what a registry says is foreign text.
pub(super) fn is_digest(text: &str) -> bool {
    let hex = text.split_once(':').map_or("", |(_, hex)| hex);
    hex.len() >= 32 && text.len() < 200 && text.chars().all(|c| c.is_ascii_alphanumeric() || "+._-:".contains(c))
}

/// What a line tells of a layer.
pub(super) fn layer_of(line: &JsonMessage) -> Option<LayerProgress> {
    let layer = line.id.clone()?;
    let number = |of: Option<i64>| of.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    let state = match line.status.as_str() {
        "Preparing" | "Waiting" | "Pulling fs layer" => LayerState::Waiting,
        "Pushing" | "Downloading" => {
            let progress = line.progress.as_ref()?;
            LayerState::Sending { bytes: number(progress.current), total: number(progress.total) }
        }
        "Pushed" | "Download complete" | "Pull complete" => LayerState::Sent,
        "Layer already exists" | "Already exists" => LayerState::Known,
        other if other.starts_with("Mounted from ") => LayerState::Known,
        other => {
            let seconds = other.strip_prefix("Retrying in ")?.split(' ').next()?.parse().ok()?;
            LayerState::Again { wait: Duration::from_secs(seconds) }
        }
    };
    Some(LayerProgress { layer, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> JsonMessage {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_becomes_of_a_layer_is_understood() {
        let state = |rest: &str| layer_of(&line(&format!(r#"{{"id":"a",{rest}}}"#))).map(|told| told.state);
        for status in ["Preparing", "Waiting"] {
            let rest = format!(r#""status":"{status}","progressDetail":{{}}"#);
            assert_eq!(state(&rest), Some(LayerState::Waiting));
        }
        let pushing = r#""status":"Pushing","progressDetail":{"current":5,"total":9},"progress":"[>  ]""#;
        assert_eq!(state(pushing), Some(LayerState::Sending { bytes: 5, total: 9 }));
        let unknown = r#""status":"Pushing","progressDetail":{"current":5,"total":-1}"#;
        assert_eq!(state(unknown), Some(LayerState::Sending { bytes: 5, total: 0 }));
        assert_eq!(state(r#""status":"Pushed""#), Some(LayerState::Sent));
        assert_eq!(state(r#""status":"Layer already exists""#), Some(LayerState::Known));
        assert_eq!(state(r#""status":"Mounted from team/app""#), Some(LayerState::Known));
        let again = LayerState::Again { wait: Duration::from_secs(1) };
        assert_eq!(state(r#""status":"Retrying in 1 second""#), Some(again));
        assert_eq!(state(r#""status":"Something new""#), None);
        assert_eq!(layer_of(&line(r#"{"status":"The push refers to repository [r/a]"}"#)), None);
    }

    #[test]
    fn what_becomes_of_a_layer_that_is_pulled_is_understood() {
        let state = |rest: &str| layer_of(&line(&format!(r#"{{"id":"a",{rest}}}"#))).map(|told| told.state);
        assert_eq!(state(r#""status":"Pulling fs layer","progressDetail":{}"#), Some(LayerState::Waiting));
        let coming = r#""status":"Downloading","progressDetail":{"current":5,"total":9}"#;
        assert_eq!(state(coming), Some(LayerState::Sending { bytes: 5, total: 9 }));
        assert_eq!(state(r#""status":"Download complete""#), Some(LayerState::Sent));
        assert_eq!(state(r#""status":"Already exists""#), Some(LayerState::Known));
        let again = LayerState::Again { wait: Duration::from_secs(5) };
        assert_eq!(state(r#""status":"Retrying in 5 seconds""#), Some(again));
        // The tag is told in the place of a layer.
        for other in ["Pulling from library/redis", "Verifying Checksum", "Extracting"] {
            assert_eq!(state(&format!(r#""status":"{other}""#)), None, "{other}");
        }
    }

    #[test]
    fn the_digest_is_found_in_both_of_its_forms_and_nowhere_else() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let told = |text: &str| digest_of(&line(text)).map(str::to_owned);
        let aux = format!(r#"{{"progressDetail":{{}},"aux":{{"Tag":"t","Digest":"{digest}","Size":529}}}}"#);
        assert_eq!(told(&aux), Some(digest.clone()));
        let text = format!(r#"{{"status":"latest: digest: {digest} size: 1234"}}"#);
        assert_eq!(told(&text), Some(digest));
        assert_eq!(told(r#"{"status":"latest: digest: rubbish"}"#), None);
        assert_eq!(told(r#"{"aux":{"ID":"sha256:00"}}"#), None);
    }
}
