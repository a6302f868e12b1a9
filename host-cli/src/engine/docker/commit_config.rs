//! The configuration of an image that is made of a container. Pure.

use crate::engine::CommitOptions;
use serde_json::{Value, json};

/// The image's own configuration. What it leaves open the engine takes from the container, whose entry point was for one
/// run; an empty list is not open.
pub(super) fn configuration(config: Value, options: &CommitOptions) -> Value {
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
pub(super) fn changes(config: &Value) -> Vec<String> {
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
