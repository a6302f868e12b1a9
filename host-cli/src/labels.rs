//! The labels by which we find again what we made. Anybody who may ask the engine can read them: nothing secret.

use shared_model::application::Application;
use std::collections::BTreeMap;

/// How the names of all of our labels begin.
pub(crate) const PREFIX: &str = "stager.";
/// What a thing is: one of the `KIND_` values.
pub(crate) const KIND: &str = "stager.kind";
/// A staging container.
pub(crate) const KIND_STAGING: &str = "staging";
/// The volume that keeps dependencies, and the containers that look after it.
pub(crate) const KIND_CACHE: &str = "cache";
/// A stager image.
pub(crate) const KIND_STAGER: &str = "stager";
/// An app's container or image.
pub(crate) const KIND_APP: &str = "app";
/// A container of a one-off task of an app.
pub(crate) const KIND_TASK: &str = "task";
/// A container that never starts: it says that an image is being made, or bears a name for the time being, and by whom.
pub(crate) const KIND_GUARD: &str = "guard";
/// A container's own volume with files that Diego would mount, some of them secret.
pub(crate) const KIND_FILES: &str = "files";
/// The cell: the container that keeps apps running, and its volume.
pub(crate) const KIND_CELL: &str = "cell";
/// Who made a container, see [`crate::owner`].
pub(crate) const OWNER: &str = "stager.owner";
/// Which program made it, where that matters: [`BY_CELL`], else empty or missing.
pub(crate) const BY: &str = "stager.by";
/// The cell.
pub(crate) const BY_CELL: &str = "cell";
/// On a guard: the name that an image bears for the time being.
pub(crate) const LENT: &str = "stager.lent";
/// On a guard: that image's id.
pub(crate) const LENT_TO: &str = "stager.lent-to";
/// On a guard: the id of the image that the name goes back to; absent where there is none.
pub(crate) const LENT_FROM: &str = "stager.lent-from";
/// The app's guid.
pub(crate) const APP_GUID: &str = "stager.app-guid";
/// The app's name.
pub(crate) const APP_NAME: &str = "stager.app-name";
/// Another text for every container.
pub(crate) const INSTANCE: &str = "stager.instance";
/// `true` on a container that `--keep` may leave behind.
pub(crate) const KEPT: &str = "stager.kept";
/// The process type that an app's container runs.
pub(crate) const PROCESS: &str = "stager.process";
/// Which of the process's instances an app's container is, from 0; without it number 0.
pub(crate) const INDEX: &str = "stager.index";
/// The revision of its app that an app's container belongs to, from 1; without it nobody counted.
pub(crate) const REVISION: &str = "stager.revision";
/// Which of its app's tasks a task's container is, from 1.
pub(crate) const TASK_ID: &str = "stager.task-id";
/// What people call the task.
pub(crate) const TASK_NAME: &str = "stager.task-name";
/// On the cell: where the engine's socket is on its machine.
pub(crate) const SOCKET: &str = "stager.socket";
/// The ports of the host that an app's container holds: `127.0.0.1:32768 0.0.0.0:8080`.
pub(crate) const PORTS: &str = "stager.ports";
/// The process types of an app image with their commands, as a JSON object.
pub(crate) const PROCESS_TYPES: &str = "stager.process-types";

/// What the repositories of all app images begin with, behind what an engine may put in front of it.
pub(crate) const REPOSITORIES: &str = "cf-app/";
/// What the names of the root file systems begin with that docker/build makes; behind it stands the stack.
pub(crate) const ROOTFS: &str = "stager-rootfs:";

/// How many dependencies were baked into a stager image.
pub(crate) const BAKED_DEPENDENCIES: &str = "stager.baked-dependencies";
/// When that was, as RFC 3339 has it.
pub(crate) const BAKED_AT: &str = "stager.baked-at";

/// The labels of a container of `application`.
pub(crate) fn of_container(kind: &str, application: &Application, instance: &str) -> BTreeMap<String, String> {
    [(KIND, kind), (APP_GUID, &application.guid), (APP_NAME, &application.name), (INSTANCE, instance)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// An app's name as engines allow it in names: lower case, every other character than `a-z`, `0-9` a `-`, none at the
/// ends; `app` where nothing is left.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars().map(|character| character.to_ascii_lowercase()) {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "app".to_owned() } else { slug.chars().take(LONGEST_SLUG).collect() }
}

/// A network alias is a DNS label: 63 characters at most. What is put behind it in names needs some of them.
const LONGEST_SLUG: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_what_an_engine_takes() {
        let slugs = ["node-env", "My App_2", "--ÄÖ--", "", "a...b"].map(slug);
        assert_eq!(slugs, ["node-env", "my-app-2", "app", "app", "a-b"]);
        assert!(slug(&"x".repeat(300)).len() <= LONGEST_SLUG);
    }
}
