//! The cell's container: the stager image's own host-cli, which alone has the engine's socket. Pure.
//!
//! It is on the machine's network, since a launch asks there which ports are free and whether an app listens; and it sees the machine's
//! processes, so that it and the user's host-cli can tell of each other's leftovers whether their owner lives. Whoever has the socket has
//! both in any case. It runs as root and has none of root's other rights; nothing leads into it.

use super::limits::DEFAULT_PIDS;
use crate::engine::container_spec::{ContainerSpec, LogConfig, RestartPolicy};
use crate::labels;
use crate::plan::launch::log_config;
use crate::state_folder;
use std::collections::BTreeMap;

/// The container's name, which an engine gives once; and the volume's.
pub(crate) const NAME: &str = "stager-cell";
/// Where its volume is in it.
pub(crate) const FOLDER: &str = "/var/lib/stager-cell";
/// Below that: what is wanted of apps.
pub(crate) const APPS: &str = "apps";
/// The file in it that says that the cell keeps nothing any more, because somebody stops it.
pub(crate) const CLOSED: &str = "closed";
/// Where an engine listens on its machine, unless somebody says otherwise; and where the cell finds it in any case.
pub(crate) const SOCKET: &str = "/var/run/docker.sock";
/// The program of the stager image.
pub(crate) const PROGRAM: &str = "/usr/local/bin/host-cli";

/// The cell's container.
pub(crate) fn container(image: &str, socket: &str, log: &LogConfig, instance: &str) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        entrypoint: vec![PROGRAM.to_owned()],
        command: ["cell", "run"].map(str::to_owned).to_vec(),
        environment: vec![
            ("DOCKER_HOST".to_owned(), format!("unix://{SOCKET}")),
            (state_folder::CELL.to_owned(), FOLDER.to_owned()),
            ("XDG_STATE_HOME".to_owned(), format!("{FOLDER}/state")),
        ],
        labels: labels(instance, socket),
        user: "0:0".to_owned(),
        working_directory: "/".to_owned(),
        network: "host".to_owned(),
        pids: DEFAULT_PIDS,
        drop_capabilities: vec!["ALL".to_owned()],
        security_options: vec!["no-new-privileges".to_owned()],
        binds: vec![format!("{socket}:{SOCKET}"), format!("{NAME}:{FOLDER}")],
        log: log_config(log),
        // Also where an engine that was killed has stopped it: nobody else would start the apps.
        restart: RestartPolicy::Always,
        host_processes: true,
        ..ContainerSpec::default()
    }
}

/// A container that does for a moment what the cell's does, where that does not run: it takes a change of what the volume keeps. Killed,
/// it goes as those that look after the cache do.
pub(crate) fn helper(image: &str, words: &[&str]) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        entrypoint: vec![PROGRAM.to_owned()],
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![(state_folder::CELL.to_owned(), FOLDER.to_owned())],
        labels: [(labels::KIND.to_owned(), labels::KIND_CACHE.to_owned())].into(),
        user: "0:0".to_owned(),
        working_directory: "/".to_owned(),
        network: "none".to_owned(),
        pids: DEFAULT_PIDS,
        drop_capabilities: vec!["ALL".to_owned()],
        security_options: vec!["no-new-privileges".to_owned()],
        binds: vec![format!("{NAME}:{FOLDER}")],
        ..ContainerSpec::default()
    }
}

/// The labels of the volume.
pub(crate) fn volume_labels() -> BTreeMap<String, String> {
    [(labels::KIND.to_owned(), labels::KIND_CELL.to_owned())].into()
}

fn labels(instance: &str, socket: &str) -> BTreeMap<String, String> {
    let mut labels = volume_labels();
    labels.insert(labels::INSTANCE.to_owned(), instance.to_owned());
    labels.insert(labels::SOCKET.to_owned(), socket.to_owned());
    labels
}

/// Whether a path may be the socket's: absolute, and nothing in it that an engine's short form of a mount would misread.
pub(crate) fn is_socket_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(':') && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::golden::{assert_golden, describe};

    #[test]
    fn it_alone_has_the_socket_and_no_more_rights_than_that_gives() {
        let usual = LogConfig { driver: "json-file".to_owned(), options: BTreeMap::new() };
        assert_golden("cell", &describe(&container("stager:latest", "/run/user/1000/docker.sock", &usual, "i-1")));
    }

    #[test]
    fn who_only_takes_a_change_has_neither_socket_nor_network() {
        let helper = describe(&helper("sha256:1", &["cell", "run", "clear"]));
        assert!(
            helper.contains("network none") && !helper.contains(SOCKET) && !helper.contains("host-processes"),
            "{helper}"
        );
    }

    #[test]
    fn what_would_be_another_mount_is_no_socket() {
        for path in ["docker.sock", "", "/a:/b", "/a\n"] {
            assert!(!is_socket_path(path), "{path:?}");
        }
        assert!(is_socket_path(SOCKET));
    }
}
