//! A container's files as one more layer on its image.

use super::answers::{Created, ImageConfigAsIs, image_id};
use super::facts::facts;
use super::images;
use super::link::Link;
use super::refusal::{is_missing, one_line};
use crate::engine::{CommitOptions, ContainerId, EngineError, ImageId, Store};
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
    let mut path = format!("/commit?{}", encoded_pair("container", &container.0));
    if let Store::Podman(_) = facts(link).await?.store {
        for change in changes(&config) {
            path = format!("{path}&{}", encoded_pair("changes", &change));
        }
    }
    match link.client.post(link.endpoint(&path), Payload::Json(config.to_string()), Headers::none()).await {
        Ok(answer) => link.read_json::<Created>(answer, &doing).await.map(|created| image_id(created.id)),
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

/// The configuration in Dockerfile's words: Podman reads nothing else. (To Docker an empty entry point would then mean the
/// container's.) Labels of ours are plain; one that would need quotes is left out.
fn changes(config: &Value) -> Vec<String> {
    let json = |name: &str| if config[name].is_array() { config[name].clone() } else { json!([]) };
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"\"'\\$#".contains(c));
    let labels = config["Labels"].as_object().into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name, value.as_str()?)));
    let labels = labels.filter(|(name, value)| plain(name) && plain(value));
    let mut changes = vec![format!("ENTRYPOINT {}", json("Entrypoint")), format!("CMD {}", json("Cmd"))];
    changes.extend(labels.map(|(name, value)| format!("LABEL {name}={value}")));
    changes
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
        let labels = json!({ "a": "1", "odd": "two words", "quoted": "\"", "none": "" });
        assert_eq!(
            changes(&json!({ "Entrypoint": ["/x", "a b"], "Cmd": null, "Labels": labels })),
            [r#"ENTRYPOINT ["/x","a b"]"#, "CMD []", "LABEL a=1"]
        );
        let bare = json!({ "Entrypoint": [], "Labels": { "a": "2" } });
        for config in [Value::Null, json!({}), json!({ "Labels": null, "Entrypoint": null })] {
            assert_eq!(configuration(config, &options), bare);
        }
    }
}
