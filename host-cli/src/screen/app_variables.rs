//! An app's variables, as `cf env` shows them, as a file for shells, or as Cloud Controller's JSON.

use crate::plan::app_variables::{AppVariables, dotenv_line};
use serde::Serialize;
use serde_json::Value;
use shared_model::environment::EnvironmentVariable;
use shared_model::json_text::harmless;
use shared_model::plain_line::{escape_control, escape_control_in_line};
use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};

/// In the place of a value.
const HIDDEN: &str = "<hidden>";

/// Whether values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Hidden,
    Shown,
}

/// For people, in groups.
pub(crate) fn text(variables: &AppVariables, values: Values) -> String {
    let system = [&variables.services[..], &variables.application].concat();
    let groups = [
        ("System-Provided", &system, "system-provided"),
        ("User-Provided", &variables.user, "user-provided"),
        ("Running", &variables.running, "running"),
    ];
    let group = |(title, group, name): (&str, &Vec<EnvironmentVariable>, &str)| {
        if group.is_empty() {
            return format!("No {name} env variables have been set");
        }
        let lines: Vec<String> = group.iter().map(|variable| line(variable, values)).collect();
        format!("{title}:\n{}", lines.join("\n"))
    };
    groups.map(group).join("\n\n")
}

fn line(variable: &EnvironmentVariable, values: Values) -> String {
    let name = escape_control_in_line(&variable.name);
    let value = match values {
        Values::Hidden => HIDDEN.to_owned(),
        Values::Shown => shown(variable),
    };
    format!("{name}: {value}")
}

/// What Cloud Controller wrote as JSON stands on several lines, as cf shows it.
fn shown(variable: &EnvironmentVariable) -> String {
    let value = variable.value.reveal();
    let parsed = if variable.name.starts_with("VCAP_") { serde_json::from_str::<Value>(value).ok() } else { None };
    let pretty =
        parsed.filter(serde_json::Value::is_object).and_then(|value| serde_json::to_string_pretty(&value).ok());
    match pretty {
        Some(pretty) => pretty.lines().map(escape_control).collect::<Vec<_>>().join("\n"),
        None => escape_control(value).into_owned(),
    }
}

/// A file's lines, and the names of those that cannot stand in it.
pub(crate) fn dotenv(variables: &AppVariables) -> (String, Vec<&str>) {
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    for variable in variables.all() {
        // A value that is data in a file is a word to a terminal.
        let moves_a_terminal = |value: &str| value.chars().any(|c| c.is_control() && !"\n\t".contains(c));
        let is_safe = !stdout().is_terminal() || !moves_a_terminal(variable.value.reveal());
        match dotenv_line(variable).filter(|_| is_safe) {
            Some(line) => lines.push(line),
            None => left_out.push(variable.name.as_str()),
        }
    }
    (lines.join("\n"), left_out)
}

/// As `/v3/apps/GUID/env` answers. Every key is always there.
#[derive(Serialize)]
struct Document<'a> {
    staging_env_json: BTreeMap<&'a str, Value>,
    running_env_json: BTreeMap<&'a str, Value>,
    environment_variables: BTreeMap<&'a str, Value>,
    system_env_json: BTreeMap<&'a str, Value>,
    application_env_json: BTreeMap<&'a str, Value>,
}

/// For programs: one JSON object. What Cloud Controller wrote as JSON is JSON there, too.
pub(crate) fn json(variables: &AppVariables) -> String {
    fn texts(group: &[EnvironmentVariable]) -> BTreeMap<&str, Value> {
        group.iter().map(|variable| (variable.name.as_str(), variable.value.reveal().clone().into())).collect()
    }
    fn documents(group: &[EnvironmentVariable]) -> BTreeMap<&str, Value> {
        let parsed = |variable: &EnvironmentVariable| {
            let value = variable.value.reveal();
            serde_json::from_str(value).unwrap_or_else(|_| value.clone().into())
        };
        group.iter().map(|variable| (variable.name.as_str(), parsed(variable))).collect()
    }
    let document = Document {
        staging_env_json: BTreeMap::new(),
        running_env_json: texts(&variables.running),
        environment_variables: texts(&variables.user),
        system_env_json: documents(&variables.services),
        application_env_json: documents(&variables.application),
    };
    harmless(serde_json::to_string_pretty(&document).unwrap_or_default()) // texts and documents: always JSON
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> AppVariables {
        let pairs = [
            "VCAP_SERVICES={\"db\":[{\"uri\":\"s3cret\\u001b[2J\"}]}",
            "DATABASE_URL=s3cret\u{1b}[2J\n$x",
            "a.b=s3cret",
            "PORT=8080",
        ];
        AppVariables::of(&pairs.map(str::to_owned))
    }

    #[test]
    fn values_are_hidden_unless_they_are_to_be_shown_and_do_nothing_to_a_terminal() {
        let hidden = text(&variables(), Values::Hidden);
        assert_eq!(
            hidden,
            "System-Provided:\nVCAP_SERVICES: <hidden>\n\nUser-Provided:\nDATABASE_URL: <hidden>\na.b: <hidden>\n\n\
             Running:\nPORT: <hidden>"
        );
        let shown = text(&variables(), Values::Shown);
        assert!(shown.contains("VCAP_SERVICES: {\n  \"db\": [\n"), "{shown}");
        assert!(shown.contains("\nDATABASE_URL: s3cret\\u{1b}[2J\\n$x\n"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
        let none = text(&AppVariables::default(), Values::Shown);
        assert!(none.starts_with("No system-provided env variables have been set\n\nNo user-provided"), "{none}");
    }

    #[test]
    fn a_file_has_what_a_shell_takes_and_names_what_it_does_not() {
        let variables = variables();
        let (lines, left_out) = dotenv(&variables);
        assert!(lines.contains("DATABASE_URL='s3cret\u{1b}[2J\n$x'\nPORT='8080'"), "{lines}");
        assert_eq!(left_out, ["a.b"]);
    }

    #[test]
    fn programs_get_cloud_controllers_document() {
        let document: Value = serde_json::from_str(&json(&variables())).unwrap();
        assert_eq!(document["system_env_json"]["VCAP_SERVICES"]["db"][0]["uri"], "s3cret\u{1b}[2J");
        assert_eq!(document["environment_variables"]["DATABASE_URL"], "s3cret\u{1b}[2J\n$x");
        assert_eq!((&document["running_env_json"]["PORT"], document.as_object().unwrap().len()), (&"8080".into(), 5));
    }
}
