//! READ ME FIRST: how an app becomes a droplet. [`stage`] has all steps on one screen; the files beside this one own
//! one each.

mod buildpack;
mod compile;
mod custom_buildpack;
mod directories;
mod droplet;
mod failure;
mod process_types;
mod settings;
mod staging;
mod staging_result;

pub use failure::BuildFailure;
pub use settings::Settings;
pub use staging::Staging;

use buildpack::Buildpack;
use directories::Directories;

/// Stages the app in the build directory: writes droplet, build-artifacts cache and result file. Nothing of them is
/// written before a buildpack has succeeded.
///
/// # Errors
/// What failed, with the exit code that the real builder ends with.
pub fn stage(mut staging: Staging) -> Result<(), BuildFailure> {
    let directories = Directories::make(staging.settings, staging.era)?;
    custom_buildpack::fetch_all(&mut staging)?;
    if staging.era.has_deps() {
        Directories::clean_cache(staging.settings)?;
    }

    let chosen = choose(&mut staging, &directories)?;
    compile::finish(&mut staging, &directories, &chosen)?;
    let process_types = process_types::read(&chosen, staging.settings, staging.era)?;
    if process_types.get("web").is_none_or(String::is_empty) {
        staging.say("No start command specified by buildpack or via Procfile.");
        staging.say("App will not start unless a command is provided at runtime.");
    }

    let metadata = staging_result::StagingMetadata::gather(&chosen, staging.settings, staging.era, &directories);
    droplet::write(staging.settings, &directories, &metadata, &process_types)?;
    droplet::write_cache(staging.settings)
}

/// The buildpack that makes the droplet: the first that detects, or with `-skipDetect` the last of the order, after
/// the others have supplied their dependencies (in 2016: the first usable one).
fn choose(staging: &mut Staging, directories: &Directories) -> Result<Buildpack, BuildFailure> {
    if staging.settings.skip_detect && staging.era.has_deps() {
        compile::supply(staging, directories)
    } else {
        buildpack::detect(staging)
    }
}
