//! What a container uses at the moment, as the engine reads it from the kernel's accounts.

use super::api_client::ApiClient;
use super::paths::container_path;
use crate::engine::{ContainerId, EngineError, Usage};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One look. An engine before API 1.41 takes a second or two for it.
pub(super) async fn usage(api: &ApiClient, container: &ContainerId) -> Result<Option<Usage>, EngineError> {
    let path = format!("{}/stats?stream=false&one-shot=true", container_path(container));
    let doing = format!("reading what container {} uses", container.0);
    Ok(api.find_json::<Stats>(&path, &doing).await?.and_then(Stats::usage))
}

/// The part of it that is wanted; of a container that does not run all is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    read: String,
    #[serde(rename = "cpu_stats")]
    processor: Option<Processor>,
    #[serde(rename = "memory_stats")]
    memory: Option<Memory>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Processor {
    cpu_usage: ProcessorUsage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProcessorUsage {
    total_usage: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Memory {
    usage: Option<u64>,
    limit: u64,
    stats: Option<BTreeMap<String, u64>>,
}

impl Stats {
    fn usage(self) -> Option<Usage> {
        let memory = self.memory?;
        // What the kernel keeps of files and gives up when it has to: of cgroups v1, of v2.
        let of_files =
            ["total_inactive_file", "inactive_file"].iter().find_map(|name| memory.stats.as_ref()?.get(*name));
        Some(Usage {
            at: self.read.parse::<Timestamp>().ok()?,
            processor_ns: self.processor?.cpu_usage.total_usage,
            memory_bound: memory.limit,
            memory_bytes: memory.usage?.saturating_sub(of_files.copied().unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_of(answer: &str) -> Option<Usage> {
        serde_json::from_str::<Stats>(answer).unwrap().usage()
    }

    #[test]
    fn what_files_take_is_no_memory_of_the_containers() {
        for name in ["total_inactive_file", "inactive_file"] {
            let usage = usage_of(&format!(
                r#"{{"read": "2026-11-30T09:00:00.5Z", "cpu_stats": {{"cpu_usage": {{"total_usage": 7000}}}},
                    "memory_stats": {{"usage": 5000, "stats": {{"{name}": 1000, "cache": 3000}}, "limit": 9000}}}}"#
            ));
            let at = "2026-11-30T09:00:00.5Z".parse().unwrap();
            assert_eq!(usage, Some(Usage { at, processor_ns: 7000, memory_bytes: 4000, memory_bound: 9000 }));
        }
    }

    #[test]
    fn of_what_does_not_run_nothing_is_told() {
        for answer in [
            "{}",
            r#"{"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}"#,
            r#"{"read": "", "cpu_stats": null, "memory_stats": {"usage": 1}}"#,
        ] {
            assert_eq!(usage_of(answer), None, "{answer}");
        }
    }
}
