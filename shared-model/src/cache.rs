//! What agent and host agree on about the cache: where it lies in a container, and what `cache list` shows of an entry.
//! The agent draws its own table of the entries where it runs alone, host-cli another one of what the agent tells it.

/// Where the volume is mounted that staging containers share. The host mounts it there, the agent looks for it there.
pub const MOUNTED: &str = "/var/cache/stager";

/// Where a stager image holds what was baked into it.
pub const BAKED: &str = "/usr/share/stager-cache";

/// The columns of `cache list`, in order.
pub const TITLES: [&str; 7] = ["KEY", "KIND", "SIZE", "FETCHED", "USED", "VERIFIED", "FROM"];

/// Whether somebody vouched for an entry; where nobody did, the address that it came from: `no: 10.0.0.2:80`. The
/// address stands as it was told: it may be anything.
#[must_use]
pub fn verified(verified: bool, address: Option<&str>) -> String {
    match (verified, address) {
        (true, _) => "yes".to_owned(),
        (false, None) => "no".to_owned(),
        (false, Some(address)) => format!("no: {address}"),
    }
}
