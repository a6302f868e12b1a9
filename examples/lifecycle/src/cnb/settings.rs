//! The builder's command line, as the real one's library reads it: `--name value`, `--name=value`, `-n value`.

use std::path::PathBuf;
use std::time::Duration;

/// What the command line says. Paths are as given, relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Keys of system buildpacks, or URLs, in order.
    pub buildpacks: Vec<String>,
    /// Take the first buildpack that detects, instead of all of them.
    pub auto_detect: bool,
    /// Variables of the builder that buildpacks see.
    pub passed: Vec<String>,
    /// Where the cache of an earlier staging lies, or nothing yet.
    pub cache_dir: PathBuf,
    /// The cache to write, a gzipped tar.
    pub cache_output: PathBuf,
    /// The droplet to write, a gzipped tar.
    pub droplet: PathBuf,
    /// Where buildpacks put what they provide.
    pub layers: PathBuf,
    /// The result file to write, one JSON object.
    pub result: PathBuf,
    /// Where each system buildpack lies in a directory named by its key's hash.
    pub system_buildpacks: PathBuf,
    /// The app, changed in place by the buildpacks.
    pub workspace: PathBuf,
    /// How often `CredHub` would be asked.
    pub credhub_attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            buildpacks: Vec::new(),
            auto_detect: false,
            passed: Vec::new(),
            cache_dir: "/tmp/cache".into(),
            cache_output: "/tmp/cache-output.tgz".into(),
            droplet: "/tmp/droplet".into(),
            layers: "/home/vcap/layers".into(),
            result: "/tmp/result.json".into(),
            system_buildpacks: "/tmp/buildpacks".into(),
            workspace: "/home/vcap/workspace".into(),
            credhub_attempts: 3,
        }
    }
}

/// Each flag's long name, its letter, and whether it takes a value.
const FLAGS: [(&str, &str, bool); 12] = [
    ("buildpack", "b", true),
    ("auto-detect", "", false),
    ("pass-env-var", "", true),
    ("cache-dir", "c", true),
    ("cache-output", "", true),
    ("droplet", "d", true),
    ("layers", "l", true),
    ("result", "r", true),
    ("system-buildpacks-dir", "", true),
    ("workspace-dir", "w", true),
    ("credhub-connection-attempts", "", true),
    ("credhub-retry-delay", "", true),
];

impl Settings {
    /// Reads the arguments after the program's name. A list may also be given with commas.
    ///
    /// # Errors
    /// An unknown flag, a missing or wrong value, or no buildpack: one line without the value, which may be secret.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let Some(typed) = argument.strip_prefix('-').filter(|typed| !typed.is_empty()) else {
                return Err(format!("unknown command \"{argument}\" for \"builder\""));
            };
            let (typed, value) = typed.split_once('=').map_or((typed, None), |(typed, value)| (typed, Some(value)));
            let known = FLAGS.into_iter().find(|(name, letter, _)| match typed.strip_prefix('-') {
                Some(long) => long == *name,
                None => typed == *letter,
            });
            let (name, _, takes) = known.ok_or_else(|| format!("unknown flag: -{typed}"))?;
            let value = match value {
                Some(value) => value.to_owned(),
                None if takes => arguments.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
                None => "true".to_owned(),
            };
            settings.set(name, value).map_err(|()| format!("invalid argument for \"--{name}\" flag"))?;
        }
        if settings.buildpacks.is_empty() {
            return Err("no buildpacks given; --buildpack names one".to_owned());
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), ()> {
        let listed = |value: &str| value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match name {
            "buildpack" => self.buildpacks.extend(listed(&value)),
            "pass-env-var" => self.passed.extend(listed(&value)),
            "auto-detect" => self.auto_detect = value.parse().map_err(drop)?,
            "cache-dir" => self.cache_dir = value.into(),
            "cache-output" => self.cache_output = value.into(),
            "droplet" => self.droplet = value.into(),
            "layers" => self.layers = value.into(),
            "result" => self.result = value.into(),
            "system-buildpacks-dir" => self.system_buildpacks = value.into(),
            "workspace-dir" => self.workspace = value.into(),
            "credhub-connection-attempts" => self.credhub_attempts = value.parse().map_err(drop)?,
            _ => drop(seconds(&value).ok_or(())?), // nobody waits for a CredHub that is never asked
        }
        Ok(())
    }

    /// Where the system buildpack of this key lies.
    #[must_use]
    pub fn system_buildpack(&self, key: &str) -> PathBuf {
        self.system_buildpacks.join(format!("{:016x}", twox_hash::XxHash64::oneshot(0, key.as_bytes())))
    }
}

/// A duration of whole seconds.
fn seconds(text: &str) -> Option<Duration> {
    text.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Settings, String> {
        Settings::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn the_command_line_of_cloud_controller_is_understood() {
        let settings = parsed(&[
            "--cache-dir",
            "/c",
            "--cache-output",
            "/c.tgz",
            "--buildpack",
            "a",
            "-b=docker://h.example/b:1",
            "--auto-detect",
            "--pass-env-var",
            "A",
            "--pass-env-var",
            "B",
            "--credhub-retry-delay",
            "2s",
        ])
        .unwrap();
        assert_eq!(settings.buildpacks, ["a", "docker://h.example/b:1"]);
        assert_eq!(settings.passed, ["A", "B"]);
        assert!(settings.auto_detect);
        assert_eq!((settings.cache_dir, settings.droplet), (PathBuf::from("/c"), PathBuf::from("/tmp/droplet")));
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_value() {
        assert_eq!(parsed(&[]).unwrap_err(), "no buildpacks given; --buildpack names one");
        assert_eq!(parsed(&["--nonsense"]).unwrap_err(), "unknown flag: --nonsense");
        assert_eq!(parsed(&["-b"]).unwrap_err(), "flag needs an argument: --buildpack");
        assert_eq!(parsed(&["--auto-detect=perhaps"]).unwrap_err(), "invalid argument for \"--auto-detect\" flag");
        assert!(parsed(&["app"]).unwrap_err().starts_with("unknown command \"app\""));
    }

    #[test]
    fn a_system_buildpack_lies_in_the_xxhash_of_its_key() {
        let there = Settings::default().system_buildpack("abc"); // XXH64("abc"), as published with the algorithm
        assert_eq!(there, PathBuf::from("/tmp/buildpacks/44bc2cf5ad770999"));
    }
}
