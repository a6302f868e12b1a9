//! The action that runs a program.

use crate::environment::EnvironmentVariable;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Options of the lifecycles' programs that are true or false: bare, they do not take the next argument.
const SWITCHES: [&str; 4] = ["auto-detect", "cacheDockerImage", "skipCertVerify", "skipDetect"];

/// Runs `path` with `args` as `user`; there is no shell in between.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunAction {
    /// The program.
    pub path: String,
    /// Its arguments. Those of `diego-sshd` hold private keys: never show them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Secret<Vec<String>>>,
    /// The working directory; absent or empty: the user's home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Variables of this run, over the container's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvironmentVariable>>,
    /// Limits of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_limits: Option<ResourceLimits>,
    /// Who runs it; looked up in the container's `/etc/passwd`.
    pub user: String,
    /// See [`Action::log_source`](crate::action::Action::log_source).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// True: what it prints is not shown.
    pub suppress_log_output: bool,
    /// Of this form, but nobody reads it: Diego mounts the files of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounted_files: Option<Secret<Vec<serde_json::Value>>>,
}

impl RunAction {
    /// The arguments; empty where the request has none.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        self.args.as_ref().map_or(&[], |args| args.reveal())
    }

    /// The variables; empty where the request has none.
    #[must_use]
    pub fn environment(&self) -> &[EnvironmentVariable] {
        self.env.as_deref().unwrap_or_default()
    }

    /// The file name of the program: `builder`, `launcher`, `diego-sshd`.
    #[must_use]
    pub fn program(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The value of a flag in Go's style, `-name=value` or `--name=value`; a bare `-name` is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut given = self.arguments().iter().filter_map(|argument| option(argument));
        given.find_map(|(key, value)| (key == name).then_some(value.unwrap_or("true")))
    }

    /// The values of an option that takes one, in their order, as Go's libraries read it: `--name=value` or `-name=value`, or the
    /// argument behind the bare name, which is no option then, whatever it looks like.
    pub fn options<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let mut arguments = self.arguments().iter();
        std::iter::from_fn(move || {
            loop {
                let argument = arguments.next().filter(|argument| *argument != "--")?;
                let Some((key, value)) = option(argument) else { continue };
                let takes_next = value.is_none() && !SWITCHES.contains(&key);
                let value = if takes_next { arguments.next().map(String::as_str) } else { value };
                if key == name && value.is_some() {
                    return value;
                }
            }
        })
    }

    /// The same, of whoever takes each argument for an option: for what is to be hidden, however the arguments are read.
    pub fn possible_options<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let arguments = self.arguments();
        arguments.iter().enumerate().filter_map(move |(at, argument)| {
            let (_, value) = option(argument).filter(|(key, _)| *key == name)?;
            value.or_else(|| arguments.get(at + 1).map(String::as_str))
        })
    }

    /// The buildpacks that a builder is to use, in its order: cache keys, and URLs of the user's own. They stand in one list
    /// (`-buildpackOrder`), or behind an option each (`--buildpack`).
    pub fn buildpacks(&self) -> impl Iterator<Item = &str> {
        let lists = self.options("buildpackOrder").chain(self.options("buildpack"));
        lists.flat_map(|list| list.split(',')).map(str::trim).filter(|key| !key.is_empty())
    }

    /// Soft and hard limit of open files; `None` where the request has none or 0.
    #[must_use]
    pub fn nofile(&self) -> Option<u64> {
        self.resource_limits.as_ref().and_then(|limits| limits.nofile).filter(|limit| *limit > 0)
    }
}

/// Name and value, if it has one of its own, of an argument that is an option.
fn option(argument: &str) -> Option<(&str, Option<&str>)> {
    let option = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-'))?;
    Some(option.split_once('=').map_or((option, None), |(key, value)| (key, Some(value))))
}

impl fmt::Debug for RunAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} as {} ({} arguments)", self.path, self.user, self.arguments().len())
    }
}

/// Limits of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceLimits {
    /// Open files; 0 means the engine's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nofile: Option<u64>,
    /// Processes; 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nproc: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_go_reads_them() {
        let run = r#"{"path":"/tmp/lifecycle/builder","args":["-a=1","--b=2","-c"]}"#;
        let run: RunAction = serde_json::from_str(run).unwrap();
        assert_eq!(
            (run.flag("a"), run.flag("b"), run.flag("c"), run.flag("d")),
            (Some("1"), Some("2"), Some("true"), None)
        );
        assert_eq!(run.program(), "builder");
    }

    #[test]
    fn an_option_has_its_value_behind_an_equals_sign_or_in_the_next_argument() {
        let args = r#"["--a","1","-a=2","--auto-detect","--a=3","x","--a"]"#;
        let run: RunAction = serde_json::from_str(&format!(r#"{{"args":{args}}}"#)).unwrap();
        assert_eq!(run.options("a").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(run.options("x").count(), 0);
    }

    #[test]
    fn an_options_value_is_no_option_but_may_be_a_secret() {
        for (args, name, exact, possible) in [
            (r#"["-uri","-port=9"]"#, "port", &[][..], &["9"][..]),
            (r#"["-uri","-port=9"]"#, "uri", &["-port=9"], &["-port=9"]),
            (r#"["-dockerUser","-dockerPassword=x"]"#, "dockerUser", &["-dockerPassword=x"], &["-dockerPassword=x"]),
            (r#"["-dockerUser","-dockerPassword=x"]"#, "dockerPassword", &[], &["x"]),
            (r#"["-a","-b","-b","2","--","-b=3"]"#, "b", &["2"], &["-b", "2", "3"]),
        ] {
            let run: RunAction = serde_json::from_str(&format!(r#"{{"args":{args}}}"#)).unwrap();
            assert_eq!(run.options(name).collect::<Vec<_>>(), exact, "{args} {name}");
            assert_eq!(run.possible_options(name).collect::<Vec<_>>(), possible, "{args} {name}");
        }
    }

    #[test]
    fn buildpacks_are_those_of_either_builders_arguments() {
        for (args, expected) in [
            (r#"["-buildDir=/x","-buildpackOrder=k1,https://h/x,,k2"]"#, &["k1", "https://h/x", "k2"][..]),
            (
                r#"["--auto-detect","--buildpack","k1","--buildpack=docker://h/x","--pass-env-var","A"]"#,
                &["k1", "docker://h/x"],
            ),
            (r#"["--auto-detect"]"#, &[]),
        ] {
            let run: RunAction = serde_json::from_str(&format!(r#"{{"args":{args}}}"#)).unwrap();
            assert_eq!(run.buildpacks().collect::<Vec<_>>(), expected);
        }
    }
}
