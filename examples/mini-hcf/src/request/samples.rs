//! What tests of requests share: an app, and requests by their keys alone.

use crate::request::application::{Application, Artifact, Buildpack, HealthCheck, Process, Space};
use crate::request::bindings::Bindings;
use crate::request::lifecycle::Lifecycle;
use crate::request::style::Style;

/// Every key path with its place among its neighbours; `[]` for elements, names in `VCAP_APPLICATION` included.
fn skeleton(path: &str, value: &serde_json::value::RawValue, into: &mut Vec<String>) {
    let raw = value.get();
    if raw.starts_with('{') {
        for (key, value) in entries(raw) {
            let path = format!("{path}.{key}");
            if !into.contains(&path) {
                into.push(path.clone());
            }
            skeleton(&path, &value, into);
        }
    } else if raw.starts_with('[') {
        for value in serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(raw).unwrap() {
            skeleton(&format!("{path}[]"), &value, into);
        }
    } else if raw.starts_with("\"{") {
        let inner: String = serde_json::from_str(raw).unwrap();
        // A start command may begin so, too.
        if let Ok(inner) = serde_json::value::RawValue::from_string(inner) {
            skeleton(path, &inner, into);
        }
    }
}

/// An object's entries in the order of the text, which `serde_json::Value` would lose.
fn entries(raw: &str) -> Vec<(String, Box<serde_json::value::RawValue>)> {
    struct Entries;
    impl<'de> serde::de::Visitor<'de> for Entries {
        type Value = Vec<(String, Box<serde_json::value::RawValue>)>;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    use serde::de::Deserializer as _;
    serde_json::Deserializer::from_str(raw).deserialize_map(Entries).unwrap()
}

/// The key paths of a JSON text, without those that contain one of these.
pub(crate) fn skeleton_of(line: &str, left_out: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    skeleton("", &serde_json::value::RawValue::from_string(line.to_owned()).unwrap(), &mut paths);
    paths.retain(|path| !left_out.iter().any(|part| path.contains(part)));
    paths
}

/// The web process of the app with this guid.
pub(crate) fn web(guid: &str) -> Process {
    Process { kind: "web".into(), guid: guid.to_owned(), sidecars: Vec::new() }
}

/// An app of today; `cached`: it has been staged before.
pub(crate) fn today(style: Style, cached: bool) -> Application {
    let artifact = || Artifact { url: "https://x/y?a=b&c=d".into(), sha256: Some("5a".repeat(32)) };
    Application {
        style,
        name: "node-env".into(),
        guid: "18c50a86-b045-5fed-bae9-e6ea03383693".into(),
        lifecycle: Lifecycle::Buildpack,
        process: web("18c50a86-b045-5fed-bae9-e6ea03383693"),
        version: "v1".into(),
        staging_guid: "5a4f0a7e-1b4e-4f0c-9d65-0f1c9c6e7a11".into(),
        space: Space {
            domain: "example.com".into(),
            api: "https://api.example.com".into(),
            name: "s".into(),
            guid: "sp".into(),
            organization_name: "org".into(),
            organization_guid: "o".into(),
        },
        stack: "cflinuxfs4".into(),
        memory_mb: 256,
        disk_mb: 1024,
        env: Vec::new(),
        services: "{}".into(),
        bindings: Bindings::Variable,
        order: vec!["k".into()],
        buildpacks: vec![Buildpack { name: "nodejs_buildpack".into(), key: "k".into(), artifact: artifact() }],
        skip_detect: false,
        package: artifact(),
        build_artifacts: cached.then(artifact),
        droplet: artifact(),
        command: "node server.js".into(),
        health_check: HealthCheck::Http("/healthz".into()),
        ssh: false,
        etag: "1729792729.5".into(),
    }
}
