//! What both kinds of request ask for in the same words: limits, as an engine counts them. Pure.

/// Processes and threads at once where the request does not say: more than a compiler needs, and too few for a fork bomb
/// to fill the memory of a usual staging (1 GiB; a shell takes less than half a megabyte) or to hold up the machine.
pub(crate) const DEFAULT_PIDS: u64 = 1024;

/// The least memory that engines accept.
const LEAST_MEMORY: u64 = 6 << 20;

/// A request's memory in bytes; 0, no limit, where it gives none.
pub(crate) fn memory_bytes(memory_mb: i32) -> u64 {
    positive(memory_mb).map_or(0, |mib| (mib << 20).max(LEAST_MEMORY))
}

/// Diego's share of the CPU, 1 to 100, on the engine's scale, where 1024 is an ordinary container. 0: the default.
pub(crate) fn cpu_shares(weight: u32) -> u64 {
    const LEAST_SHARES: u64 = 2; // the kernel's
    if weight == 0 { 0 } else { (u64::from(weight) * 1024 / 100).max(LEAST_SHARES) }
}

pub(crate) fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// A request's limit of open files as the engine takes it; 0, the engine's default, where it gives none.
pub(crate) fn open_files(wanted: Option<u64>) -> u64 {
    const MOST: u64 = 1 << 20; // the kernel's fs.nr_open; an engine refuses to start anything above it
    wanted.unwrap_or(0).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counted_as_engines_do() {
        assert_eq!(memory_bytes(1), LEAST_MEMORY);
        assert_eq!(memory_bytes(-1), 0);
        assert_eq!(cpu_shares(100), 1024);
    }

    #[test]
    fn more_open_files_than_any_kernel_has_are_not_asked_for() {
        assert_eq!([None, Some(16384), Some(u64::MAX)].map(open_files), [0, 16384, 1 << 20]);
    }
}
