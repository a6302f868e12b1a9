//! From a chosen buildpack to a finished build directory: supply, finalize, or the older compile.

use super::buildpack::Buildpack;
use super::directories::Directories;
use super::{BuildFailure, Staging};
use crate::era::Era;
use std::fs;
use std::path::PathBuf;

const NO_FINALIZE: &str = "Warning: the last buildpack is not compatible with multi-buildpack apps and cannot make use of any dependencies supplied by the buildpacks specified before it";

/// Lets every buildpack but the last supply its dependencies, and gives the last one. All are looked at before the
/// first runs.
pub(super) fn supply(staging: &mut Staging, directories: &Directories) -> Result<Buildpack, BuildFailure> {
    let settings = staging.settings;
    let mut supplying = Vec::new();
    for key in settings.supplying() {
        let buildpack = Buildpack::find(key, settings).map_err(|complaint| {
            staging.say(&complaint);
            BuildFailure::Supply(complaint)
        })?;
        if !buildpack.script("supply").exists() {
            return Err(BuildFailure::NoSupplyScript);
        }
        supplying.push(buildpack);
    }
    for (place, buildpack) in supplying.iter().enumerate() {
        let arguments = [
            settings.build_dir.clone(),
            settings.supply_cache(&buildpack.key),
            directories.deps(),
            settings.deps_index(place).into(),
        ];
        buildpack.run("supply", &arguments).map_err(BuildFailure::Supply)?;
    }
    // The parser refuses an empty order, so there is a last one.
    let last = settings.order.last().map_or("", String::as_str);
    Buildpack::find(last, settings).map_err(BuildFailure::Supply)
}

/// Lets the chosen buildpack change the build directory: supply and finalize where it has a finalize, else compile.
pub(super) fn finish(staging: &mut Staging, directories: &Directories, chosen: &Buildpack) -> Result<(), BuildFailure> {
    let done = if staging.era.has_deps() && chosen.script("finalize").exists() {
        finalize(staging, directories, chosen)
    } else {
        compile(staging, directories, chosen)
    };
    done.map_err(|failure| match staging.era {
        Era::Spring2016 => BuildFailure::Compile(String::new()),
        Era::Late2017 => failure,
        Era::Today => BuildFailure::Compile(failure.to_string()),
    })
}

fn finalize(staging: &Staging, directories: &Directories, chosen: &Buildpack) -> Result<(), BuildFailure> {
    let settings = staging.settings;
    let place = settings.deps_index(settings.supplying().len());
    let mut arguments: Vec<PathBuf> =
        vec![settings.build_dir.clone(), settings.final_cache(staging.era), directories.deps(), place.into()];
    if chosen.script("supply").exists() {
        chosen.run("supply", &arguments).map_err(BuildFailure::Supply)?;
    }
    if staging.era == Era::Today {
        arguments.push(directories.profile());
    }
    chosen.run("finalize", &arguments).map_err(BuildFailure::Finalize)
}

fn compile(staging: &mut Staging, directories: &Directories, chosen: &Buildpack) -> Result<(), BuildFailure> {
    let settings = staging.settings;
    if staging.era.has_deps() {
        if !settings.supplying().is_empty() {
            staging.say(NO_FINALIZE);
        }
        let unused = directories.deps().join(settings.deps_index(settings.supplying().len()));
        fs::remove_dir_all(unused).map_err(|why| BuildFailure::Compile(why.to_string()))?;
    }
    let arguments = [settings.build_dir.clone(), settings.final_cache(staging.era)];
    chosen.run("compile", &arguments).map_err(BuildFailure::Compile)
}
