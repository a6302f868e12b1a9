//! Parts that staging and launch requests share: dependencies, firewall rules, tags of today.

use twox_hash::XxHash64;

use crate::digest::md5_hex;
use crate::request::application::{Application, Artifact};
use crate::request::environment::FILE_DESCRIPTORS;
use crate::request::json::{Json, object};
use crate::request::style::Style;

/// Where Diego puts a buildpack: a directory named by the MD5 of its key, today by the key's 64-bit xxHash.
pub(crate) fn buildpack_directory(style: Style, key: &str) -> String {
    if style.is_today() {
        return format!("/tmp/buildpacks/{:016x}", XxHash64::oneshot(0, key.as_bytes()));
    }
    format!("/tmp/buildpacks/{}", md5_hex(key.as_bytes()))
}

/// The lifecycle as a cached dependency.
pub(crate) fn lifecycle_dependency(application: &Application) -> Json {
    object! {
        "name": "",
        "from": application.lifecycle_url(),
        "to": "/tmp/lifecycle",
        "cache_key": application.lifecycle.cache_key(&application.stack),
        "log_source": "",
    }
}

/// The lifecycle as a layer.
pub(crate) fn lifecycle_layer(application: &Application) -> Json {
    object! {
        "name": application.lifecycle.cache_key(&application.stack),
        "url": application.lifecycle_url(),
        "destination_path": "/tmp/lifecycle",
        "layer_type": "SHARED",
        "media_type": "TGZ",
    }
}

/// Algorithm and value of an artifact's checksum: both or none. Only today's requests carry them.
pub(crate) fn checksum(application: &Application, artifact: &Artifact) -> (Option<&'static str>, Option<String>) {
    match &artifact.sha256 {
        Some(value) if application.style.is_today() => (Some("sha256"), Some(value.clone())),
        _ => (None, None),
    }
}

/// Limits of a run action: how many files it may open.
pub(crate) fn resource_limits() -> Json {
    object! { "nofile": FILE_DESCRIPTORS }
}

/// The firewall rules of the recorded installations. Docker has nothing like them; readers must bear them.
pub(crate) fn egress_rules(application: &Application) -> Json {
    let all = || Json::texts(&["0.0.0.0/0"]);
    if application.style.is_today() {
        return Json::List(vec![
            object! { "protocol": "tcp", "destinations": all(), "ports": vec![Json::from(53), Json::from(443)],
            "log": false, "annotations": Json::texts(&["security_group_id:x"]) },
            object! { "protocol": "icmp", "destinations": all(), "icmp_info": object! { "type": 0, "code": 0 },
            "log": false },
        ]);
    }
    let dns = |protocol: &str| {
        object! { "protocol": protocol, "destinations": all(), "ports": vec![Json::from(53)], "log": false }
    };
    Json::List(vec![
        dns("tcp"),
        dns("udp"),
        object! { "protocol": "all", "destinations": Json::texts(&["0.0.0.0-9.255.255.255"]), "log": false },
        object! { "protocol": "tcp", "destinations": Json::texts(&["10.0.0.0/8"]),
        "port_range": object! { "start": 8080, "end": 8090 }, "log": true },
        object! { "protocol": "icmp", "destinations": Json::texts(&["192.0.2.0/24"]),
        "icmp_info": object! { "type": -1, "code": -1 }, "log": false },
    ])
}

/// Whose certificate the container would get; since 2017, today in use.
pub(crate) fn certificate_properties(application: &Application) -> Json {
    let space = &application.space;
    object! {
        "organizational_unit": Json::texts(&[
            format!("organization:{}", space.organization_guid),
            format!("space:{}", space.guid),
            format!("app:{}", application.guid),
        ]),
    }
}

/// Today's tags of metrics.
pub(crate) fn metric_tags(application: &Application) -> Json {
    object! {
        "app_name": object! { "static": &application.name },
        "instance_id": object! { "dynamic": "INDEX" },
        "source_id": object! { "static": &application.guid },
    }
}

/// Today's limit of log output: none.
pub(crate) fn log_rate_limit() -> Json {
    object! { "bytes_per_second": -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buildpack_lies_where_the_recorded_requests_name_it() {
        let key = "d4e03ab3-6549-48c3-a3a4-c68701bffb0d_8b683c2237056089dea24a2a4d70606e8a4a67cf";
        let then = "/tmp/buildpacks/d1fabc710d712fd915d6bb05f9fce823";
        assert_eq!(buildpack_directory(Style::Y2016, key), then);
        // The digest published with the algorithm; the recorded directory of 2026 belongs to another key.
        assert_eq!(buildpack_directory(Style::Y2026, "abc"), "/tmp/buildpacks/44bc2cf5ad770999");
    }
}
