//! What a pull tells of its layers. Pure.

use super::json_stream::JsonMessage;
use crate::engine::{LayerProgress, LayerState};
use std::time::Duration;

/// What a line tells of a layer.
pub(super) fn layer_of(line: &JsonMessage) -> Option<LayerProgress> {
    let layer = line.id.clone()?;
    let number = |of: Option<i64>| of.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    let state = match line.status.as_str() {
        "Pulling fs layer" | "Waiting" => LayerState::Waiting,
        "Downloading" => {
            let progress = line.progress.as_ref()?;
            LayerState::Sending { bytes: number(progress.current), total: number(progress.total) }
        }
        "Download complete" | "Pull complete" => LayerState::Sent,
        "Already exists" => LayerState::Known,
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

    #[test]
    fn what_becomes_of_a_layer_is_understood() {
        let state = |rest: &str| {
            let line: JsonMessage = serde_json::from_str(&format!(r#"{{"id":"a",{rest}}}"#)).unwrap();
            layer_of(&line).map(|told| told.state)
        };
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
}
