//! A staging request and the user's options → all that a restage is to be. Nothing is asked of the request after this. Pure.

use super::cache;
use super::error::PlanError;
use super::fetching::{Fetching, Keeping, MountedFile};
use super::filled_folder::{FilledFolder, Identity};
use super::image_source::ImageSource;
use super::not_done::{DiskBound, NotDone};
use super::staged_files::StagedFiles;
use super::staging_container::{StagingOptions, container_name, staging_container};
use crate::app_ref::AppRef;
use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::image::app_image;
use crate::image::{Bound, ImageNames, ImageOptions, ImagePlan};
use crate::labels::ROOTFS;
use shared_model::action::Action;
use shared_model::application::Application;
use shared_model::event::Event;
use shared_model::secret::Secret;
use shared_model::task::TaskDefinition;
use shared_model::validate;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

/// What the user decides about a restage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestageOptions<'a> {
    /// How the container fetches, and with which options the agent runs.
    pub(crate) fetching: Fetching<'a>,
    /// The root file system of the app image; `None`: the one that `docker/build` made for the request's stack.
    pub(crate) base: Option<&'a str>,
    /// How the image is made; `None`: none is wanted.
    pub(crate) image: Option<ImageOptions>,
    /// Whether the container waits for a visitor when all is done.
    pub(crate) keep: bool,
    /// How many of the app's images stay; `None`: as many as usual.
    pub(crate) keep_images: Option<NonZeroUsize>,
    /// Who the staging is; `None`: nobody said.
    pub(crate) identity: Option<&'a Identity>,
    /// See [`crate::labels::INSTANCE`].
    pub(crate) instance: &'a str,
}

/// A restage, decided.
pub(crate) struct RestagePlan {
    /// What the user should know before it begins: warnings, and what of the request is not done.
    pub(crate) notes: Vec<Event>,
    /// The request, as the agent gets it.
    pub(crate) document: Secret<String>,
    /// The agent's options, wherever its request comes from.
    pub(crate) agent_options: Vec<String>,
    /// How long the request lets a staging take; `None`: it does not say.
    pub(crate) time_limit: Option<Duration>,
    /// Hosts that the request's URLs name, as they are looked up, and the name servers: see `NameResolution::asked`.
    pub(crate) hosts: BTreeSet<String>,
    /// Files of this machine that the container is to see.
    pub(crate) files: Vec<MountedFile>,
    /// As whom programs of the request run: none of them may read a private key among the files.
    pub(crate) users: BTreeSet<String>,
    /// The volume that keeps what was fetched, and the labels that it gets should it not be there; `None`: nothing is kept.
    pub(crate) volume: Option<(String, BTreeMap<String, String>)>,
    /// The instance identity, put into the container before it starts; `None`: there is none.
    pub(crate) identity: Option<FilledFolder>,
    /// The staging container.
    pub(crate) container: ContainerSpec,
    /// Its name.
    pub(crate) container_name: String,
    /// What is said where the engine does not bound what the container writes.
    pub(crate) unbounded: String,
    /// The request's memory in MiB; 0: nobody bounds it.
    pub(crate) memory_mb: i32,
    /// The user asked the agent for its help; then it need not stage.
    pub(crate) for_help: bool,
    /// Where a visitor lands, where one is to be waited for.
    pub(crate) visit: Option<Visit>,
    /// The app's image; `None`: none is wanted.
    pub(crate) image: Option<StagedImagePlan>,
}

/// The image that is made of what a staging leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedImagePlan {
    /// The image.
    pub(crate) plan: ImagePlan,
    /// What it is made of, in the container.
    pub(crate) files: StagedFiles,
    /// Whose it is; empty: nobody's.
    pub(crate) app_guid: String,
    /// See [`RestageOptions::keep_images`].
    pub(crate) keep_images: Option<NonZeroUsize>,
}

impl RestagePlan {
    /// What `document`, a staging request, becomes.
    ///
    /// # Errors
    /// It cannot be used, or nobody knows its root file system.
    pub(crate) fn new(document: &str, options: &RestageOptions<'_>) -> Result<Self, PlanError> {
        let task = staging_request(document)?;
        let mut notes = Vec::new();
        let mut fetching = options.fetching;
        if task.runs_as_root() && keeps(fetching.keeping) {
            let text =
                "the cache is not filled, because the request runs a program as root, which could change the cache";
            notes.push(Event::Warning { text: text.to_owned() });
            fetching.keeping = Keeping::Nothing;
        }
        let not_done = NotDone::of_staging(&task, options.identity.is_some());
        notes.extend(not_done.warnings.iter().map(|text| Event::Warning { text: text.clone() }));
        notes.extend(not_done.event(DiskBound::Kept));
        let user = task.builder().map_or("vcap", |run| &run.user);
        // A docker app is staged in a stack as well.
        let of_user = |identity| FilledFolder::of_identity(identity, user, &ImageSource::Droplet);
        let identity = options.identity.map(of_user).transpose()?;
        // A docker app's is in a registry already.
        let wanted = options.image.filter(|_| !task.is_docker());
        let image = wanted.map(|how| staged_image(&task, how, options)).transpose()?;
        let container_options = StagingOptions { fetching, keep: options.keep, instance: options.instance };
        Ok(Self {
            notes,
            document: Secret::new(document.to_owned()),
            agent_options: fetching.options(),
            time_limit: time_limit(&task),
            hosts: fetching.names.asked(task.hosts()),
            files: fetching.files.to_vec(),
            users: task.users().into_iter().map(str::to_owned).collect(),
            volume: match fetching.keeping {
                Keeping::InVolume { name, .. } => Some((name.to_owned(), cache::labels())),
                Keeping::Nothing | Keeping::InImage(_) | Keeping::WithContainer => None,
            },
            container: ContainerSpec {
                volumes: identity.iter().map(|folder| folder.at.clone()).collect(),
                ..staging_container(&task, &container_options)
            },
            identity,
            container_name: container_name(&task, options.instance),
            unbounded: format!("Disk limit kept by the agent, not by this Docker Engine: disk_mb={}", task.disk_mb),
            memory_mb: task.memory_mb,
            for_help: asks_for_help(fetching.agent_options),
            visit: options.keep.then(|| Visit::new(&task)),
            image,
        })
    }
}

fn keeps(keeping: Keeping<'_>) -> bool {
    !matches!(keeping, Keeping::Nothing | Keeping::WithContainer)
}

/// The longest of the request's limits: one that others are within, as Cloud Controller writes it.
fn time_limit(task: &TaskDefinition) -> Option<Duration> {
    let limit = |action: &Action| match action {
        Action::Timeout(timeout) => timeout.limit(),
        _ => None,
    };
    task.action.iter().flat_map(Action::descend).filter_map(limit).max()
}

fn staged_image(
    task: &TaskDefinition,
    how: ImageOptions,
    options: &RestageOptions<'_>,
) -> Result<StagedImagePlan, PlanError> {
    let application = task.application();
    let app_guid = application.guid.clone();
    let plan = ImagePlan {
        base: base_image(task, options.base)?,
        lifecycle: task.lifecycle_kind(),
        names: ImageNames::OfApp { name: application.name, guid: application.guid },
        labels: app_image::labels_of_task(task),
        bound: Bound::from_request(task.disk_mb),
        options: how,
    };
    Ok(StagedImagePlan { plan, files: StagedFiles::new(task), app_guid, keep_images: options.keep_images })
}

/// A staging request.
///
/// # Errors
/// It cannot be used.
pub(crate) fn staging_request(document: &str) -> Result<TaskDefinition, PlanError> {
    Ok(validate::task(document)?)
}

/// The image that the app image stands on: `wanted`, else the one that `docker/build` made for the request's stack.
///
/// # Errors
/// Neither is there.
pub(crate) fn base_image(task: &TaskDefinition, wanted: Option<&str>) -> Result<String, PlanError> {
    let of_stack = || task.stack().map(|stack| format!("{ROOTFS}{stack}"));
    let unknown = || PlanError::UnknownRootfs { rootfs: task.rootfs.clone() };
    wanted.map(str::to_owned).or_else(of_stack).ok_or_else(unknown)
}

/// Whether the user only wants to know what the agent can do: then it stages nothing.
pub(crate) fn asks_for_help(agent_options: &[String]) -> bool {
    agent_options.iter().any(|option| ["--help", "-h", "--version", "-V"].contains(&option.as_str()))
}

/// Where a visitor of the container lands: where the builder worked, as the builder's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    user: String,
    folder: String,
}

impl Visit {
    fn new(task: &TaskDefinition) -> Self {
        Self { user: task.builder().map_or("vcap", |run| &run.user).to_owned(), folder: task.workspace().to_owned() }
    }

    /// The command that opens a shell there.
    pub(crate) fn command(&self, container: &ContainerId) -> String {
        let short: String = container.0.chars().take(12).collect();
        format!("docker exec -it -u {} -w {} {short} bash", quoted(&self.user), quoted(&self.folder))
    }
}

/// The command that starts what was staged, on the same network and from the same logs; `typed`: what the user called the app.
pub(crate) fn launch_command(application: &Application, typed: Option<&AppRef>, places: &[(&str, String)]) -> String {
    let Application { name, guid, .. } = application;
    let app = match typed {
        Some(app) if !app.is_name && app.word.len() >= 8 && guid.starts_with(&app.word) => app.word.clone(),
        Some(app) if app.is_name && !name.is_empty() => format!("--app={}", quoted(name)),
        _ => app_word(name, guid),
    };
    let options = places.iter().flat_map(|(option, value)| [(*option).to_owned(), quoted(value)]);
    let words: Vec<String> = ["host-cli".to_owned(), "launch".to_owned()].into_iter().chain(options).collect();
    format!("{} {app}", words.join(" "))
}

/// How an app is named on a command line, so that nothing else is meant: by its name, or its guid where it has none.
pub(crate) fn app_word(name: &str, guid: &str) -> String {
    let could_be_a_guid = |word: &str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    match name {
        _ if name.is_empty() || name == guid => guid.to_owned(),
        _ if could_be_a_guid(name) || name.starts_with('-') => format!("--app={}", quoted(name)),
        _ => quoted(name),
    }
}

/// A word as a shell takes it: robots of Harbor are called `robot$team+name`.
pub(crate) fn quoted(word: &str) -> String {
    // zsh looks a command up where a word begins with an equals sign.
    let is_plain = !word.is_empty()
        && !word.starts_with('=')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._:=-".contains(c));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
