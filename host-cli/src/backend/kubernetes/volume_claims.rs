//! The claims that were typed for an app's volumes → volumes of its pod. Pure.

use super::container::{claimed, mount};
use super::names::part;
use k8s_openapi::api::core::v1::{Volume, VolumeMount};
use std::collections::BTreeSet;

/// Of mounts in the plan's short form, `CLAIM:PATH:MODE`.
pub(super) fn claims(binds: &[String]) -> (Vec<Volume>, Vec<VolumeMount>) {
    let split = |bind: &String| {
        let (rest, mode) = bind.rsplit_once(':')?;
        let (claim, path) = rest.split_once(':')?;
        Some((claim.to_owned(), path.to_owned(), mode == "ro"))
    };
    let all: Vec<(String, String, bool)> = binds.iter().filter_map(split).collect();
    // One claim may be two volumes of a request.
    let names: BTreeSet<&str> = all.iter().map(|(claim, ..)| claim.as_str()).collect();
    let volumes = names.into_iter().map(|claim| claimed(&part("claim", claim), claim)).collect();
    let mounts = all.iter().map(|(claim, path, read_only)| VolumeMount {
        read_only: read_only.then_some(true),
        ..mount(&part("claim", claim), path)
    });
    (volumes, mounts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_volume_however_often_it_is_mounted() {
        let binds = ["share:/var/a:rw", "share:/var/b:ro", "other:/c:rw"].map(str::to_owned);
        let (volumes, mounts) = claims(&binds);
        assert_eq!(volumes.len(), 2);
        let shown: Vec<_> = mounts.iter().map(|mount| (mount.mount_path.as_str(), mount.read_only)).collect();
        assert_eq!(shown, [("/var/a", None), ("/var/b", Some(true)), ("/c", None)]);
        assert_eq!(mounts[0].name, mounts[1].name);
    }
}
