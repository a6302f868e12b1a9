//! What stands on every call and need not be typed: variables of the environment, and a file in the user's folder. Pure;
//! reading them is done in [`user`].

pub(crate) mod user;

use crate::plan::name_resolution::{HostMapping, NameError, NameServer};
use serde::Deserialize;
use shared_model::plain_line::escape_control;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The values, as far as somebody gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// `--logs`.
    pub(crate) logs: Option<PathBuf>,
    /// `--network`.
    pub(crate) network: Option<String>,
    /// `--add-host`.
    pub(crate) add_host: Option<Vec<HostMapping>>,
    /// `--dns`.
    pub(crate) dns: Option<Vec<NameServer>>,
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

/// A variable of which a part makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {}: {reason}", escape_control(.part))]
pub(crate) struct BadVariable {
    variable: &'static str,
    part: String,
    reason: NameError,
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
    ///
    /// # Errors
    /// One that is a list holds something else.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, BadVariable> {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // A name that is not UTF-8 stays one that nothing has, and is not left out in silence.
        let name = |name| path(name).map(|value| value.to_string_lossy().into_owned());
        Ok(Self {
            logs: path("STAGER_LOGS"),
            network: name("STAGER_NETWORK"),
            add_host: list(path("STAGER_ADD_HOST"), "STAGER_ADD_HOST")?,
            dns: list(path("STAGER_DNS"), "STAGER_DNS")?,
            cache_volume: name("STAGER_CACHE_VOLUME"),
            ca: path("STAGER_CA"),
            stager_image: name("STAGER_IMAGE"),
            base: name("STAGER_BASE"),
        })
    }

    /// These, and from `weaker` what is not among them.
    pub(crate) fn or(self, weaker: Self) -> Self {
        Self {
            logs: self.logs.or(weaker.logs),
            network: self.network.or(weaker.network),
            add_host: self.add_host.or(weaker.add_host),
            dns: self.dns.or(weaker.dns),
            cache_volume: self.cache_volume.or(weaker.cache_volume),
            ca: self.ca.or(weaker.ca),
            stager_image: self.stager_image.or(weaker.stager_image),
            base: self.base.or(weaker.base),
        }
    }
}

/// What stands between commas; spaces around a part do not count, and an empty part is none.
fn list<T: FromStr<Err = NameError>>(
    value: Option<PathBuf>,
    variable: &'static str,
) -> Result<Option<Vec<T>>, BadVariable> {
    let Some(value) = value else { return Ok(None) };
    let value = value.to_string_lossy();
    let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
    let bad = |part: &str, reason| BadVariable { variable, part: part.to_owned(), reason };
    parts.map(|part| part.parse().map_err(|reason| bad(part, reason))).collect::<Result<_, _>>().map(Some)
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

/// Puts the settings where nothing was typed: what is typed stands alone, also where several can be given.
pub(crate) fn fill_list<T: Clone>(typed: &mut Vec<T>, settings: Option<&Vec<T>>) {
    if typed.is_empty() {
        typed.extend(settings.into_iter().flatten().cloned());
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
            ("dns = ['10.0.0.53']\nadd-host = ['a=10.0.0.1', 'b']", "line 2: add-host b: write HOST=IP"),
            ("dns = ['ns.example.com']", "line 1: dns ns.example.com: \"ns.example.com\" is not an IP address"),
            ("dns = '10.0.0.53'", "line 1: invalid type: string \"10.0.0.53\", expected a sequence"),
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
        let settings = Settings::from_variables(variables).unwrap().or(file);
        assert_eq!(settings.network.as_deref(), Some("from-variable"));
        assert_eq!(settings.base.as_deref(), Some("from-file"));
    }

    #[test]
    fn each_variable_is_read_into_its_place() {
        let value = |name: &str| match name {
            "STAGER_ADD_HOST" => " a=10.0.0.1, b:[::1],".into(),
            "STAGER_DNS" => "10.0.0.53,::1".into(),
            name => name.into(),
        };
        let settings = Settings::from_variables(|name| Some(value(name))).unwrap();
        let expected = Settings {
            logs: Some("STAGER_LOGS".into()),
            network: Some("STAGER_NETWORK".into()),
            add_host: Some(["a=10.0.0.1", "b=::1"].map(|text| text.parse().unwrap()).to_vec()),
            dns: Some(["10.0.0.53", "::1"].map(|text| text.parse().unwrap()).to_vec()),
            cache_volume: Some("STAGER_CACHE_VOLUME".into()),
            ca: Some("STAGER_CA".into()),
            stager_image: Some("STAGER_IMAGE".into()),
            base: Some("STAGER_BASE".into()),
        };
        assert_eq!(settings, expected);
    }
}
