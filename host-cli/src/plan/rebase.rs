//! Whether an app image may be put upon another root file system, and what it is called then. Pure.
//!
//! A droplet is compiled for the stack that it was staged on: its programs want the shared libraries of that stack. A newer
//! build of the same stack has them, a stack of another number need not.

use crate::engine::{Image, Platform};
use crate::image::app_image::{BASE_DIGEST, BASE_NAME, STACK};
use crate::image::provenance::is_labelled;
use crate::image::rebase_plan::RebasePlan;
use crate::labels::{self, ROOTFS};
use crate::registry::reference::Reference;
use shared_model::plain_line::escape_control;

/// What the user decides about a rebase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RebaseOptions<'a> {
    /// What the root file system was called.
    pub(crate) base: &'a str,
    /// Names of what comes of it; empty: those that the image has here.
    pub(crate) names: &'a [String],
    /// Whether a stack that the droplet was not made for will do.
    pub(crate) force: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Rebasing {
    /// What the image becomes.
    pub(crate) plan: RebasePlan,
    /// What that is called; the first is what people read.
    pub(crate) names: Vec<String>,
    /// What the user should know before.
    pub(crate) warning: Option<String>,
}

/// Why an image is not put upon a root file system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RebaseError {
    /// Its layers are not those that its labels tell.
    #[error("image {} does not end with a lifecycle layer and a droplet layer, as its labels say", escape_control(.image))]
    Layers { image: String },
    /// There is an app, or the agent, in what should be a root file system.
    #[error("{} is {what}, not a root file system", escape_control(.base))]
    NotRootfs { base: String, what: &'static str },
    /// Nothing of the app would run.
    #[error("{} is for {}, and the app for {}", escape_control(.base), escape_control(.its), escape_control(.apps))]
    Architecture { base: String, its: String, apps: String },
    /// Its programs may not run.
    #[error("{}", other_stack(.base, .its, .apps))]
    Stack { base: String, its: String, apps: String },
    /// It would be there, and nobody could find it.
    #[error("image {} has no name on this Docker Engine that could go on to the new one", escape_control(.image))]
    NoName { image: String },
}

impl RebaseError {
    /// What to try.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Layers { .. } => "`host-cli restage APP` makes the app's image anew",
            Self::NotRootfs { .. } | Self::Architecture { .. } => {
                "`docker image ls stager-rootfs` lists root file systems; docker/build --stack NAME makes one"
            }
            Self::Stack { .. } => {
                "`host-cli restage --base IMAGE APP` stages it anew; --force does it all the same, and the app may not start"
            }
            Self::NoName { .. } => "give one with --name REPOSITORY[:TAG]",
        }
    }
}

fn other_stack(base: &str, its: &str, apps: &str) -> String {
    format!(
        "the app was staged on {}, and {} is {}: what its buildpacks compiled may lack its shared libraries there",
        escape_control(apps),
        escape_control(base),
        escape_control(its)
    )
}

/// What `image`, an app image of ours, is to become on `base`. `former` is what it stands on, if that is there. `None`: it stands
/// on `base`.
///
/// # Errors
/// It cannot, or should not, stand there.
pub(crate) fn rebase(
    image: &Image,
    former: Option<&Image>,
    base: Image,
    options: &RebaseOptions<'_>,
) -> Result<Option<Rebasing>, RebaseError> {
    let RebaseOptions { base: name, names, force } = *options;
    if image.labels.get(BASE_DIGEST) == Some(&base.id.0) {
        return Ok(None);
    }
    let called = || image.tags.first().unwrap_or(&image.id.0).clone();
    suits(image, &base, name)?;
    let apps = stack_of_app(image, former);
    let warning = match (apps, stack_of_base(&base, name, apps)) {
        (Some(apps), Some(its)) if major(apps) != major(its) => {
            if !force {
                return Err(RebaseError::Stack { base: name.into(), its: its.into(), apps: apps.into() });
            }
            Some(other_stack(name, its, apps))
        }
        (Some(apps), None) => Some(format!(
            "{} does not say which stack it is (label {STACK}); the app was staged on {}",
            escape_control(name),
            escape_control(apps)
        )),
        _ => None,
    };
    let names = if names.is_empty() { names_here(image) } else { names.to_vec() };
    if names.is_empty() {
        return Err(RebaseError::NoName { image: called() });
    }
    let plan = RebasePlan::new(image, base, name).ok_or_else(|| RebaseError::Layers { image: called() })?;
    Ok(Some(Rebasing { plan, names, warning }))
}

/// Whether anything of the app can run there, on a root file system that is called `name`.
///
/// # Errors
/// Why not.
pub(super) fn suits(image: &Image, base: &Image, name: &str) -> Result<(), RebaseError> {
    let is_stager = base.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_STAGER);
    let what = if is_labelled(base) {
        "an app's image"
    } else if is_stager {
        "a stager image"
    } else {
        return same_machine(&image.details.platform, &base.details.platform, name);
    };
    Err(RebaseError::NotRootfs { base: name.to_owned(), what })
}

fn same_machine(apps: &Platform, its: &Platform, base: &str) -> Result<(), RebaseError> {
    // What one of them does not tell is no difference.
    let same = |apps: &str, its: &str| apps == its || apps.is_empty() || its.is_empty();
    let all_same =
        same(&apps.os, &its.os) && same(&apps.architecture, &its.architecture) && same(&apps.variant, &its.variant);
    if all_same {
        return Ok(());
    }
    let shown = |Platform { architecture, os, variant }: &Platform| {
        [os, architecture, variant].into_iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join("/")
    };
    Err(RebaseError::Architecture { base: base.to_owned(), its: shown(its), apps: shown(apps) })
}

/// The stack that the droplet was made for, as far as anybody knows.
fn stack_of_app<'a>(image: &'a Image, former: Option<&'a Image>) -> Option<&'a str> {
    let told = image.labels.get(STACK).or_else(|| former?.labels.get(STACK));
    told.map(String::as_str).or_else(|| image.labels.get(BASE_NAME)?.strip_prefix(ROOTFS))
}

/// The stack that a root file system is: as it says, else by one of its names, where that is one like `apps`.
fn stack_of_base<'a>(base: &'a Image, name: &'a str, apps: Option<&str>) -> Option<&'a str> {
    if let Some(told) = base.labels.get(STACK) {
        return Some(told);
    }
    let names = std::iter::once(name).chain(base.tags.iter().map(String::as_str));
    let words = names.flat_map(|name| name.rsplit('/').next().unwrap_or(name).split([':', '@']));
    let family = |stack: &str| major(stack).0.to_owned();
    let wanted = apps.map(family).filter(|family| !family.is_empty())?;
    words.into_iter().find(|word| family(word) == wanted && !major(word).1.is_empty())
}

/// The family of a stack and its number: `cflinuxfs` and `4` of `cflinuxfs4-compat`.
fn major(stack: &str) -> (&str, &str) {
    let digits_at = stack.find(|c: char| c.is_ascii_digit()).unwrap_or(stack.len());
    let (family, rest) = stack.split_at(digits_at);
    (family, &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())])
}

/// The names that an image has on this engine. A registry's stay with the image that is there.
fn names_here(image: &Image) -> Vec<String> {
    // Podman puts one of these in front of names that nobody gave a registry.
    const NOBODYS: [&str; 2] = ["localhost/", "docker.io/"];
    let names_a_registry = |name: &str| Reference::pulled(name).is_some_and(|name| name.names_a_registry());
    let is_here = |name: &&String| NOBODYS.iter().any(|none| name.starts_with(none)) || !names_a_registry(name);
    image.tags.iter().filter(is_here).cloned().collect()
}

#[cfg(test)]
mod tests;
