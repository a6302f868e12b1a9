//! Which app a request is for. Name and space stand in `VCAP_APPLICATION`, the guid also elsewhere.

use crate::environment::{self, EnvironmentVariable};
use serde::Deserialize;

/// Characters of a guid: 32 hex digits and four dashes.
const GUID_LENGTH: usize = 36;

/// An app as its requests name it. Any field may be empty: tasks of odd origin have no `VCAP_APPLICATION`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// The name it was pushed under.
    pub name: String,
    /// The app guid.
    pub guid: String,
    /// The space's name.
    pub space_name: String,
    /// The space's guid.
    pub space_guid: String,
    /// The routes it was mapped to.
    pub uris: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VcapApplication {
    application_name: Option<String>,
    name: Option<String>,
    application_id: Option<String>,
    space_name: Option<String>,
    space_id: Option<String>,
    application_uris: Option<Vec<String>>,
}

impl Application {
    /// Reads the first `VCAP_APPLICATION` among `environments`; without one (or with one that is no JSON object) only
    /// the guid is known.
    pub fn found_in<'a>(environments: impl IntoIterator<Item = &'a [EnvironmentVariable]>, guid: &str) -> Self {
        let vcap: VcapApplication = environments
            .into_iter()
            .find_map(|environment| environment::value_of(environment, "VCAP_APPLICATION"))
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        let guid = if guid.is_empty() { vcap.application_id.unwrap_or_default() } else { guid.to_owned() };
        Self {
            name: vcap.application_name.or(vcap.name).unwrap_or_default(),
            guid,
            space_name: vcap.space_name.unwrap_or_default(),
            space_guid: vcap.space_id.unwrap_or_default(),
            uris: vcap.application_uris.unwrap_or_default(),
        }
    }
}

/// The app guid at the start of a process guid `<app guid>-<version>`; `None` when it is too short to hold one.
#[must_use]
pub fn app_guid(process_guid: &str) -> Option<&str> {
    process_guid.get(..GUID_LENGTH)
}

/// The stack of a root file system: `cflinuxfs4` of `preloaded:cflinuxfs4`, and of `preloaded+layer:cflinuxfs4?layer=…`, where
/// the droplet comes as a layer upon it.
#[must_use]
pub fn stack(rootfs: &str) -> Option<&str> {
    let layered = || rootfs.strip_prefix("preloaded+layer:")?.split('?').next();
    rootfs.strip_prefix("preloaded:").or_else(layered).filter(|stack| !stack.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_that_of_a_preloaded_root_file_system_with_or_without_a_layer() {
        for (rootfs, expected) in [
            ("preloaded:cflinuxfs4", Some("cflinuxfs4")),
            ("preloaded+layer:cflinuxfs4?layer=https://u:p@blobs/d&layer_path=/home/vcap", Some("cflinuxfs4")),
            ("preloaded+layer:cflinuxfs4", Some("cflinuxfs4")),
            ("preloaded+layer:?layer=x", None),
            ("preloaded:", None),
            ("docker:///redis#7", None),
        ] {
            assert_eq!(stack(rootfs), expected, "{rootfs}");
        }
    }

    #[test]
    fn name_and_space_come_from_vcap_application() {
        let environment =
            [EnvironmentVariable::new("VCAP_APPLICATION", r#"{"application_name":"node-env","space_name":"myspace"}"#)];
        let application = Application::found_in([&environment[..]], "guid");
        assert_eq!(
            (application.name.as_str(), application.space_name.as_str(), application.guid.as_str()),
            ("node-env", "myspace", "guid")
        );
    }

    #[test]
    fn broken_vcap_application_leaves_only_the_guid() {
        let environment = [EnvironmentVariable::new("VCAP_APPLICATION", "not json")];
        assert_eq!(
            Application::found_in([&environment[..]], "guid"),
            Application { guid: "guid".into(), ..Application::default() }
        );
    }

    #[test]
    fn the_app_guid_is_the_first_36_characters_of_the_process_guid() {
        let process = "18c50a86-b045-5fed-bae9-e6ea03383693-d9083f47-7f09-58aa-9536-edb0b74b9a2c";
        assert_eq!(app_guid(process), Some("18c50a86-b045-5fed-bae9-e6ea03383693"));
        assert_eq!(app_guid("zzz"), None);
    }
}
