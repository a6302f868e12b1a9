//! What stands on every call and need not be typed: variables of the environment, and a file in the user's folder. Pure;
//! reading them is done in [`user`].

pub(crate) mod user;

use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The values, as far as somebody gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// `--logs`.
    pub(crate) logs: Option<PathBuf>,
    /// `--network`.
    pub(crate) network: Option<String>,
    /// `--cache-volume`.
    pub(crate) cache_volume: Option<String>,
    /// `--ca`.
    pub(crate) ca: Option<PathBuf>,
    /// `--stager-image`.
    pub(crate) stager_image: Option<String>,
    /// `--base`.
    pub(crate) base: Option<String>,
}

/// What is wrong with a text of settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct BadSettings {
    /// From 1.
    line: usize,
    reason: String,
}

impl Settings {
    /// Reads a file's text. A path is absolute, or begins with `~/`, which is `home`: the folder that a command is typed
    /// in must not change what the file means.
    pub(crate) fn parse(text: &str, home: &Path) -> Result<Self, BadSettings> {
        let bad = |error: toml::de::Error| {
            let line = error
                .span()
                .map_or(0, |span| text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count());
            // serde calls a key a field.
            let reason = error.message().replacen("unknown field", "unknown key", 1);
            BadSettings { line: line + 1, reason: reason.lines().collect::<Vec<_>>().join(" ") }
        };
        let mut settings: Self = toml::from_str(text).map_err(bad)?;
        for (key, path) in [("logs", &mut settings.logs), ("ca", &mut settings.ca)] {
            let Some(given) = path else { continue };
            if let Ok(rest) = given.strip_prefix("~") {
                *given = home.join(rest);
            } else if given.is_relative() {
                let line = text.lines().position(|line| sets(line, key)).unwrap_or_default() + 1;
                let reason = format!("{key} must be an absolute path, or begin with ~/");
                return Err(BadSettings { line, reason });
            }
        }
        Ok(settings)
    }

    /// From variables of the environment; an empty one counts as unset.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // A name that is not UTF-8 stays one that nothing has, and is not left out in silence.
        let name = |name| path(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            logs: path("STAGER_LOGS"),
            network: name("STAGER_NETWORK"),
            cache_volume: name("STAGER_CACHE_VOLUME"),
            ca: path("STAGER_CA"),
            stager_image: name("STAGER_IMAGE"),
            base: name("STAGER_BASE"),
        }
    }

    /// These, and from `weaker` what is not among them.
    pub(crate) fn or(self, weaker: Self) -> Self {
        Self {
            logs: self.logs.or(weaker.logs),
            network: self.network.or(weaker.network),
            cache_volume: self.cache_volume.or(weaker.cache_volume),
            ca: self.ca.or(weaker.ca),
            stager_image: self.stager_image.or(weaker.stager_image),
            base: self.base.or(weaker.base),
        }
    }
}

/// Whether the line gives the key its value.
fn sets(line: &str, key: &str) -> bool {
    line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// Puts the setting where nothing was typed.
pub(crate) fn fill<T: Clone>(typed: &mut Option<T>, setting: Option<&T>) {
    if typed.is_none() {
        *typed = setting.cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, BadSettings> {
        Settings::parse(text, Path::new("/home/me"))
    }

    #[test]
    fn a_file_gives_what_it_names_and_nothing_else() {
        let settings = parse("# mine\nlogs = \"~/hcf/log\"\nca = \"/etc/ca.pem\"\ncache-volume = \"v\"\n").unwrap();
        let expected = Settings {
            logs: Some("/home/me/hcf/log".into()),
            ca: Some("/etc/ca.pem".into()),
            cache_volume: Some("v".into()),
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        assert_eq!(parse(""), Ok(Settings::default()));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        for (text, said) in [
            ("network = 'a'\nnetwrok = 'b'", "line 2: unknown key `netwrok`, expected one of `logs`, `network`"),
            ("network = 7", "line 1: invalid type: integer `7`, expected a string"),
            ("network = 'a'\n\nlogs = 'log'", "line 3: logs must be an absolute path, or begin with ~/"),
            ("cache-volume = 'c'\nca = 'ca'", "line 2: ca must be an absolute path"),
            ("network =", "line 1: "),
            ("[network]", "line 1: "),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_variable_comes_before_the_file_and_an_empty_one_is_none() {
        let variables = |name: &str| match name {
            "STAGER_NETWORK" => Some("from-variable".into()),
            "STAGER_BASE" => Some(OsString::new()),
            _ => None,
        };
        let file = parse("network = 'from-file'\nbase = 'from-file'").unwrap();
        let settings = Settings::from_variables(variables).or(file);
        assert_eq!(settings.network.as_deref(), Some("from-variable"));
        assert_eq!(settings.base.as_deref(), Some("from-file"));
    }

    #[test]
    fn each_variable_is_read_into_its_place() {
        let settings = Settings::from_variables(|name| Some(name.into()));
        let expected = Settings {
            logs: Some("STAGER_LOGS".into()),
            network: Some("STAGER_NETWORK".into()),
            cache_volume: Some("STAGER_CACHE_VOLUME".into()),
            ca: Some("STAGER_CA".into()),
            stager_image: Some("STAGER_IMAGE".into()),
            base: Some("STAGER_BASE".into()),
        };
        assert_eq!(settings, expected);
    }
}
