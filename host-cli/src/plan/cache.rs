//! The cache as Docker has it: a volume that staging containers share, or a layer of a stager image; and the containers
//! that fill it and look after it.
//!
//! A volume is known by its name alone. `docker run -v stager-cache:/var/cache/stager …` makes one without our label, and
//! that must be the same cache; the agent refuses a directory that holds what is not its own.

use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use crate::plan::fetching::{Fetching, Keeping, with_the_agents_rights};
use shared_model::cache::MOUNTED;
use std::collections::BTreeMap;

/// The volume's name where the user gives none.
pub(crate) const VOLUME: &str = "stager-cache";

/// The labels of a cache volume, and of containers that live for the cache alone.
pub(crate) fn labels() -> BTreeMap<String, String> {
    [(labels::KIND.to_owned(), labels::KIND_CACHE.to_owned())].into()
}

/// Whether an engine takes `name` as a volume's. It takes a path as well, for a directory of the host's; we do not.
pub(crate) fn is_volume_name(name: &str) -> bool {
    const SHORTEST: usize = 2;
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    begins_well && name.len() >= SHORTEST && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The container that fetches what the requests on its standard input name.
pub(crate) fn filling_container(fetching: &Fetching<'_>) -> ContainerSpec {
    let mut command = fetching.arguments(&[]);
    command.extend(["cache", "up"].map(str::to_owned));
    if let Keeping::InImage(directory) = fetching.keeping {
        command.extend(["--into", directory].map(str::to_owned));
    }
    ContainerSpec { command, labels: labels(), ..fetching.container() }
}

/// The container that compares what a volume holds with what the servers give now: all of it, or one cache key.
pub(crate) fn comparing_container(fetching: &Fetching<'_>, key: Option<&str>) -> ContainerSpec {
    let mut command = fetching.arguments(&[]);
    command.extend(["cache", "verify", "--origin"].into_iter().chain(key).map(str::to_owned));
    ContainerSpec { command, labels: labels(), ..fetching.container() }
}

/// The container that runs `stager-agent cache WORDS` on a volume, without a network.
pub(crate) fn looking_container(image: &str, volume: &str, options: &[&str], words: &[&str]) -> ContainerSpec {
    let command = options.iter().chain(&["cache"]).chain(words).map(|word| (*word).to_owned()).collect();
    ContainerSpec {
        image: image.to_owned(),
        command,
        labels: labels(),
        network: "none".to_owned(),
        binds: vec![format!("{volume}:{MOUNTED}")],
        reads_stdin: true,
        ..with_the_agents_rights()
    }
}

/// The labels of a stager image with `dependencies` baked into it at `time` (RFC 3339).
pub(crate) fn baked_labels(dependencies: usize, time: &str) -> BTreeMap<String, String> {
    [
        (labels::KIND, labels::KIND_STAGER.to_owned()),
        (labels::BAKED_DEPENDENCIES, dependencies.to_string()),
        (labels::BAKED_AT, time.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::golden::describe;
    use crate::plan::name_resolution::NameResolution;
    use shared_model::cache::BAKED;

    #[test]
    fn only_what_engines_call_a_volume_is_one() {
        for name in ["stager-cache", "a1", "A_b.c-d"] {
            assert!(is_volume_name(name), "{name}");
        }
        for name in ["", "a", "/srv/cache", "./cache", "-x", ".x", "a:b", "a b", "ä1"] {
            assert!(!is_volume_name(name), "{name}");
        }
    }

    #[test]
    fn what_looks_into_a_volume_has_a_network_only_to_compare_and_what_fills_an_image_has_no_volume() {
        let looks = describe(&looking_container("stager:x", "kept", &["--output", "json"], &["verify", "key"]));
        for line in
            [r#"command "--output" "json" "cache" "verify" "key""#, "network none", "bind kept:/var/cache/stager"]
        {
            assert!(looks.lines().any(|found| found == line), "{line:?} is not in\n{looks}");
        }
        let volume = Fetching {
            image: "stager:x",
            network: "hcf",
            names: NameResolution::default(),
            files: &[],
            keeping: Keeping::InVolume { name: "kept", limit: None },
            agent_options: &[],
        };
        let compares = describe(&comparing_container(&volume, Some("key")));
        for line in [
            r#"command "--output" "json" "--lease" "cache" "verify" "--origin" "key""#,
            "network hcf",
            "bind kept:/var/cache/stager",
        ] {
            assert!(compares.lines().any(|found| found == line), "{line:?} is not in\n{compares}");
        }
        let fetching = Fetching {
            image: "stager:x",
            network: "hcf",
            names: NameResolution::default(),
            files: &[],
            keeping: Keeping::InImage(BAKED),
            agent_options: &["--retries=1".to_owned()],
        };
        let fills = describe(&filling_container(&fetching));
        let command =
            r#"command "--output" "json" "--lease" "--retries=1" "cache" "up" "--into" "/usr/share/stager-cache""#;
        assert!(fills.lines().any(|found| found == command) && !fills.contains("bind"), "{fills}");
    }
}
