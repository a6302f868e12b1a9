//! A container's files as one more layer on its image.

use super::answers::{Created, ImageConfigAsIs};
use super::images;
use super::link::Link;
use super::refusal::{is_missing, one_line};
use crate::engine::{CommitOptions, ContainerId, EngineError, ImageId};
use containers_api::conn::{Headers, Payload};
use containers_api::url::encoded_pair;
use serde_json::{Value, json};

pub(super) async fn commit(
    link: &Link,
    container: &ContainerId,
    options: &CommitOptions,
) -> Result<ImageId, EngineError> {
    let doing = format!("making an image of container {}", container.0);
    let not_found = || EngineError::NotFound { what: format!("image {}", one_line(&options.like)) };
    let path = images::path_of(&options.like).ok_or_else(not_found)?;
    let like: Option<ImageConfigAsIs> = link.find_json(&format!("{path}/json"), &doing).await?;
    let config = configuration(like.ok_or_else(not_found)?.config, options);
    let path = format!("/commit?{}", encoded_pair("container", &container.0));
    match link.client.post(link.endpoint(&path), Payload::Json(config.to_string()), Headers::none()).await {
        Ok(answer) => link.read_json::<Created>(answer, &doing).await.map(|created| ImageId(created.id)),
        Err(error) if is_missing(&error) => {
            Err(EngineError::NotFound { what: format!("container {}", one_line(&container.0)) })
        }
        Err(error) => Err(link.error(&doing, error)),
    }
}

/// The image's own configuration. What it leaves open the engine takes from the container, whose entry point was for one
/// run; an empty list is not open.
fn configuration(config: Value, options: &CommitOptions) -> Value {
    let mut config = if config.is_object() { config } else { json!({}) };
    if !config["Labels"].is_object() {
        config["Labels"] = json!({});
    }
    if config["Entrypoint"].is_null() {
        config["Entrypoint"] = json!([]);
    }
    for (name, value) in &options.labels {
        config["Labels"][name] = json!(value);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_configuration_stays_and_labels_are_added_or_replaced() {
        let options = CommitOptions { labels: [("a".into(), "2".into())].into(), ..CommitOptions::default() };
        let config = json!({ "Entrypoint": ["/x"], "Cmd": null, "Labels": { "a": "1", "b": "1" } });
        let expected = json!({ "Entrypoint": ["/x"], "Cmd": null, "Labels": { "a": "2", "b": "1" } });
        assert_eq!(configuration(config, &options), expected);
        let bare = json!({ "Entrypoint": [], "Labels": { "a": "2" } });
        for config in [Value::Null, json!({}), json!({ "Labels": null, "Entrypoint": null })] {
            assert_eq!(configuration(config, &options), bare);
        }
    }
}
