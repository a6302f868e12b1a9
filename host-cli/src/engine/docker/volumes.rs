//! Volumes. docker-api's model of one demands fields that not every engine sends.

use super::answers::VolumeDetails;
use super::link::Link;
use super::refusal::one_line;
use crate::engine::EngineError;
use containers_api::conn::{Headers, Payload};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) async fn exists(link: &Link, name: &str) -> Result<bool, EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
        return Ok(false); // No engine lets a volume be called so.
    }
    let found = link.find_json::<VolumeDetails>(&format!("/volumes/{name}"), "looking for a volume").await?;
    Ok(found.is_some_and(|volume| volume.name == name))
}

pub(super) async fn ensure(link: &Link, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
    let doing = format!("making the volume {}", one_line(name));
    // The engine answers with the one that is there, whatever its labels, so that nobody can come in between.
    let body = json!({ "Name": name, "Labels": labels }).to_string();
    let answer = link.client.post(link.endpoint("/volumes/create"), Payload::Json(body), Headers::none()).await;
    answer.map(drop).map_err(|error| link.error(&doing, error))
}
