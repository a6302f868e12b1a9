//! Turns the launcher's arguments and environment into the app's process: pure, up to the `exec` that `bin/launcher`
//! does with it.

use crate::era::Era;
use crate::go_json;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Component, Path, PathBuf};

/// The shell that runs the scripts and then becomes the app. Fixed: PATH is the app's business.
pub const SHELL: &str = "/bin/bash";

/// Where the builder noted the start command, below the working directory (not below the app's).
pub const STAGING_INFO: &str = "staging_info.yml";

/// What the launcher is started with.
#[derive(Clone)]
pub struct Launch<'a> {
    /// All arguments, the program's name first: `launcher <app-directory> <start-command> <metadata>`.
    pub arguments: &'a [String],
    /// Where it was started.
    pub working_directory: &'a Path,
    /// The text of [`STAGING_INFO`], or `None` where there is no such file.
    pub staging_info: Option<&'a str>,
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whose behaviour is asked for.
    pub era: Era,
}

/// The app's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppProcess {
    /// Arguments of [`SHELL`], its name (`bash`) not among them.
    pub arguments: Vec<String>,
    /// Variables to set over the inherited ones.
    pub environment: Vec<(&'static str, String)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StagingInfo {
    start_command: String,
}

impl Launch<'_> {
    /// What to run.
    ///
    /// # Errors
    /// The text for stderr, after which the launcher ends with 1: too few arguments, a broken `staging_info.yml`, or no
    /// start command anywhere.
    pub fn process(&self) -> Result<AppProcess, String> {
        let [program, directory, given, ..] = self.arguments else { return Err(self.too_few()) };
        if self.arguments.len() < 4 {
            return Err(self.too_few());
        }
        let directory = absolute(self.working_directory, directory);
        let command = if given.is_empty() { self.noted_command(program)? } else { given.clone() };
        let arguments = vec!["-c".to_owned(), script(self.era), program.clone(), shown(&directory), command];
        // A NUL cannot come in by argv, but it can by the YAML's escapes; exec would refuse it with less to go by.
        if arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(format!("{program}: the start command holds a NUL byte"));
        }
        Ok(AppProcess { arguments, environment: self.environment(&directory) })
    }

    fn environment(&self, directory: &Path) -> Vec<(&'static str, String)> {
        let beside = |name: &str| shown(&absolute(directory, &format!("../{name}")));
        let mut variables = vec![("HOME", shown(directory)), ("TMPDIR", beside("tmp"))];
        if self.era.has_deps() {
            variables.push(("DEPS_DIR", beside("deps")));
        }
        let completed =
            (self.variable)("VCAP_APPLICATION").and_then(|text| complete_vcap_application(&text, self.variable));
        variables.extend(completed.map(|text| ("VCAP_APPLICATION", text)));
        variables
    }

    fn noted_command(&self, program: &str) -> Result<String, String> {
        let info: Option<StagingInfo> = match self.staging_info {
            Some(text) if !text.trim().is_empty() => {
                serde_saphyr::from_str(text).map_err(|_| "Invalid staging info - invalid YAML".to_owned())?
            }
            _ => None,
        };
        match info.unwrap_or_default().start_command {
            command if !command.is_empty() => Ok(command),
            _ if self.era == Era::Spring2016 => Err(usage(program)),
            _ => Err(format!("{program}: no start command specified or detected in droplet")),
        }
    }

    fn too_few(&self) -> String {
        let program = self.arguments.first().map_or("launcher", String::as_str);
        format!("{program}: received only {} arguments\n{}", self.arguments.len().saturating_sub(1), usage(program))
    }
}

/// `VCAP_APPLICATION` with host, instance and port, which Cloud Controller cannot know when it writes it; `None` where it
/// is no JSON object and stays as it is. `INSTANCE_INDEX` and `INSTANCE_GUID` feed it in every version, not
/// `CF_INSTANCE_…`.
pub(crate) fn complete_vcap_application(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    fields.insert("host".to_owned(), "0.0.0.0".into());
    fields.insert("instance_id".to_owned(), variable("INSTANCE_GUID").unwrap_or_default().into());
    for (field, name) in [("port", "PORT"), ("instance_index", "INSTANCE_INDEX")] {
        if let Some(number) = variable(name).and_then(|text| text.parse::<i64>().ok()) {
            fields.insert(field.to_owned(), number.into());
        }
    }
    Some(go_json::encode(&Value::Object(fields)))
}

fn usage(program: &str) -> String {
    format!("Usage: {program} <app-directory> <start-command> <metadata>")
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// `path` from `base`, cleaned by its text alone as Go's `filepath.Abs` does: `..` takes away a name, link or not.
fn absolute(base: &Path, path: &str) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in base.join(path).components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    clean
}

/// What bash does before it becomes the app. File names stay unquoted and `exit` in a script ends the app, as apps
/// and buildpacks of the time relied on.
fn script(era: Era) -> String {
    let mut script = "cd \"$1\"\n".to_owned();
    match era {
        Era::Spring2016 => script += &source_all(".profile.d", "[ -d .profile.d ]"),
        Era::Late2017 => {
            script += &source_all(".profile.d", "[ -n \"$(ls .profile.d/* 2> /dev/null)\" ]");
            script += SOURCE_PROFILE;
        }
        Era::Today => {
            script += "echo Invoking pre-start scripts.\n";
            script += &source_all("../profile.d", "[ -n \"$(ls ../profile.d/* 2> /dev/null)\" ]");
            script += &source_all(".profile.d", "[ -n \"$(ls .profile.d/* 2> /dev/null)\" ]");
            script += SOURCE_PROFILE;
            script += "echo Invoking start command.\n";
        }
    }
    script + "shift\nexec bash -c \"$@\"\n"
}

const SOURCE_PROFILE: &str = "if [ -f .profile ]; then\n  source .profile\nfi\n";

fn source_all(directory: &str, condition: &str) -> String {
    format!("if {condition}; then\n  for env_file in {directory}/*; do\n    source $env_file\n  done\nfi\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_and_port_are_added_and_keys_sorted() {
        let variable = |name: &str| match name {
            "INSTANCE_GUID" => Some("guid-1".to_owned()),
            "INSTANCE_INDEX" => Some("3".to_owned()),
            "PORT" => Some("8080".to_owned()),
            "CF_INSTANCE_INDEX" => Some("7".to_owned()),
            _ => None,
        };
        assert_eq!(
            complete_vcap_application(r#"{"name":"a<b","limits":{"mem":32,"fds":12345678901234567}}"#, &variable)
                .unwrap(),
            r#"{"host":"0.0.0.0","instance_id":"guid-1","instance_index":3,"limits":{"fds":12345678901234568,"mem":32},"name":"a\u003cb","port":8080}"#
        );
    }

    #[test]
    fn what_is_missing_or_not_numeric_is_left_out() {
        let variable = |name: &str| (name == "PORT").then(|| "http".to_owned());
        assert_eq!(complete_vcap_application("{}", &variable).unwrap(), r#"{"host":"0.0.0.0","instance_id":""}"#);
        for text in ["", "[]", "null", "{", "3"] {
            assert_eq!(complete_vcap_application(text, &variable), None);
        }
    }
}
