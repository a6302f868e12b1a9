//! Runs each participating buildpack's `bin/build`, one after the other: the layers that one leaves for building change
//! the environment of the next.

use super::buildpack::Buildpack;
use super::environment::{Environment, For};
use super::layers::{Left, ProcessFile};
use super::plan::{Participant, Required};
use super::staging::Platform;
use super::{CnbFailure, Staging};
use crate::go_text::{go_text, not_started, outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the buildpacks made.
pub(super) struct Built<'a> {
    pub(super) buildpacks: Vec<(&'a Buildpack, Left)>,
}

impl<'a> Built<'a> {
    /// The processes with their buildpacks in the order of their types: of one type the last buildpack's.
    pub(super) fn processes(&self) -> Vec<(&'a Buildpack, &ProcessFile)> {
        let all =
            self.buildpacks.iter().flat_map(|(one, left)| left.processes.iter().map(move |process| (*one, process)));
        let mut of_a_type = BTreeMap::new();
        for (buildpack, process) in all {
            of_a_type.insert(process.kind.as_str(), (buildpack, process));
        }
        of_a_type.into_values().collect()
    }

    /// The type that starts where none is asked for: the last that a buildpack calls so, else web.
    pub(super) fn default_process(&self) -> Option<String> {
        let named = self.buildpacks.iter().flat_map(|(_, left)| &left.processes).rfind(|process| process.default);
        let web = || self.processes().into_iter().map(|(_, process)| process).find(|process| process.kind == "web");
        named.or_else(web).map(|process| process.kind.clone())
    }
}

/// Builds.
pub(super) fn build<'a>(
    staging: &mut Staging,
    platform: &Platform,
    group: &[Participant<'a>],
    work: &Path,
) -> Result<Built<'a>, CnbFailure> {
    staging.say("target distro name/version labels not found, reading /etc/os-release file");
    let (mut environment, mut bare) = (platform.environment.clone(), platform.bare.clone());
    let mut built = Built { buildpacks: Vec::new() };
    let mut met: BTreeSet<String> = BTreeSet::new();
    for (number, Participant { buildpack, entries }) in group.iter().enumerate() {
        let entries: Vec<&Required> = entries.iter().filter(|entry| !met.contains(&entry.name)).collect();
        let one = One { buildpack, platform, layers: staging.settings.layers.join(buildpack.folder()) };
        let plan = work.join(format!("plan-{number}.toml"));
        let own = if buildpack.clear_env { &bare } else { &environment };
        fs::write(&plan, plan_text(&entries))
            .and_then(|()| fs::create_dir_all(&one.layers))
            .map_err(|why| CnbFailure::Build(go_text(&why)))?;
        // What the builder has said comes before what the buildpack says.
        let _ = staging.stdout.flush();
        one.run(own, &plan, &staging.settings.workspace).map_err(CnbFailure::Build)?;
        let left = Left::read(&one.layers, buildpack).map_err(CnbFailure::Build)?;
        met.extend(entries.iter().map(|entry| entry.name.clone()).filter(|name| !left.unmet.contains(name)));
        for layer in left.layers.iter().filter(|layer| layer.types.build) {
            environment.apply_layer(&layer.folder, For::Build);
            bare.apply_layer(&layer.folder, For::Build);
        }
        built.buildpacks.push((buildpack, left));
    }
    Ok(built)
}

struct One<'a> {
    buildpack: &'a Buildpack,
    platform: &'a Platform,
    layers: PathBuf,
}

impl One<'_> {
    fn run(&self, environment: &Environment, plan: &Path, workspace: &Path) -> Result<(), String> {
        let script = self.buildpack.root.join("bin/build");
        let mut build = Command::new(&script);
        build.args([&self.layers, &self.platform.folder]).arg(plan).current_dir(workspace).stdin(Stdio::null());
        build.env_clear().envs(environment.iter());
        build.env("CNB_BUILDPACK_DIR", &self.buildpack.root).env("CNB_PLATFORM_DIR", &self.platform.folder);
        build.env("CNB_LAYERS_DIR", &self.layers).env("CNB_BP_PLAN_PATH", plan);
        outcome(build.status().map_err(|error| not_started(&script, &error))?)
    }
}

/// The buildpack plan as TOML.
fn plan_text(entries: &[&Required]) -> String {
    let entry = |entry: &&Required| {
        let mut table = toml::Table::new();
        table.insert("name".to_owned(), entry.name.clone().into());
        if !entry.metadata.is_empty() {
            table.insert("metadata".to_owned(), toml::Value::Table(entry.metadata.clone()));
        }
        toml::Value::Table(table)
    };
    if entries.is_empty() {
        return String::new();
    }
    let mut plan = toml::Table::new();
    plan.insert("entries".to_owned(), toml::Value::Array(entries.iter().map(entry).collect()));
    plan.to_string()
}
