//! `mini-hcf down`: removes what `up` made, and nothing else.

use std::fs;
use std::io::Write;

use crate::failure::Failure;
use crate::manage::docker::{KIND_LABEL, instance_label, run};
use crate::manage::image::BELOW_LABEL;
use crate::manage::network::{Found, look};
use crate::state::State;

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
    remove_containers(&settings.instance)?;
    if look(&settings.network)? == Found::Ours(settings.instance.clone()) {
        run(&["network", "rm", &settings.network])?;
    }
    if extent == Extent::Purge {
        remove_image(&settings.image)?;
        // Only a folder with our settings in it gets here.
        let folder = state.path("");
        fs::remove_dir_all(&folder).map_err(Failure::file("remove", &folder))?;
    }
    let _ = writeln!(out, "mini-HCF `{}` is down", settings.instance);
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

/// The image and the one with nginx below it. Where another instance still uses them they stay.
fn remove_image(image: &str) -> Result<(), Failure> {
    let ours = run(&["image", "ls", "--quiet", "--filter", &format!("label={KIND_LABEL}"), image])?;
    if ours.is_empty() {
        return Ok(());
    }
    let label = format!("{{{{index .Config.Labels \"{BELOW_LABEL}\"}}}}");
    let below = run(&["image", "inspect", "--format", &label, image])?;
    for image in [image, &below] {
        let used = run(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={image}")])?;
        if used.is_empty() {
            run(&["image", "rm", image])?;
        }
    }
    Ok(())
}
