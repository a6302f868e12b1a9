//! One instance of an app: whose it is, how it ended, and what it printed before.

use crate::backend::kubernetes::app_pod::APP;
use crate::backend::kubernetes::client::{Cluster, LogNews};
use crate::backend::unhealthy::Unhealthy;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;
use shared_model::event::LONGEST_LINE;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How much of what a failed app printed is shown.
const LAST_LINES: i64 = 20;
const MOST_BYTES: i64 = 64 << 10;
const LOG_PATIENCE: Duration = Duration::from_secs(10);

/// Whether the workload of this name made the pod, or what it makes for each start. Anybody can give a pod its labels.
pub(super) fn is_of(pod: &Pod, name: &str) -> bool {
    let of_start = format!("{name}-");
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && (owner.name == name || owner.name.starts_with(&of_start)))
}

/// How the app of an instance ended, where the cluster has had to start it again. `None`: it has not.
pub(super) fn ended(pod: &Pod, start_timeout: Duration) -> Option<Unhealthy> {
    let status = app(pod)?;
    let known = [status.last_state.as_ref(), status.state.as_ref()];
    let ended = known.into_iter().flatten().find_map(|state| state.terminated.as_ref())?;
    let ran = ended.started_at.as_ref().zip(ended.finished_at.as_ref());
    let ran = ran.map_or(0, |(from, to)| to.0.as_second() - from.0.as_second());
    // The cluster ends one whose check does not pass.
    if ended.exit_code != 0 && u64::try_from(ran).is_ok_and(|ran| ran >= start_timeout.as_secs()) {
        return Some(Unhealthy::NotHealthy { waited: start_timeout, check: String::new() });
    }
    let out_of_memory = ended.reason.as_deref() == Some("OOMKilled");
    Some(Unhealthy::Ended { status: i64::from(ended.exit_code), out_of_memory })
}

/// What it printed before it was ended, at most [`LAST_LINES`] lines of bounded length; none where nobody can tell: they are a help, not
/// the point.
pub(super) fn last_lines(cluster: &Cluster, pod: &Pod) -> Vec<String> {
    let (tells, hears) = mpsc::channel();
    let params = LogParams {
        container: Some(APP.to_owned()),
        // Unless it is there no more, and another has begun.
        previous: app(pod).is_some_and(|status| !is_ended(status)),
        tail_lines: Some(LAST_LINES),
        limit_bytes: Some(MOST_BYTES),
        ..LogParams::default()
    };
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let _reading = cluster.stream(name, params, move |news| {
        let _ = tells.send(news);
    });
    let (mut bytes, until) = (Vec::new(), Instant::now() + LOG_PATIENCE);
    while let Ok(LogNews::Bytes(more)) = hears.recv_timeout(until.saturating_duration_since(Instant::now())) {
        bytes.extend(more);
    }
    let cut = |line: &str| line.chars().take(LONGEST_LINE / 4).collect();
    String::from_utf8_lossy(&bytes).lines().map(cut).collect()
}

fn app(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == APP)
}

fn is_ended(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.terminated.is_some())
}
