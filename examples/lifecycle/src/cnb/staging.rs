//! What the phases of a staging share: settings, the builder's own variables, and what is said.

use super::CnbFailure;
use super::Settings;
use super::environment::Environment;
use crate::go_text::go_text;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Colours stand in pipes too, as with the real one.
const CYAN: &str = "\u{1b}[36m";
const RED: &str = "\u{1b}[31;1m";
const PLAIN: &str = "\u{1b}[0m";

/// Variables of the builder that every buildpack sees; all others only where they are passed.
const INHERITED: [&str; 11] = [
    "HOME",
    "HOSTNAME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LD_LIBRARY_PATH",
    "NO_PROXY",
    "PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// What one staging works with.
pub struct Staging<'a> {
    /// From the command line.
    pub settings: &'a Settings,
    /// The builder's own variables.
    pub variables: BTreeMap<String, String>,
    /// Where the builder says what it does; buildpacks write to the process's own streams.
    pub stdout: &'a mut dyn Write,
    /// Where a phase complains.
    pub stderr: &'a mut dyn Write,
}

/// What the platform gives to buildpacks: a folder with one file a variable, and the same as an environment.
pub(super) struct Platform {
    pub(super) folder: PathBuf,
    /// With the passed variables.
    pub(super) environment: Environment,
    /// Without them, for a buildpack that wants none.
    pub(super) bare: Environment,
}

impl Staging<'_> {
    /// One line on stdout. A closed stdout is no reason to fail a staging.
    pub(super) fn say(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.stdout, "{line}");
    }

    pub(super) fn phase(&mut self, name: &str) {
        self.say(format_args!("{CYAN}===> {name}{PLAIN}"));
    }

    /// A line of a phase that fails. A closed stderr is no reason to fail otherwise.
    pub fn complain(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.stderr, "{RED}ERROR: {PLAIN}{line}");
    }

    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// Owner of what stands in archives: user and group.
    pub(super) fn owner(&self) -> [u64; 2] {
        const VCAP: u64 = 2000;
        ["CNB_USER_ID", "CNB_GROUP_ID"].map(|name| self.variable(name).parse().unwrap_or(VCAP))
    }

    /// This one knows no `CredHub`. As with the real one a variable says that the app will see to its references itself.
    pub(super) fn must_not_need_credhub(&self) -> Result<(), CnbFailure> {
        let refers = self.variable("VCAP_SERVICES").contains("\"credhub-ref\"");
        let has_one = self.variable("VCAP_PLATFORM_OPTIONS").contains("credhub-uri");
        let skips = self.variable("CREDHUB_SKIP_INTERPOLATION") == "true";
        if !refers || !has_one || skips {
            return Ok(());
        }
        let missing = ["CF_INSTANCE_CERT", "CF_INSTANCE_KEY"].iter().any(|name| self.variable(name).is_empty());
        let why = if missing { "Missing CF_INSTANCE_CERT and/or CF_INSTANCE_KEY" } else { "this lifecycle asks none" };
        let attempts = self.settings.credhub_attempts;
        Err(CnbFailure::CredHub(format!("unable to interpolate credhub references: {why} (attempts: {attempts})")))
    }

    /// Writes the passed variables where buildpacks look for them. A name that is not set is left out.
    pub(super) fn platform(&mut self, work: &Path) -> Result<Platform, CnbFailure> {
        self.say("target distro name/version labels not found, reading /etc/os-release file");
        let folder = work.join("platform");
        let passed: Vec<(&String, &String)> =
            self.settings.passed.iter().filter_map(|name| self.variables.get_key_value(name)).collect();
        let env = folder.join("env");
        let lawful = |name: &str| !name.is_empty() && !name.contains('/') && !name.starts_with('.');
        fs::create_dir_all(&env)
            .and_then(|()| {
                let mut named = passed.iter().filter(|(name, _)| lawful(name));
                named.try_for_each(|(name, value)| fs::write(env.join(name), value))
            })
            .map_err(|why| CnbFailure::Detect(go_text(&why)))?;
        let own = INHERITED.iter().filter_map(|name| self.variables.get_key_value(*name));
        let own = own.map(|(name, value)| (name.clone(), value.clone()));
        let bare = Environment::new(own.chain(self.target()));
        let mut environment = bare.clone();
        for (name, value) in passed {
            environment.add(name, value);
        }
        Ok(Platform { folder, environment, bare })
    }

    /// Where the app will run: here.
    fn target(&self) -> [(String, String); 5] {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let of_release = |key: &str| {
            let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.map_or(String::new(), |value| value.trim_matches('"').to_owned())
        };
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        [
            ("CNB_STACK_ID", self.variable("CNB_STACK_ID").to_owned()),
            ("CNB_TARGET_OS", "linux".to_owned()),
            ("CNB_TARGET_ARCH", architecture.to_owned()),
            ("CNB_TARGET_DISTRO_NAME", of_release("ID")),
            ("CNB_TARGET_DISTRO_VERSION", of_release("VERSION_ID")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }
}
