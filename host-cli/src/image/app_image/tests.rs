//! Names and labels for whatever an app is called and whatever a builder reports.

use super::*;
use crate::registry::image_name::full_name;
use proptest::prelude::*;

#[test]
fn an_apps_image_is_named_after_app_guid_and_droplet() {
    let names = names("Node Env", "18c50a86-f6e8-4f9e-9e0a-8a3c4f3b2f1d", &"0123456789abcdef".repeat(4));
    assert_eq!(names, ["cf-app/node-env-18c50a86:droplet-0123456789ab", "cf-app/node-env-18c50a86:latest"]);
}

#[test]
fn the_result_file_tells_buildpack_and_process_types_but_no_password() {
    let labels = labels_of_result(
        r#"{"lifecycle_metadata":{"buildpack_key":"k","detected_buildpack":"hello 1.0"},"process_types":{"web":"./a \"$PORT\""}}"#,
    )
    .unwrap();
    assert_eq!(labels["stager.buildpack"], "hello 1.0");
    assert_eq!(labels["stager.process-types"], r#"{"web":"./a \"$PORT\""}"#);
    let labels = labels_of_result(
        r#"{"lifecycle_metadata":{"buildpack_key":"https://me:hunter2@git/x?token=hunter2","detected_buildpack":""},"process_types":null}"#,
    )
    .unwrap();
    assert!(!labels["stager.buildpack"].contains("hunter2"));
    assert_eq!(labels.len(), 1);
    let labels = labels_of_result(
        r#"{"lifecycle_metadata":{"detected_buildpack":"python","buildpacks":[{"key":"k","name":"binary","version":"1.1"},{"key":"https://me:hunter2@git/x","name":"","version":""}]}}"#,
    )
    .unwrap();
    assert!(labels["stager.buildpack"].starts_with("binary 1.1, https://"), "{labels:?}");
    assert!(!labels["stager.buildpack"].contains("hunter2"));
    let labels = labels_of_result(
        r#"{"lifecycle_metadata":{"buildpacks":[{"key":"fidelity/py","name":"fidelity/py@1.0.0","version":"1.0.0"},
            {"key":"a/b","name":"git@host","version":"2"}]},"execution_metadata":"","lifecycle_type":"cnb"}"#,
    )
    .unwrap();
    assert_eq!(labels["stager.buildpack"], "fidelity/py@1.0.0, git@host 2", "a version is told once");
    assert!(labels_of_result("{}").unwrap().is_empty());
    assert_eq!(labels_of_result("not json"), None);
}

proptest! {
    #[test]
    fn whatever_an_app_is_called_its_image_has_a_name_that_engines_take(
        name in ".*", guid in ".{0,60}", droplet in "[0-9a-f]{64}"
    ) {
        for name in names(&name, &guid, &droplet) {
            prop_assert_eq!(full_name(&name), Some(name));
        }
    }
}
