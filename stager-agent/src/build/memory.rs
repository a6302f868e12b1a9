//! What holds when the container's memory runs out: who goes first, what stays, and whether the kernel ended a program, as
//! the container's own cgroup counts it.
#![expect(clippy::disallowed_methods, reason = "reads the cgroup's files and says who is to go first")]

use super::session::OWN_PROGRAM;
use region::LockGuard;
use rustix::process::Pid;
use std::fs;
use std::ptr;
use std::sync::OnceLock;

/// Where a container finds its own cgroup: version 2, then version 1.
const COUNTERS: [&str; 2] = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
const KILLED: &str = "oom_kill ";
/// Every mapping of this process, with the file that it is of.
const MAPPINGS: &str = "/proc/self/maps";
/// The most there is.
const FIRST_TO_GO: &str = "1000";

/// How many processes were ended so far; 0 where the kernel does not say.
pub(crate) fn kills() -> u64 {
    COUNTERS.iter().find_map(|file| count(&fs::read_to_string(file).ok()?)).unwrap_or(0)
}

fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(KILLED)).and_then(|number| number.trim().parse().ok())
}

/// Lets the kernel end `program` and its children before the agent, who can then still say what happened. A program may undo
/// it: then the agent may go first, and all of the container with it, and what happened the engine says.
pub(crate) fn goes_first(program: Pid) {
    let _ = fs::write(format!("/proc/{program}/oom_score_adj"), FIRST_TO_GO);
}

/// Keeps the agent's own program in memory from now on, if `ulimit -l` allows as much. Else the kernel takes its pages, which
/// can be read again, before any of the programs' own; and whoever fills the container's memory keeps the agent from ending
/// it, because each step that it goes on waits for a page.
pub(crate) fn keep_own_program() {
    // For good: locks do not nest, and programs may run beside one another.
    static KEPT: OnceLock<Vec<LockGuard>> = OnceLock::new();
    KEPT.get_or_init(lock_own_program);
}

/// Empty: there is no /proc, or nothing may be locked.
fn lock_own_program() -> Vec<LockGuard> {
    let maps = fs::read_to_string(MAPPINGS).unwrap_or_default();
    let own = fs::read_link(OWN_PROGRAM).unwrap_or_default();
    let mut mappings: Vec<Mapping> =
        maps.lines().filter_map(mapping).filter(|mapping| own.to_str() == Some(mapping.file)).collect();
    mappings.sort_by_key(|mapping| !mapping.runs); // what runs first, should the limit not suffice for all
    mappings
        .iter()
        .filter_map(|mapping| region::lock(ptr::without_provenance::<u8>(mapping.start), mapping.size).ok())
        .collect()
}

/// A part of this process's memory that a file is the source of.
#[derive(Debug, PartialEq, Eq)]
struct Mapping<'a> {
    start: usize,
    /// Bytes.
    size: usize,
    runs: bool,
    file: &'a str,
}

/// `7f00-7f80 r-xp 00001000 fe:00 12 /a name`
fn mapping(line: &str) -> Option<Mapping<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let file = &rest[rest.find('/')?..];
    let runs = rest.split(' ').next()?.contains('x');
    Some(Mapping { start, size: end.checked_sub(start)?, runs, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_stays_in_memory() {
        let locked = || {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim().to_owned();
            line.trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        keep_own_program();
        let once = locked();
        assert!(once > 0);
        keep_own_program();
        assert_eq!(locked(), once);
    }

    #[test]
    fn a_mapping_is_read_with_whatever_its_file_is_called() {
        let text = mapping("5581f000-55820000 r-xp 0001f000 fe:00 1190 /a file (deleted)");
        assert_eq!(text, Some(Mapping { start: 0x5581_f000, size: 0x1000, runs: true, file: "/a file (deleted)" }));
        assert_eq!(mapping("7f00-7f80 r--p 0001 fe:00 12 /a").map(|data| data.runs), Some(false));
        for others in ["7ffd0000-7ffd1000 rw-p 00000000 00:00 0 [stack]", "7f80-7f00 r--p 0 0 0 /a", "7f00 r--p /a", ""]
        {
            assert_eq!(mapping(others), None, "{others}");
        }
    }

    #[test]
    fn both_versions_of_cgroups_are_read() {
        assert_eq!(count("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), Some(1));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\n"), None);
    }
}
