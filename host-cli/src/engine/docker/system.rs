//! What an engine says of itself.

use super::Docker;
use super::api_client::ApiClient;
use super::refusal::one_line;
use crate::engine::{EngineError, EngineInfo, Limits, Quota, Store, System};
use serde::Deserialize;

/// How `DriverStatus` names the store of images when that is containerd.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";
/// How Docker's engine calls itself among the components that `/version` lists.
const DOCKER: &str = "Engine";
/// How Podman calls itself there.
const PODMAN: &str = "Podman Engine";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionInfo {
    #[serde(default)]
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    #[serde(default)]
    name: String,
}

impl System for Docker {
    fn info(&self) -> Result<EngineInfo, EngineError> {
        self.block_on(info(&self.api))
    }
}

pub(super) async fn info(api: &ApiClient) -> Result<EngineInfo, EngineError> {
    let info = api.get_json("/info", "asking what it is").await?;
    let version = api.get_json("/version", "asking for its version").await?;
    Ok(engine_info(info, version))
}

/// What tells this engine from all others. Podman says another id each time; it is known by its address.
pub(super) async fn identity(api: &ApiClient) -> Result<String, EngineError> {
    let info: Info = api.get_json("/info", "asking what it is").await?;
    let version: VersionInfo = api.get_json("/version", "asking for its version").await?;
    let lasts = version.components.unwrap_or_default().iter().any(|component| component.name == DOCKER);
    Ok(if lasts && !info.id.is_empty() { info.id } else { api.address.clone() })
}

fn engine_info(info: Info, version: VersionInfo) -> EngineInfo {
    let quota = quota(&info);
    let mut status = info.driver_status.unwrap_or_default().into_iter().flatten();
    let components = version.components.unwrap_or_default();
    let is = |name: &str| components.iter().any(|component| component.name == name);
    let driver = one_line(&info.driver);
    let store = if status.any(|word| word == CONTAINERD) {
        Store::Containerd(driver)
    } else if is(DOCKER) && !driver.is_empty() {
        Store::Layers(driver)
    } else if is(PODMAN) {
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
            let read = engine_info(serde_json::from_str(info).unwrap(), serde_json::from_str(version).unwrap());
            assert_eq!(read.store, store, "{info}");
        }
    }

    #[test]
    fn the_machine_is_as_large_as_the_engine_says() {
        let info = |text| engine_info(serde_json::from_str(text).unwrap(), VersionInfo::default());
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
            let read = engine_info(serde_json::from_str(info).unwrap(), VersionInfo::default());
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
            assert_eq!(engine_info(serde_json::from_str(info).unwrap(), VersionInfo::default()).quota, quota, "{info}");
        }
        assert_eq!(Quota::Written.bound(5, 7), 5);
        assert_eq!(Quota::WithImage.bound(5, 7), 12);
        assert_eq!((Quota::WithImage.bound(0, 7), Quota::Nothing.bound(5, 7)), (0, 0));
    }
}
