//! Guids for instances, from the kernel.

#![expect(clippy::disallowed_methods, reason = "asks the kernel")]

use crate::failure::Failure;
use shared_model::exit_code::ExitCode;
use std::fs;

/// A new guid in the usual form of 36 characters.
pub(crate) fn new() -> Result<String, Failure> {
    const KERNELS_OWN: &str = "/proc/sys/kernel/random/uuid";
    let guid = fs::read_to_string(KERNELS_OWN).map_err(|error| {
        Failure::new(
            ExitCode::CommandLine,
            format!("{KERNELS_OWN}: {error}"),
            "host-cli needs Linux with /proc mounted",
        )
    })?;
    Ok(guid.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_guids_differ() {
        let (one, two) = (new().unwrap(), new().unwrap());
        assert_eq!(one.len(), 36);
        assert_ne!(one, two);
    }
}
