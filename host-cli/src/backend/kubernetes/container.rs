//! What all our pods have in common: limits, rights, names of hosts, volumes. From the neutral container of the plans. Pure.

use crate::engine::container_spec::ContainerSpec;
use k8s_openapi::api::core::v1::{
    Capabilities, EmptyDirVolumeSource, HostAlias, KeyToPath, PersistentVolumeClaimVolumeSource, PodDNSConfig,
    PodSecurityContext, ResourceRequirements, SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// What an engine's weight of an ordinary container is, and what a cluster counts in: thousandths of a core.
const ORDINARY_WEIGHT: u64 = 1024;
const THOUSANDTHS: u64 = 1000;
/// Of a node's disk: few apps write all that they may, and without a word of ours a cluster would reserve the whole limit.
const RESERVED_DISK: u64 = 1 << 30;
/// A name of a host that only an engine knows: its own machine's.
const HOST_GATEWAY: &str = "host-gateway";
/// What a resolver of a pod takes.
const MOST_NAME_SERVERS: usize = 3;

/// Files that only root reads, and files that everybody in the container reads.
pub(super) const OWNERS: i32 = 0o400;
pub(super) const EVERYBODYS: i32 = 0o444;

/// Limits: memory is reserved whole, since Diego's is, too; of the CPU the weight is a wish. `disk_bytes`: 0 is none.
pub(super) fn resources(spec: &ContainerSpec, disk_bytes: u64) -> ResourceRequirements {
    let quantity = |name: &str, amount: u64| (amount > 0).then(|| (name.to_owned(), Quantity(amount.to_string())));
    let memory = || quantity("memory", spec.memory_bytes);
    let cpu = spec.cpu_shares * THOUSANDTHS / ORDINARY_WEIGHT;
    let cpu = (cpu > 0).then(|| ("cpu".to_owned(), Quantity(format!("{cpu}m"))));
    let some = |map: BTreeMap<String, Quantity>| (!map.is_empty()).then_some(map);
    let disk = quantity("ephemeral-storage", disk_bytes.min(RESERVED_DISK));
    ResourceRequirements {
        requests: some(memory().into_iter().chain(cpu).chain(disk).collect()),
        limits: some(memory().into_iter().chain(quantity("ephemeral-storage", disk_bytes)).collect()),
        ..ResourceRequirements::default()
    }
}

/// The rights that the plan gives.
pub(super) fn security(spec: &ContainerSpec) -> SecurityContext {
    let some = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
    let capabilities = Capabilities { drop: some(&spec.drop_capabilities), add: some(&spec.add_capabilities) };
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(capabilities).filter(|both| both.drop.is_some() || both.add.is_some()),
        ..SecurityContext::default()
    }
}

/// The usual filter of system calls, for all containers of a pod.
pub(super) fn pod_security() -> PodSecurityContext {
    let usual = SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() };
    PodSecurityContext { seccomp_profile: Some(usual), ..PodSecurityContext::default() }
}

/// Lines of `/etc/hosts`, and what no pod can have.
pub(super) fn host_aliases(spec: &ContainerSpec) -> (Option<Vec<HostAlias>>, Vec<String>) {
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut notes = Vec::new();
    for (host, address) in spec.extra_hosts.iter().filter_map(|line| line.split_once(':')) {
        if address == HOST_GATEWAY {
            notes.push(format!("--add-host {host}={HOST_GATEWAY}: a pod has no name for its node; give an address"));
        } else {
            names.entry(address).or_default().push(host.to_owned());
        }
    }
    let alias = |(ip, hosts): (&str, Vec<String>)| HostAlias { ip: ip.to_owned(), hostnames: Some(hosts) };
    let aliases: Vec<HostAlias> = names.into_iter().map(alias).collect();
    ((!aliases.is_empty()).then_some(aliases), notes)
}

/// The name servers instead of the cluster's, where some were typed, with the policy that lets only them be asked.
pub(super) fn dns(spec: &ContainerSpec) -> (Option<String>, Option<PodDNSConfig>) {
    if spec.dns.is_empty() {
        return (None, None);
    }
    let nameservers = spec.dns.iter().take(MOST_NAME_SERVERS).cloned().collect();
    (Some("None".to_owned()), Some(PodDNSConfig { nameservers: Some(nameservers), ..PodDNSConfig::default() }))
}

/// A text as a cluster takes it in commands, arguments and values of variables, where it replaces `$(NAME)`.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// An empty folder that goes with the pod; `medium`: `Memory`, or the node's disk.
pub(super) fn empty(name: &str, medium: Option<&str>) -> Volume {
    let source = EmptyDirVolumeSource { medium: medium.map(str::to_owned), ..EmptyDirVolumeSource::default() };
    Volume { name: name.to_owned(), empty_dir: Some(source), ..Volume::default() }
}

/// Files of a Secret: of these keys under these names, all under their own where none are named.
pub(super) fn secret_files(name: &str, secret: &str, mode: i32, files: &[(&str, &str)]) -> Volume {
    let item = |(key, path): &(&str, &str)| KeyToPath { key: (*key).to_owned(), path: (*path).to_owned(), mode: None };
    let source = SecretVolumeSource {
        secret_name: Some(secret.to_owned()),
        default_mode: Some(mode),
        items: (!files.is_empty()).then(|| files.iter().map(item).collect()),
        optional: None,
    };
    Volume { name: name.to_owned(), secret: Some(source), ..Volume::default() }
}

/// Of a claim of the namespace.
pub(super) fn claimed(name: &str, claim: &str) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name: claim.to_owned(), read_only: None };
    Volume { name: name.to_owned(), persistent_volume_claim: Some(source), ..Volume::default() }
}

/// A volume of the pod in a container.
pub(super) fn mount(name: &str, at: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: at.to_owned(), ..VolumeMount::default() }
}

/// The same, to be read only.
pub(super) fn mount_to_read(name: &str, at: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(name, at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_nobody_gave_are_none_and_a_weight_is_a_wish() {
        assert_eq!(resources(&ContainerSpec::default(), 0), ResourceRequirements::default());
        let spec = ContainerSpec { memory_bytes: 1 << 30, cpu_shares: 512, ..ContainerSpec::default() };
        let all = resources(&spec, 7);
        let (requests, limits) = (all.requests.unwrap(), all.limits.unwrap());
        assert_eq!((requests["memory"].0.as_str(), requests["cpu"].0.as_str()), ("1073741824", "500m"));
        assert_eq!((limits["memory"].0.as_str(), limits["ephemeral-storage"].0.as_str()), ("1073741824", "7"));
        assert!(!limits.contains_key("cpu"), "an idle core is anybody's");
    }

    #[test]
    fn a_cluster_replaces_nothing_in_what_a_tenant_chose() {
        assert_eq!(literal("a $(REGISTRY) $$ $"), "a $$(REGISTRY) $$$$ $$");
    }

    #[test]
    fn hosts_are_lines_by_address_and_the_engines_own_machine_is_none() {
        let hosts = ["b:192.0.2.1", "a:192.0.2.1", "c:::1", "d:host-gateway"].map(str::to_owned).to_vec();
        let (aliases, notes) = host_aliases(&ContainerSpec { extra_hosts: hosts, ..ContainerSpec::default() });
        let shown: Vec<String> = (aliases.unwrap().into_iter())
            .map(|alias| format!("{} {}", alias.ip, alias.hostnames.unwrap().join(" ")))
            .collect();
        assert_eq!(shown, ["192.0.2.1 b a", "::1 c"]);
        assert!(notes[0].starts_with("--add-host d=host-gateway: "), "{notes:?}");
    }
}
