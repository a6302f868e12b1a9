//! The variables of an app's container, in the groups of `cf env`. Pure.

use super::instance;
use shared_model::environment::EnvironmentVariable;

/// Set by Cloud Controller: the app's bindings.
const OF_SERVICES: &str = "VCAP_SERVICES";
/// Set by Cloud Controller: what the app is.
const OF_APPLICATION: &str = "VCAP_APPLICATION";
/// Set by whoever runs the container, or its image, besides what rep and executor set.
const OF_THE_PLATFORM: [&str; 11] = [
    "PORT",
    "VCAP_APP_PORT",
    "VCAP_APP_HOST",
    "MEMORY_LIMIT",
    "CF_SYSTEM_CERT_PATH",
    "CF_INSTANCE_CERT",
    "CF_INSTANCE_KEY",
    "LANG",
    "USER",
    "PATH",
    "VCAP_PLATFORM_OPTIONS",
];

/// What a container has, by who set it; each group by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppVariables {
    /// `VCAP_SERVICES`.
    pub(crate) services: Vec<EnvironmentVariable>,
    /// `VCAP_APPLICATION`.
    pub(crate) application: Vec<EnvironmentVariable>,
    /// What the user set, and what stands in the platform's groups of variables: nobody can tell them apart here.
    pub(crate) user: Vec<EnvironmentVariable>,
    /// What says how it runs.
    pub(crate) running: Vec<EnvironmentVariable>,
}

impl AppVariables {
    /// Of `NAME=VALUE` each; of those with one name the last counts, as in a process. What has no name is left out.
    pub(crate) fn of(pairs: &[String]) -> Self {
        let mut variables = Self::default();
        let of_rep = instance::of_rep("", 0);
        let is_of_rep = |name: &str| of_rep.iter().any(|variable| variable.name == name);
        for (name, value) in pairs.iter().filter_map(|pair| pair.split_once('=')).filter(|(name, _)| !name.is_empty()) {
            let group = match name {
                OF_SERVICES => &mut variables.services,
                OF_APPLICATION => &mut variables.application,
                _ if OF_THE_PLATFORM.contains(&name) || instance::is_of_executor(name) || is_of_rep(name) => {
                    &mut variables.running
                }
                _ => &mut variables.user,
            };
            group.retain(|variable| variable.name != name);
            group.push(EnvironmentVariable::new(name, value));
        }
        variables.user.sort_by(|one, other| one.name.cmp(&other.name));
        variables.running.sort_by(|one, other| one.name.cmp(&other.name));
        variables
    }

    /// All of them, Cloud Controller's first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &EnvironmentVariable> {
        self.services.iter().chain(&self.application).chain(&self.user).chain(&self.running)
    }
}

/// A line for a shell (`set -a; . ./FILE`) and for programs that read such files, which reads back as exactly this value. `None`: a
/// shell has no variable of that name, and a file with it would run what stands there.
///
/// In single quotes nothing has a meaning, whoever reads it. What has a single quote itself stands in double quotes where nothing in it
/// has a meaning there; the rest is put together, as only a shell understands it.
pub(crate) fn dotenv_line(variable: &EnvironmentVariable) -> Option<String> {
    let (name, value) = (&variable.name, variable.value.reveal());
    let is_name = |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit();
    if name.is_empty() || !name.chars().enumerate().all(is_name) {
        return None;
    }
    Some(if !value.contains('\'') {
        format!("{name}='{value}'")
    } else if !value.contains(['"', '$', '`', '\\', '!']) {
        format!("{name}=\"{value}\"")
    } else {
        format!("{name}='{}'", value.replace('\'', r#"'"'"'"#))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn names(variables: &[EnvironmentVariable]) -> Vec<&str> {
        variables.iter().map(|variable| variable.name.as_str()).collect()
    }

    #[test]
    fn variables_stand_in_the_groups_of_cf() {
        let pairs = [
            "PATH=/bin",
            "PORT=8080",
            "ZED=1",
            "VCAP_SERVICES={}",
            "CF_INSTANCE_PORTS=[]",
            "INSTANCE_INDEX=0",
            "A=first",
            "VCAP_APPLICATION={}",
            "A=b=c",
            "=x",
            "odd",
        ];
        let variables = AppVariables::of(&pairs.map(str::to_owned));
        assert_eq!(
            (names(&variables.services), names(&variables.application)),
            (vec![OF_SERVICES], vec![OF_APPLICATION])
        );
        assert_eq!(names(&variables.user), ["A", "ZED"]);
        assert_eq!(names(&variables.running), ["CF_INSTANCE_PORTS", "INSTANCE_INDEX", "PATH", "PORT"]);
        assert_eq!((variables.user[0].value.reveal().as_str(), variables.all().count()), ("b=c", 8));
    }

    #[test]
    fn a_shell_reads_every_value_back_exactly_and_runs_nothing() {
        for value in [
            "",
            "plain",
            "two words",
            "a'b",
            "'",
            "it's $HOME",
            "$(touch /tmp/x) `id` \\ \" ' !",
            "line\nline'\n\n",
            "{\"a\":[{\"uri\":\"mysql://u:p@h/d?a=b&c='d'\"}]}",
            " leading\t",
            "a\\'b",
            "\u{1b}[2J#;ü",
        ] {
            let line = dotenv_line(&EnvironmentVariable::new("A_1", value)).unwrap();
            let script = format!("{line}\nprintf %s \"$A_1\"");
            let read = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            assert_eq!((String::from_utf8(read.stdout).unwrap().as_str(), read.stderr.len()), (value, 0), "{line}");
        }
        for name in ["", "a.b", "1A", "$(id)", "A B", "A;id", "Ä"] {
            assert_eq!(dotenv_line(&EnvironmentVariable::new(name, "x")), None, "{name}");
        }
    }
}
