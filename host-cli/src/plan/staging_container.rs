//! A staging request and the user's options → the container that stages it. Buildpacks are other people's code: the
//! container gets no Docker socket, no more rights than the agent needs, and the request's limits.

use crate::engine::Store;
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::limits::{DEFAULT_PIDS, cpu_shares, memory_bytes, open_files, positive};
use shared_model::action::{Action, RunAction};
use shared_model::mounted_file::SERVICE_BINDINGS;
use shared_model::task::TaskDefinition;

/// Threads of the agent, which share the limit with the request's processes.
const AGENT_THREADS: u64 = 64;

/// What the agent itself may write besides the request's `disk_mb`: archives on their way, and dependencies where no volume
/// keeps them. So a storage's bound is what stops a program that is too fast for the agent, which looks at `disk_mb` itself
/// and says so.
const AGENTS_DISK: u64 = 1 << 30;
const AGENTS_DISK_WITHOUT_CACHE: u64 = 4 << 30;

/// What the user decides about a staging.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StagingOptions<'a> {
    /// How it fetches.
    pub(crate) fetching: Fetching<'a>,
    /// Whether the container waits for a visitor when all is done.
    pub(crate) keep: bool,
    /// See [`labels::INSTANCE`].
    pub(crate) instance: &'a str,
}

/// The container that stages `task`.
pub(crate) fn staging_container(task: &TaskDefinition, options: &StagingOptions<'_>) -> ContainerSpec {
    let mut labels = labels::of_container(labels::KIND_STAGING, &task.application(), options.instance);
    if options.keep {
        labels.insert(labels::KEPT.to_owned(), "true".to_owned());
    }
    let more: &[&str] = if options.keep { &["--no-image", "--keep"] } else { &["--no-image"] };
    ContainerSpec {
        command: options.fetching.arguments(more),
        labels,
        memory_bytes: memory_bytes(task.memory_mb),
        disk_bytes: disk_bytes(task.disk_mb, options.fetching.keeping),
        cpu_shares: cpu_shares(task.cpu_weight),
        nofile: most_open_files(task.action.as_ref()),
        pids: positive(task.max_pids.unwrap_or(0)).map_or(DEFAULT_PIDS, |pids| pids + AGENT_THREADS),
        // The agent fills it. What it holds is in memory only, and not among the files of a container that is kept.
        memory_folders: if task.mounted_files().is_empty() { Vec::new() } else { vec![SERVICE_BINDINGS.to_owned()] },
        // Nobody of ours is there any more when a kept container ends.
        auto_remove: options.keep,
        ..options.fetching.container()
    }
}

/// Where a staging writes: what it fetches without a cache, the app, the droplet.
const WORK: &str = "/tmp";

/// The folder of the staging container that is a volume on an engine with this store. Through FUSE a builder that copies and packs
/// 20,000 files takes three times as long, and such a store has no bound of its own that a volume would be outside of.
pub(crate) fn work_folder(store: &Store) -> Option<String> {
    store.is_through_fuse().then(|| WORK.to_owned())
}

/// The staging container's name, for those who look at `docker ps`.
pub(crate) fn container_name(task: &TaskDefinition, instance: &str) -> String {
    let short: String = instance.chars().take(8).collect();
    format!("stager-{}-{short}", labels::slug(&task.application().name))
}

/// What all in the container may write, in bytes; 0, no limit, where the request gives none.
fn disk_bytes(disk_mb: i32, keeping: Keeping<'_>) -> u64 {
    let agents = if matches!(keeping, Keeping::InVolume { .. }) { AGENTS_DISK } else { AGENTS_DISK_WITHOUT_CACHE };
    positive(disk_mb).map_or(0, |mib| (mib << 20) + agents)
}

/// The agent cannot raise a limit above the container's; 0, the engine's default, where no run asks for one.
fn most_open_files(action: Option<&Action>) -> u64 {
    open_files(action.into_iter().flat_map(Action::runs).filter_map(RunAction::nofile).max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::name_resolution::NameResolution;

    #[test]
    fn limits_that_a_request_leaves_open_stay_open_except_for_processes() {
        let fetching = Fetching {
            image: "x",
            network: "hcf",
            names: NameResolution::default(),
            files: &[],
            keeping: Keeping::Nothing,
            agent_options: &[],
        };
        let options = StagingOptions { fetching, keep: false, instance: "i" };
        let spec = staging_container(&TaskDefinition::default(), &options);
        assert_eq!((spec.memory_bytes, spec.cpu_shares, spec.nofile, spec.pids), (0, 0, 0, DEFAULT_PIDS));
        assert_eq!(spec.disk_bytes, 0);
    }
}
