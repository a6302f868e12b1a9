//! What an engine says of itself, read.

use super::models::VersionInfo;
use super::refusal::one_line;
use crate::engine::{EngineInfo, Limits, Quota, Store};
use serde::Deserialize;

/// How `DriverStatus` names the store of images when that is containerd.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";
/// How Docker's engine calls itself among the components that `/version` lists.
const DOCKER: &str = "Engine";
/// How Podman calls itself there.
const PODMAN: &str = "Podman Engine";

/// `GET /info`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Info {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    server_version: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    driver_status: Option<Vec<Vec<String>>>,
    memory_limit: Option<bool>,
    pids_limit: Option<bool>,
    #[serde(rename = "NCPU", default)]
    processors: usize,
    #[serde(rename = "MemTotal", default)]
    memory_bytes: u64,
}

/// What is kept of an engine's words about itself. They cost it more than most that it is asked to do: for its answer to `/info`
/// and `/version` Docker 20.10 starts programs.
pub(super) struct About {
    /// What others may know.
    pub(super) info: EngineInfo,
    /// What tells it from all others.
    pub(super) identity: String,
}

impl About {
    /// Of the engine of this version at this address, which says this of itself.
    pub(super) fn new(info: Info, version: &VersionInfo, address: &str) -> Self {
        let identity = identity(&info, version).unwrap_or(address).to_owned();
        Self { info: engine_info(info, version), identity }
    }
}

/// Podman says another id each time; it is known by its address.
fn identity<'a>(info: &'a Info, version: &VersionInfo) -> Option<&'a str> {
    let lasts = version.has(DOCKER);
    Some(info.id.as_str()).filter(|id| lasts && !id.is_empty())
}

fn engine_info(info: Info, version: &VersionInfo) -> EngineInfo {
    let quota = quota(&info);
    let mut status = info.driver_status.unwrap_or_default().into_iter().flatten();
    let driver = one_line(&info.driver);
    let store = if status.any(|word| word == CONTAINERD) {
        Store::Containerd(driver)
    } else if version.has(DOCKER) && !driver.is_empty() {
        Store::Layers(driver)
    } else if version.has(PODMAN) {
        Store::Podman(driver)
    } else {
        Store::Unknown
    };
    // An engine that does not say has them.
    let limits = Limits { memory: info.memory_limit != Some(false), processes: info.pids_limit != Some(false) };
    let (version, architecture) = (one_line(&info.server_version), one_line(&info.architecture));
    let Info { processors, memory_bytes, .. } = info;
    EngineInfo { version, store, limits, quota, architecture, processors, memory_bytes }
}

/// From the drivers' documentation. devicemapper is left out: it refuses less than its own 10 GB.
fn quota(info: &Info) -> Quota {
    let on = |system: &str| {
        let mut status = info.driver_status.iter().flatten();
        status.any(|pair| matches!(&pair[..], [name, value] if name == "Backing Filesystem" && value == system))
    };
    match info.driver.as_str() {
        // Podman calls it `overlay`. To containerd's store nothing of this applies, and it calls its snapshotter otherwise.
        "overlay2" | "overlay" if on("xfs") => Quota::Written,
        "zfs" => Quota::Written,
        "btrfs" => Quota::WithImage,
        _ => Quota::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_store_is_known_by_its_own_words() {
        for (info, version, store) in [
            (
                r#"{"ServerVersion":"20.10","Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}"#,
                r#"{"Components":[{"Name":"Engine"},{"Name":"runc"}]}"#,
                Store::Layers("overlay2".into()),
            ),
            (
                r#"{"Driver":"fuse-overlayfs","DriverStatus":null}"#,
                r#"{"Components":[{"Name":"Engine"}]}"#,
                Store::Layers("fuse-overlayfs".into()),
            ),
            (
                r#"{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}"#,
                r#"{"Components":[{"Name":"Engine"}]}"#,
                Store::Containerd("overlayfs".into()),
            ),
            (
                r#"{"Driver":"overlay","DriverStatus":[["Native Overlay Diff","true"]]}"#,
                r#"{"Components":[{"Name":"Podman Engine"},{"Name":"Conmon"}]}"#,
                Store::Podman("overlay".into()),
            ),
            ("{}", "{}", Store::Unknown),
        ] {
            let read = engine_info(serde_json::from_str(info).unwrap(), &serde_json::from_str(version).unwrap());
            assert_eq!(read.store, store, "{info}");
        }
    }

    #[test]
    fn the_machine_is_as_large_as_the_engine_says() {
        let info = |text| engine_info(serde_json::from_str(text).unwrap(), &VersionInfo::default());
        let told = info(r#"{"NCPU":2,"MemTotal":25196163072,"Architecture":"aarch64"}"#);
        assert_eq!((told.processors, told.memory_bytes, &*told.architecture), (2, 25_196_163_072, "aarch64"));
        assert_eq!((info("{}").processors, info("{}").memory_bytes), (0, 0));
    }

    #[test]
    fn limits_are_kept_where_the_engine_does_not_deny_it() {
        for (info, memory, processes) in [
            ("{}", true, true),
            (r#"{"MemoryLimit":true,"PidsLimit":true}"#, true, true),
            (r#"{"MemoryLimit":true,"PidsLimit":false}"#, true, false),
            (r#"{"MemoryLimit":false,"PidsLimit":false,"CgroupDriver":"none"}"#, false, false),
        ] {
            let read = engine_info(serde_json::from_str(info).unwrap(), &VersionInfo::default());
            assert_eq!(read.limits, Limits { memory, processes }, "{info}");
        }
    }

    #[test]
    fn storage_that_can_bound_a_container_is_known_by_its_driver_and_its_file_system() {
        for (info, quota) in [
            (
                r#"{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","xfs"],["Supports d_type","true"]]}"#,
                Quota::Written,
            ),
            (r#"{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}"#, Quota::Nothing),
            (r#"{"Driver":"overlay","DriverStatus":[["Backing Filesystem","xfs"]]}"#, Quota::Written),
            (
                r#"{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}"#,
                Quota::Nothing,
            ),
            (r#"{"Driver":"btrfs","DriverStatus":[["Btrfs",""]]}"#, Quota::WithImage),
            (r#"{"Driver":"zfs","DriverStatus":null}"#, Quota::Written),
            ("{}", Quota::Nothing),
        ] {
            assert_eq!(
                engine_info(serde_json::from_str(info).unwrap(), &VersionInfo::default()).quota,
                quota,
                "{info}"
            );
        }
        assert_eq!(Quota::Written.bound(5, 7), 5);
        assert_eq!(Quota::WithImage.bound(5, 7), 12);
        assert_eq!((Quota::WithImage.bound(0, 7), Quota::Nothing.bound(5, 7)), (0, 0));
    }
}
