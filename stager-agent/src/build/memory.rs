//! Whether the kernel ended a program because the container's memory ran out, as the container's own cgroup counts it.
#![expect(clippy::disallowed_methods, reason = "reads the cgroup's files and says who is to go first")]

use rustix::process::Pid;
use std::fs;

/// Where a container finds its own cgroup: version 2, then version 1.
const COUNTERS: [&str; 2] = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
const KILLED: &str = "oom_kill ";
/// The most there is.
const FIRST_TO_GO: &str = "1000";

/// How many processes were ended so far; 0 where the kernel does not say.
pub(crate) fn kills() -> u64 {
    COUNTERS.iter().find_map(|file| count(&fs::read_to_string(file).ok()?)).unwrap_or(0)
}

fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(KILLED)).and_then(|number| number.trim().parse().ok())
}

/// Lets the kernel end `program` and its children before the agent, who can then still say what happened. A program that
/// undoes it hurts nobody but itself.
pub(crate) fn goes_first(program: Pid) {
    let _ = fs::write(format!("/proc/{program}/oom_score_adj"), FIRST_TO_GO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_cgroups_are_read() {
        assert_eq!(count("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), Some(1));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\n"), None);
    }
}
