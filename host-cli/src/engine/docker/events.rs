//! What happens to containers, as the engine tells it while it happens: one JSON object a line, without an end. Each call is a
//! connection of its own, which names the time since when it wants to know: nothing is lost between two, as far as the engine
//! remembers it.

use super::api_client::ApiClient;
use super::json_stream::LineSplitter;
use super::paths::seconds;
use crate::engine::EngineError;
use crate::labels;
use containers_api::url::encoded_pairs;
use futures_util::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;

const DOING: &str = "listening to what happens to containers";

/// A line, as far as we read it: Docker's `events.Message`.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Action", default)]
    action: String,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    time: i64,
}

/// As [`crate::engine::Containers::wait_for_event`].
pub(super) async fn wait_for_event(
    api: &ApiClient,
    since: Timestamp,
    patience: Duration,
) -> Result<Option<Timestamp>, EngineError> {
    let hear = async {
        let answer = api.client.get(api.endpoint(&path(since))).await.map_err(|error| api.error(DOING, error))?;
        let (mut body, mut lines, mut last) = (answer.into_body(), LineSplitter::default(), None);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| api.error(DOING, error.into()))?;
            lines.push(&chunk, &mut |line| last = last.max(read(line)));
            if last.is_some() {
                return Ok(last);
            }
        }
        // It ends when the engine does.
        let reason = "the connection broke: the engine has nothing more to tell".to_owned();
        Err(EngineError::Refused { doing: DOING.to_owned(), reason })
    };
    tokio::time::timeout(patience, hear).await.unwrap_or(Ok(None))
}

/// The question for it. Health checks are programs that run in containers, whose events are by far the most: the engine leaves
/// them out.
fn path(since: Timestamp) -> String {
    // Not that memory ran out: that ends what matters, or an app's own children, as often as the app likes.
    let wanted = ["start", "die", "health_status", "destroy"];
    let filters = serde_json::json!({ "type": ["container"], "event": wanted, "label": [labels::KIND] }).to_string();
    format!("/events?{}", encoded_pairs([("since", &seconds(since)), ("filters", &filters)]))
}

/// When it was; `None` for what is no event, or a program's that an engine runs in a container besides.
fn read(line: &[u8]) -> Option<Timestamp> {
    let Message { action, time } = serde_json::from_slice(line).ok()?;
    if action.starts_with("exec") {
        return None;
    }
    Timestamp::from_nanosecond(i128::from(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_event_and_what_is_none_is_left_out() {
        let died = br#"{"status":"die","id":"4f","Type":"container","Action":"die","Actor":{"ID":"4f","Attributes":{"exitCode":"1"}},"time":7,"timeNano":7000000001}"#;
        assert_eq!(read(died).unwrap().as_nanosecond(), 7_000_000_001);
        for none in [r#"{"Action":"exec_die","timeNano":7}"#, r#"{"Action":"die"}"#, "{", ""] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn the_question_names_the_time_to_the_nanosecond_and_what_is_wanted() {
        let asked = path("2026-11-30T01:02:03.000000004Z".parse().unwrap());
        assert!(asked.starts_with("/events?since=1796000523.000000004&filters=%7B"), "{asked}");
        assert!(path(Timestamp::MIN).contains("since=0.000000000&"));
    }
}
