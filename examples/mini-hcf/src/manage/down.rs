//! `mini-hcf down`: removes what `up` made, and nothing else.

use std::fs;
use std::io::Write;

use crate::failure::Failure;
use crate::manage::docker::{KIND_LABEL, instance_label, run};
use crate::manage::network::{NetworkOwner, look};
use crate::state::{Settings, State};

/// What to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// State and image stay for the next `up`.
    Keep,
    /// They go, too.
    Purge,
}

/// Does nothing, and says so, where no `up` has been; a second time is as good as once.
pub(crate) fn down(state: &State, extent: Extent, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(settings) = state.settings()? else {
        let _ = writeln!(out, "no mini-HCF at {}: nothing to do", state.path("").display());
        return Ok(());
    };
    remove(&settings)?;
    if extent == Extent::Purge {
        remove_image(&settings.image)?;
        // Only a folder with our settings in it gets here.
        let folder = state.path("");
        fs::remove_dir_all(&folder).map_err(Failure::file("remove", &folder))?;
    }
    let _ = writeln!(out, "mini-HCF `{}` is down", settings.instance);
    Ok(())
}

/// Removes the instance's containers and its network.
pub(crate) fn remove(settings: &Settings) -> Result<(), Failure> {
    remove_containers(&settings.instance)?;
    if look(&settings.network)? == NetworkOwner::Ours(settings.instance.clone()) {
        run(&["network", "rm", &settings.network])?;
    }
    Ok(())
}

/// Removes the instance's containers, running or not.
pub(crate) fn remove_containers(instance: &str) -> Result<(), Failure> {
    let (kind, instance) = (format!("label={KIND_LABEL}"), format!("label={}", instance_label(instance)));
    let ids = run(&["ps", "--all", "--quiet", "--filter", &kind, "--filter", &instance])?;
    if ids.is_empty() {
        return Ok(());
    }
    let arguments: Vec<&str> = ["rm", "--force", "--volumes"].into_iter().chain(ids.lines()).collect();
    run(&arguments).map(drop)
}

/// Another instance may still use it; then the engine refuses, and it stays. Under another name the same image may be
/// in use as well: only the name goes then. The image with nginx below it stays: making it takes long, and the next
/// `up` wants it.
fn remove_image(image: &str) -> Result<(), Failure> {
    let ours = run(&["image", "ls", "--quiet", "--filter", &format!("label={KIND_LABEL}"), image])?;
    if ours.is_empty() {
        return Ok(());
    }
    let used = run(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={image}")])?;
    let removed = run(&["image", "rm", image]).map(drop);
    if used.is_empty() { removed } else { Ok(()) }
}
