//! What a request wants and one Docker Engine does not do: one list, for stagings and launches, of what a user would miss. Metric
//! tags, for one, only name a process in metrics that nobody reads here.

use super::limits::positive;
use super::volumes::Volumes;
use super::{health, sidecars};
use crate::engine::{ImageSettings, Quota};
use serde_json::Value;
use shared_model::action::RunAction;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::environment::{EnvironmentVariable, merge, value_of};
use shared_model::event::Event;
use shared_model::names::listed;
use shared_model::task::TaskDefinition;

/// What of a request is not done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NotDone {
    /// A few words each: `2 egress rules`. Empty: everything is done, but perhaps the bound of the disk.
    what: Vec<String>,
    /// The names of sidecars that only a supervisor starts.
    sidecars: Vec<String>,
    /// The bound of what the container writes, in MiB; `None`: none is wanted, or somebody else keeps it.
    disk_mb: Option<u64>,
    /// What an app can hardly do without, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Whether an engine bounds what a container writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskBound {
    /// It does.
    Kept,
    /// Its storage does as long as it keeps count.
    Perhaps,
    /// It does not.
    Missing,
}

impl DiskBound {
    /// Of a container of an image with these settings, on a storage that bounds so much. What lies in a volume it never bounds.
    pub(crate) fn new(quota: Quota, image: &ImageSettings) -> Self {
        match quota {
            Quota::Nothing => Self::Missing,
            Quota::WithImage | Quota::Written if image.has_volumes() => Self::Missing,
            Quota::WithImage => Self::Perhaps,
            Quota::Written => Self::Kept,
        }
    }
}

impl NotDone {
    /// Of a staging, with an instance identity or without. What it writes the agent bounds.
    pub(super) fn of_staging(task: &TaskDefinition, has_identity: bool) -> Self {
        let mut what = Vec::new();
        what.extend(counted(task.volume_mounts.as_deref().unwrap_or_default().len(), "volume mount"));
        what.extend(counted(task.egress_rules.as_deref().unwrap_or_default().len(), "egress rule"));
        what.extend(log_rate_limit(task.log_rate_limit.as_ref()));
        what.extend(isolation_segment(task.placement_tags.as_deref()));
        Self {
            what,
            sidecars: Vec::new(),
            disk_mb: None,
            warnings: if has_identity {
                Vec::new()
            } else {
                let status = task.lifecycle_kind().layout().builder_without_credhub.into_iter();
                status.flat_map(|status| unanswered(task.environment(), task.builder(), "builder", status)).collect()
            },
        }
    }

    /// Of a launch of an app that is called so on a command line, with an instance identity or without, with these of its volumes.
    pub(super) fn of_launch(lrp: &DesiredLrp, app: &str, has_identity: bool, volumes: &Volumes) -> Self {
        let mut what = Vec::new();
        let (sidecars, of_others) = sidecars::names(lrp);
        what.extend(named(&of_others).map(|text| format!("{text} of another user")));
        what.extend(volumes.not_done());
        what.extend(counted(lrp.egress_rules.as_deref().unwrap_or_default().len(), "egress rule"));
        what.extend(health::left_out(lrp).map(|(out, all)| format!("{out} of {all} health checks")));
        let readiness = lrp.check_definition.as_ref().and_then(|definition| definition.readiness_checks.as_deref());
        what.extend(counted(readiness.unwrap_or_default().len(), "readiness check"));
        what.extend(log_rate_limit(lrp.log_rate_limit.as_ref()));
        what.extend(isolation_segment(lrp.placement_tags.as_deref()));
        if lrp.has_sshd() {
            what.push(format!("ssh daemon (`host-cli ssh {app}` opens a shell)"));
        }
        Self {
            what,
            sidecars,
            disk_mb: positive(lrp.disk_mb),
            warnings: if has_identity {
                Vec::new()
            } else {
                let status = lrp.lifecycle_kind().layout().launcher_without_credhub;
                unanswered(lrp.environment(), lrp.launcher(), "launcher", status)
            },
        }
    }

    /// Of a launch in a cluster, where these volumes were given no place.
    pub(super) fn in_a_cluster(lrp: &DesiredLrp, unmapped: &[String]) -> Vec<String> {
        let mut what = Vec::new();
        let (_, of_others) = sidecars::names(lrp);
        what.extend(named(&of_others).map(|text| format!("{text} of another user")));
        let volumes = counted(unmapped.len(), "volume mount");
        what.extend(volumes.map(|text| format!("{text} ({}: --volume-map ID=CLAIM mounts one)", listed(unmapped))));
        what.extend(health::left_out(lrp).map(|(out, all)| format!("{out} of {all} health checks")));
        what.extend(log_rate_limit(lrp.log_rate_limit.as_ref()));
        what.extend(isolation_segment(lrp.placement_tags.as_deref()));
        if lrp.has_sshd() {
            what.push("ssh daemon (`kubectl exec -it POD -- bash` opens a shell)".to_owned());
        }
        what
    }

    /// The same with a supervisor, which starts the sidecars.
    pub(crate) fn supervised(&self) -> Self {
        Self { sidecars: Vec::new(), ..self.clone() }
    }

    /// The list as it is said, once it is known what the engine bounds; `None` where everything is done.
    pub(crate) fn event(&self, disk: DiskBound) -> Option<Event> {
        let mut what: Vec<String> = named(&self.sidecars).into_iter().chain(self.what.iter().cloned()).collect();
        what.extend(self.disk_mb.and_then(|mib| match disk {
            DiskBound::Kept => None,
            DiskBound::Perhaps => Some(format!("disk limit, perhaps (disk_mb={mib})")),
            DiskBound::Missing => Some(format!("disk limit (disk_mb={mib})")),
        }));
        (!what.is_empty()).then_some(Event::NotDone { what })
    }
}

/// `1 sidecar (CONFIG)`; `None` of none.
fn named(sidecars: &[String]) -> Option<String> {
    Some(format!("{} ({})", counted(sidecars.len(), "sidecar")?, listed(sidecars)))
}

/// `1 volume mount`, `2 volume mounts`; `None` of none.
fn counted(count: usize, what: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
}

/// Bytes a second; -1 means no limit. cfdot leaves out what is 0.
fn log_rate_limit(limit: Option<&Value>) -> Option<String> {
    let limit = limit.filter(|limit| limit.is_object())?;
    let bytes = limit.get("bytes_per_second").and_then(Value::as_i64).unwrap_or(0);
    (bytes >= 0).then(|| "log rate limit".to_owned())
}

fn isolation_segment(tags: Option<&[String]>) -> Option<String> {
    let names = listed(tags?.iter().filter(|tag| !tag.is_empty()));
    (!names.is_empty()).then(|| format!("isolation segment ({names})"))
}

/// What it means that references to `CredHub` are not answered here; nothing where there are none. The launcher or builder,
/// `program`, ends with `status` then.
fn unanswered(container: &[EnvironmentVariable], run: Option<&RunAction>, program: &str, status: u8) -> Vec<String> {
    let environment = merge([container, run.map_or(&[][..], RunAction::environment)]);
    let is_set = |name| value_of(&environment, name).is_some_and(|value| !value.is_empty());
    let refers = value_of(&environment, "VCAP_SERVICES").is_some_and(|json| json.contains(r#""credhub-ref""#));
    if !refers || is_set("CREDHUB_SKIP_INTERPOLATION") || is_set("CF_INSTANCE_CERT") {
        return Vec::new();
    }
    vec![format!(
        "VCAP_SERVICES refers to CredHub (credhub-ref): the {program} ends with {status} unless CF_INSTANCE_CERT and \
         CF_INSTANCE_KEY name an instance identity, which is not made here; --instance-cert and --instance-key give one that \
         you have; the variable \
         CREDHUB_SKIP_INTERPOLATION=true leaves the references as they are"
    )]
}

#[cfg(test)]
mod tests;
