//! Where in a container the caches lie: the host puts them there, the agent looks for them there.

/// Where the volume is mounted that staging containers share.
pub const MOUNTED: &str = "/var/cache/stager";

/// Where a stager image holds what was baked into it.
pub const BAKED: &str = "/usr/share/stager-cache";
