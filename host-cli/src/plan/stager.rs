//! A staging request and the user's options → the container that stages it. Buildpacks are other people's code: the
//! container gets no Docker socket, no more rights than the agent needs, and the request's limits.

use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::left_out::not_done;
use shared_model::action::{Action, RunAction};
use shared_model::task::TaskDefinition;

/// Where Cloud Controller has droplets written, should a request not say.
const DROPLET: &str = "/tmp/droplet";

/// Processes and threads at once where the request does not say: more than a compiler needs, and too few for a fork bomb
/// to fill the memory of a usual staging (1 GiB; a shell takes less than half a megabyte) or to hold up the machine.
pub(crate) const DEFAULT_PIDS: u64 = 1024;

/// Threads of the agent, which share the limit with the request's processes.
const AGENT_THREADS: u64 = 64;

/// What the agent itself may write besides the request's `disk_mb`: archives on their way, and dependencies where no volume
/// keeps them. So a storage's bound is what stops a program that is too fast for the agent, which looks at `disk_mb` itself
/// and says so.
const AGENTS_DISK: u64 = 1 << 30;
const AGENTS_DISK_WITHOUT_CACHE: u64 = 4 << 30;

/// The least memory that engines accept.
const LEAST_MEMORY: u64 = 6 << 20;

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
        // Nobody of ours is there any more when a kept container ends.
        auto_remove: options.keep,
        ..options.fetching.container()
    }
}

/// What of the request is not done, in words; `None` where nothing is left out.
pub(crate) fn left_out(task: &TaskDefinition) -> Option<String> {
    let count = |list: Option<usize>| list.unwrap_or_default();
    not_done(count(task.volume_mounts.as_ref().map(Vec::len)), count(task.egress_rules.as_ref().map(Vec::len)))
}

/// The image that the app image stands on: `wanted`, else the one that `docker/build` made for the request's stack.
pub(crate) fn base_image(task: &TaskDefinition, wanted: Option<&str>) -> Option<String> {
    wanted.map(str::to_owned).or_else(|| task.stack().map(|stack| format!("stager-rootfs:{stack}")))
}

/// Whether the user only wants to know what the agent can do: then it stages nothing.
pub(crate) fn asks_for_help(agent_options: &[String]) -> bool {
    agent_options.iter().any(|option| ["--help", "-h", "--version", "-V"].contains(&option.as_str()))
}

/// The file in the container that becomes the droplet.
pub(crate) fn droplet_path(task: &TaskDefinition) -> &str {
    task.droplet().unwrap_or(DROPLET)
}

/// Whether nothing is built any more once something is uploaded, so that the droplet is finished by then.
pub(crate) fn builds_before_it_uploads(task: &TaskDefinition) -> bool {
    let mut uploads = false;
    task.action.as_ref().is_some_and(|action| in_order(action, &mut uploads))
}

/// `uploads`: whether an upload may have begun before.
fn in_order(action: &Action, uploads: &mut bool) -> bool {
    match action {
        Action::Run(_) => !*uploads,
        Action::Upload(_) => {
            *uploads = true;
            true
        }
        // At the same time is in any order.
        Action::Parallel(_) | Action::Codependent(_) if action.uploads().next().is_some() => {
            *uploads = true;
            action.runs().next().is_none()
        }
        other => other.children().iter().all(|child| in_order(child, uploads)),
    }
}

/// The staging container's name, for those who look at `docker ps`.
pub(crate) fn container_name(task: &TaskDefinition, instance: &str) -> String {
    let short: String = instance.chars().take(8).collect();
    format!("stager-{}-{short}", labels::slug(&task.application().name))
}

/// The command that opens a shell where the builder worked, as the builder's user.
pub(crate) fn visit_command(task: &TaskDefinition, container: &ContainerId) -> String {
    let short: String = container.0.chars().take(12).collect();
    let builder = task.builder();
    let user = builder.map_or("vcap", |run| &run.user);
    let folder = builder.and_then(|run| run.flag("buildDir")).unwrap_or("/tmp/app");
    format!("docker exec -it -u {} -w {} {short} bash", quoted(user), quoted(folder))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._:-".contains(c));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A request's memory in bytes; 0, no limit, where it gives none.
pub(crate) fn memory_bytes(memory_mb: i32) -> u64 {
    positive(memory_mb).map_or(0, |mib| (mib << 20).max(LEAST_MEMORY))
}

/// What all in the container may write, in bytes; 0, no limit, where the request gives none.
fn disk_bytes(disk_mb: i32, keeping: Keeping<'_>) -> u64 {
    let agents = if matches!(keeping, Keeping::InVolume { .. }) { AGENTS_DISK } else { AGENTS_DISK_WITHOUT_CACHE };
    positive(disk_mb).map_or(0, |mib| (mib << 20) + agents)
}

/// Diego's share of the CPU, 1 to 100, on the engine's scale, where 1024 is an ordinary container. 0: the default.
pub(crate) fn cpu_shares(weight: u32) -> u64 {
    const LEAST_SHARES: u64 = 2; // the kernel's
    if weight == 0 { 0 } else { (u64::from(weight) * 1024 / 100).max(LEAST_SHARES) }
}

pub(crate) fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// The agent cannot raise a limit above the container's; 0, the engine's default, where no run asks for one.
fn most_open_files(action: Option<&Action>) -> u64 {
    open_files(action.into_iter().flat_map(Action::runs).filter_map(RunAction::nofile).max())
}

/// A request's limit of open files as the engine takes it; 0, the engine's default, where it gives none.
pub(crate) fn open_files(wanted: Option<u64>) -> u64 {
    const MOST: u64 = 1 << 20; // the kernel's fs.nr_open; an engine refuses to start anything above it
    wanted.unwrap_or(0).min(MOST)
}

#[cfg(test)]
mod tests;
