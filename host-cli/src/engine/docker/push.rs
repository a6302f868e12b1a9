//! An image on its way to a registry. docker-api's own push drops what goes wrong, so the request is raw and its answer is
//! read to its end.

use super::images::path_of;
use super::link::Link;
use super::refusal::one_line;
use super::told::{self, Line};
use crate::engine::{EngineError, LayerState, LayerTold};
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use containers_api::conn::{AUTH_HEADER, Headers, Payload};
use serde::Deserialize;
use std::time::Duration;

/// A registry that has just taken an image answers a question soon; it is not worth more.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn push(
    link: &Link,
    reference: &Reference,
    credentials: &Credentials,
    hear: &mut dyn FnMut(LayerTold),
) -> Result<String, EngineError> {
    let doing = format!("pushing {reference}");
    let (repository, tag) = reference.parts();
    let missing = || EngineError::NotFound { what: format!("image {reference}") };
    let path = link.endpoint(&format!("{}/push?tag={tag}", path_of(repository).ok_or_else(missing)?));
    let headers = Headers::single(AUTH_HEADER, credentials.header().reveal().as_str());
    let answer = link.client.post(path, Payload::empty(), Some(headers)).await.map_err(|error| match error {
        // The registry's 401 and 403, which some engines hand on as their own.
        docker_api::Error::Fault { message, .. } => {
            EngineError::Refused { doing: doing.clone(), reason: one_line(&message) }
        }
        other => link.error(&doing, other),
    })?;
    let mut digest = None;
    told::follow(link, answer, &doing, |line| {
        if let Some(found) = digest_of(line) {
            digest = Some(found.to_owned());
        } else if let Some(told) = layer_of(line) {
            hear(told);
        }
    })
    .await?;
    let reason = "the engine's answer broke off: it holds neither a digest nor an error".to_owned();
    digest.ok_or(EngineError::Refused { doing, reason })
}

/// Of `GET /distribution/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution {
    descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

pub(super) async fn digest_in_registry(
    link: &Link,
    reference: &Reference,
    credentials: &Credentials,
) -> Option<String> {
    let path = format!("/distribution/{reference}/json");
    let ask = async {
        let answer = link.get_with(&path, AUTH_HEADER, credentials.header().reveal()).await.ok()?;
        let found: Distribution = link.read_json(answer, "asking the registry").await.ok()?;
        Some(found.descriptor.digest).filter(|digest| is_digest(digest))
    };
    tokio::time::timeout(PATIENCE, ask).await.ok().flatten()
}

/// The digest, in the form for programs or in the one for people: `latest: digest: sha256:… size: 1234`.
fn digest_of(line: &Line) -> Option<&str> {
    let for_programs = line.aux.as_ref().and_then(|aux| aux.digest.as_deref());
    let for_people = || line.status.split_once(": digest: ")?.1.split(' ').next();
    for_programs.or_else(for_people).filter(|digest| is_digest(digest))
}

fn is_digest(text: &str) -> bool {
    let hex = text.split_once(':').map_or("", |(_, hex)| hex);
    hex.len() >= 32 && text.len() < 200 && text.chars().all(|c| c.is_ascii_alphanumeric() || "+._-:".contains(c))
}

/// What a line tells of a layer.
fn layer_of(line: &Line) -> Option<LayerTold> {
    let layer = line.id.clone()?;
    let number = |of: Option<i64>| of.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    let state = match line.status.as_str() {
        "Preparing" | "Waiting" => LayerState::Waiting,
        "Pushing" => {
            let progress = line.progress.as_ref()?;
            LayerState::Sending { bytes: number(progress.current), total: number(progress.total) }
        }
        "Pushed" => LayerState::Sent,
        "Layer already exists" => LayerState::Known,
        other if other.starts_with("Mounted from ") => LayerState::Known,
        other => {
            let seconds = other.strip_prefix("Retrying in ")?.split(' ').next()?.parse().ok()?;
            LayerState::Again { wait: Duration::from_secs(seconds) }
        }
    };
    Some(LayerTold { layer, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
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
