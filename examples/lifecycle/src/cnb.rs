//! READ ME FIRST: how an app becomes a droplet by Cloud Native Buildpacks. [`stage`] has the phases on one screen; the
//! files beside this one own one each. What buildpacks see is Buildpack API 0.10, as far as README.md says.

mod build;
mod buildpack;
mod cache;
mod detect;
mod droplet;
mod environment;
mod failure;
mod fetch;
mod launcher;
mod layers;
mod oci_layout;
mod plan;
mod result;
mod settings;
mod staging;
mod tree;

pub use failure::CnbFailure;
pub use launcher::{Launch, Process};
pub use settings::Settings;
pub use staging::Staging;

/// Stages the app in the workspace: writes layers, droplet, cache and result file. Neither droplet nor cache nor result is
/// written before all buildpacks have succeeded.
///
/// # Errors
/// What failed, with the exit code that the real builder ends with.
pub fn stage(staging: &mut Staging) -> Result<(), CnbFailure> {
    let work = tempfile::tempdir().map_err(|why| CnbFailure::generic("cannot make a folder to work in", &why))?;
    staging.must_not_need_credhub()?;
    let names: Vec<String> =
        staging.settings.buildpacks.iter().map(|key| fetch::shown(key, staging.settings)).collect();
    staging.say(format_args!("Using buildpacks: {}", names.join(", ")));
    let fetched = fetch::fetch_all(staging, work.path())?;

    staging.phase("DETECTING");
    let platform = staging.platform(work.path())?;
    let group = detect::detect(staging, &platform, &fetched, work.path())?;

    staging.phase("RESTORING");
    let kept = cache::restore(staging, &group)?;

    staging.phase("BUILDING");
    let built = build::build(staging, &platform, &group, work.path())?;

    staging.phase("EXPORTING");
    cache::export(staging, &built, &kept)?;
    droplet::write(staging, &built)
}
