//! The container of a Job that publishes what the other one staged: what it is told, and what it may. Pure.

use super::container::literal;
use crate::image::ImagePlan;
use crate::image::created::Created;
use k8s_openapi::api::core::v1::{Capabilities, EnvVar, SecurityContext};
use shared_model::secret::Secret;

/// Where the agent leaves what it vouches for: the agent closes it to everybody else before anything foreign runs.
pub(super) const HANDOVER: &str = "/handover";
/// Where the one who publishes writes: layers on their way.
pub(super) const SCRATCH: &str = "/scratch";
/// Where the registry's login is, as docker's `config.json`.
pub(super) const LOGIN: &str = "/login";
/// What a cluster keeps of a container's last words.
const LAST_WORDS: &str = "/dev/termination-log";

/// Who publishes: neither root nor vcap.
const PUBLISHER: i64 = 2001;

/// Where the image goes, and who brings it there.
pub(crate) struct JobPublishing<'a> {
    /// Its name in the registry.
    pub(crate) reference: &'a str,
    /// Who is known to the registry.
    pub(crate) login: RegistryLogin<'a>,
}

/// Where a login comes from.
pub(crate) enum RegistryLogin<'a> {
    /// Nobody logs in.
    Anonymous,
    /// A Secret of the namespace, of the type `kubernetes.io/dockerconfigjson`.
    InCluster(&'a str),
    /// A `config.json` with the logins of these registries alone.
    Given(Secret<String>),
}

impl RegistryLogin<'_> {
    /// Whether the pod mounts a file of it.
    pub(super) fn is_mounted(&self) -> bool {
        !matches!(self, Self::Anonymous)
    }
}

/// What the program is told that publishes. All of it stands in the plan: it needs no request, which holds secrets.
pub(super) fn publish_arguments(image: &ImagePlan, reference: &str, authority: Option<&str>) -> Vec<String> {
    let mut arguments: Vec<String> = ["image", "--output", "json", "--handover", HANDOVER].map(str::to_owned).to_vec();
    let bytes = image.bound.bytes.to_string();
    let pairs = [
        ("--base", image.base.as_str()),
        ("--publish", reference),
        ("--kind", image.lifecycle.name()),
        ("--max-layer", &bytes),
        ("--report", LAST_WORDS),
    ];
    let pairs = pairs.into_iter().chain(authority.map(|path| ("--ca", path)));
    arguments.extend(pairs.flat_map(|(option, value)| [option.to_owned(), literal(value)]));
    let label = |(name, value): (&String, &String)| ["--label".to_owned(), literal(&format!("{name}={value}"))];
    arguments.extend(image.labels.iter().flat_map(label));
    arguments
}

/// Another user than root and vcap, who can do nothing but read what lies open.
pub(super) fn rights() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        run_as_user: Some(PUBLISHER),
        run_as_group: Some(PUBLISHER),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// Where it writes and whose login it takes; and the image's time, where the user chose one.
pub(super) fn variables(created: Created) -> Vec<EnvVar> {
    let variable = |(name, value): (&str, String)| EnvVar {
        name: name.to_owned(),
        value: Some(literal(&value)),
        ..EnvVar::default()
    };
    let places = [("HOME", SCRATCH), ("TMPDIR", SCRATCH), ("DOCKER_CONFIG", LOGIN)];
    let epoch = created.newest.map(|_| ("SOURCE_DATE_EPOCH", created.time.to_string()));
    places.map(|(name, value)| (name, value.to_owned())).into_iter().chain(epoch).map(variable).collect()
}
