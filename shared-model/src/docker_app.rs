//! What requests and results say of a docker app's image: its name, and how it runs. The image is somebody else's and its builder
//! runs in a container, so all of this is foreign text. Pure.

use crate::event::Event;
use serde::Deserialize;

/// The most characters of a name that are shown; the longest that an engine takes has 255 for the repository, 128 for the tag.
const LONGEST_NAME: usize = 512;
/// The most characters of a user that are shown.
const LONGEST_USER: usize = 64;
/// The most ports that are shown.
const MOST_PORTS: usize = 32;

/// The image of a root file system as an engine calls it: `HOST/PATH:TAG` of `docker://HOST/PATH#TAG`, `PATH@sha256:HEX` of
/// `docker:///library/PATH@sha256#HEX`; `None` for any other root file system.
#[must_use]
pub fn image(rootfs: &str) -> Option<String> {
    let image = rootfs.strip_prefix("docker://")?;
    let image = image.strip_prefix("/library/").or_else(|| image.strip_prefix('/')).unwrap_or(image);
    Some(image.replacen('#', ":", 1))
}

/// The host of the registry that an image's name names, without its port, in lower case; `None`: Docker Hub is meant.
#[must_use]
pub fn registry(name: &str) -> Option<String> {
    let (first, _) = name.split_once('/')?;
    let host = first.rsplit_once('@').map_or(first, |(_, host)| host);
    let is_host = host.contains(['.', ':']) || host == "localhost";
    is_host.then(|| host.split(':').next().unwrap_or_default().to_ascii_lowercase())
}

/// An image's or a repository's name, without what may be a password in front of its host.
#[must_use]
pub fn without_login(name: &str) -> String {
    let (host, path) = name.find('/').map_or((name, ""), |slash| name.split_at(slash));
    match host.rsplit_once('@') {
        Some((_, host)) if !host.starts_with("sha256:") => format!("***@{host}{path}"),
        _ => name.to_owned(),
    }
}

/// How an image runs, as the builder found it and the launcher is told: of the image's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExecutionMetadata {
    /// The ports that it exposes; absent where it exposes none.
    pub ports: Option<Vec<Port>>,
    /// The user; empty or absent: root.
    pub user: Option<String>,
}

/// A port that an image exposes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Port {
    /// The number, as the image has it.
    pub port: u32,
    /// `tcp` or `udp`.
    pub protocol: String,
}

impl ExecutionMetadata {
    /// Reads the launcher's third argument, or the same text in a result; what is none of it says nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The TCP ports.
    #[must_use]
    pub fn tcp_ports(&self) -> Vec<u32> {
        let ports = self.ports.iter().flatten().filter(|port| port.protocol == "tcp");
        ports.map(|port| port.port).collect()
    }
}

/// A builder's result, as far as it is a docker app's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StagingResult {
    execution_metadata: String,
    lifecycle_metadata: LifecycleMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LifecycleMetadata {
    docker_image: String,
}

/// What a builder's result says of the image, bounded; `None` where it names none.
#[must_use]
pub fn event(result: &str) -> Option<Event> {
    let result: StagingResult = serde_json::from_str(result).ok()?;
    let image: String = without_login(&result.lifecycle_metadata.docker_image).chars().take(LONGEST_NAME).collect();
    let ExecutionMetadata { ports, user } = ExecutionMetadata::read(&result.execution_metadata);
    let is_port = |port: &Port| port.port <= u16::MAX.into() && ["tcp", "udp", "sctp"].contains(&&*port.protocol);
    let ports = ports.unwrap_or_default().into_iter().filter(is_port).take(MOST_PORTS);
    (!image.is_empty()).then(|| Event::DockerImage {
        image,
        ports: ports.map(|Port { port, protocol }| format!("{port}/{protocol}")).collect(),
        user: user.unwrap_or_default().chars().take(LONGEST_USER).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_file_system_names_its_image_as_docker_writes_it() {
        for (rootfs, expected) in [
            ("docker://registry.example.com:5000/acme/reports#2.3", Some("registry.example.com:5000/acme/reports:2.3")),
            ("docker:///library/redis@sha256#34fb", Some("redis@sha256:34fb")),
            ("docker:///library/redis#7", Some("redis:7")),
            ("docker:///image#tag", Some("image:tag")),
            ("docker:///acme/reports", Some("acme/reports")),
            ("preloaded:cflinuxfs4", None),
        ] {
            assert_eq!(image(rootfs).as_deref(), expected, "{rootfs}");
        }
    }

    #[test]
    fn a_name_tells_its_registry() {
        let names = ["R.io:5000/acme/a:1", "u:p@r.io/a", "localhost/a", "redis:7", "acme/reports:1"].map(registry);
        assert_eq!(names.map(Option::unwrap_or_default), ["r.io", "r.io", "localhost", "", ""]);
    }

    #[test]
    fn a_result_tells_the_image_its_ports_and_its_user() {
        let result = r#"{"lifecycle_type":"docker","lifecycle_metadata":{"docker_image":"r.io/a:1"},
            "execution_metadata":"{\"cmd\":[\"x\"],\"ports\":[{\"Port\":80,\"Protocol\":\"tcp\"},{\"Port\":53,\"Protocol\":\"udp\"}],\"user\":\"nobody\"}"}"#;
        let (image, ports, user) =
            ("r.io/a:1".to_owned(), vec!["80/tcp".to_owned(), "53/udp".to_owned()], "nobody".to_owned());
        assert_eq!(event(result), Some(Event::DockerImage { image, ports, user }));
        let metadata =
            ExecutionMetadata::read(r#"{"ports":[{"Port":80,"Protocol":"tcp"},{"Port":53,"Protocol":"udp"}]}"#);
        assert_eq!(metadata.tcp_ports(), [80]);
    }

    #[test]
    fn what_a_result_says_is_bounded_and_what_is_none_of_it_says_nothing() {
        for nothing in ["", "no JSON", "{}", r#"{"lifecycle_metadata":{"detected_buildpack":"x"}}"#] {
            assert_eq!(event(nothing), None, "{nothing}");
        }
        let port = serde_json::json!({"Port": 1, "Protocol": "tcp"});
        let odd = serde_json::json!([{"Port": 70_000, "Protocol": "tcp"}, {"Port": 1, "Protocol": "evil"}]);
        let ports = [odd.as_array().unwrap().clone(), vec![port; 1000]].concat();
        let metadata = serde_json::json!({"user": "u".repeat(1000), "ports": ports}).to_string();
        let result = serde_json::json!({"execution_metadata": metadata, "lifecycle_metadata": {"docker_image": "i".repeat(9999)}});
        let Some(Event::DockerImage { image, ports, user }) = event(&result.to_string()) else { panic!() };
        assert_eq!((image.len(), ports.len(), user.len()), (LONGEST_NAME, MOST_PORTS, LONGEST_USER));
        assert_eq!(ports[0], "1/tcp");
    }
}
