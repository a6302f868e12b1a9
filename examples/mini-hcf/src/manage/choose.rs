//! What a push is told, and which buildpacks that means.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::request::application::{HealthCheck, Sidecar};
use crate::request::bindings::Bindings;
use crate::request::lifecycle::{Kind, Lifecycle};
use crate::request::style::Style;
use crate::state::{InstalledBuildpack, Settings};

/// What `push` is told.
pub(crate) struct PushOptions {
    /// The app's folder, or its package as a zip; `None` for a docker app.
    pub(crate) source: Option<PathBuf>,
    /// The app's name.
    pub(crate) name: String,
    /// How it is staged.
    pub(crate) lifecycle: Lifecycle,
    /// Buildpacks by name or URL, in order; empty: all of the installation.
    pub(crate) buildpacks: Vec<String>,
    /// The start command of web; empty: the droplet's or the image's own.
    pub(crate) command: String,
    /// Further processes: type and start command.
    pub(crate) processes: Vec<(String, String)>,
    /// What runs beside web.
    pub(crate) sidecars: Vec<Sidecar>,
    /// How the app is told of its services.
    pub(crate) bindings: Bindings,
    /// The stack.
    pub(crate) stack: String,
    /// Memory limit in MiB.
    pub(crate) memory_mb: u32,
    /// How health is checked.
    pub(crate) health_check: HealthCheck,
    /// The app's own environment.
    pub(crate) env: Vec<(String, String)>,
    /// The form of the requests.
    pub(crate) style: Style,
    /// Whether patched components log the requests; BBS has today's in any case.
    pub(crate) logs: bool,
    /// Whether the signatures shall have ended an hour ago.
    pub(crate) expired: bool,
    /// Whether `diego-sshd` runs beside the app.
    pub(crate) ssh: bool,
}

/// What the builder is to try.
pub(crate) struct Chosen {
    /// Keys or URLs, in order.
    pub(crate) order: Vec<String>,
    /// Those of the installation among them.
    pub(crate) installed: Vec<InstalledBuildpack>,
}

/// By name, or all of the app's lifecycle.
pub(crate) fn chosen_buildpacks(settings: &Settings, push: &PushOptions) -> Result<Chosen, Failure> {
    let kind = push.lifecycle.kind();
    let all = settings.buildpacks.iter().filter(|buildpack| buildpack.lifecycle == kind);
    let mut chosen = Chosen { order: Vec::new(), installed: Vec::new() };
    if kind == Kind::Docker {
        return Ok(chosen);
    }
    for name in &push.buildpacks {
        if name.contains("://") {
            chosen.order.push(name.clone());
            continue;
        }
        let found = all.clone().find(|buildpack| buildpack.name == *name).ok_or_else(|| {
            let all: Vec<&str> = all.clone().map(|pack| pack.name.as_str()).collect();
            Failure::CommandLine(format!(
                "no {} buildpack `{name}` is installed; there are: {}",
                kind.name(),
                all.join(", ")
            ))
        })?;
        chosen.order.push(found.key.clone());
        chosen.installed.push(found.clone());
    }
    if push.buildpacks.is_empty() {
        chosen.installed = all.cloned().collect();
        chosen.order = chosen.installed.iter().map(|buildpack| buildpack.key.clone()).collect();
    }
    if chosen.order.is_empty() {
        let how = if kind == Kind::Cnb { "FILE.tgz --lifecycle cnb" } else { "DIR" };
        let text = format!("no {} buildpack is installed; install one: mini-hcf add-buildpack NAME {how}", kind.name());
        return Err(Failure::CommandLine(text));
    }
    Ok(chosen)
}
