//! What somebody wants of an app here and its request does not say: other variables, other services, a folder of this machine in the
//! place of the app's files, another command. Pure.

use super::instance::set;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared_model::secret::Secret;
use std::path::PathBuf;

/// Where a droplet's app lies.
pub(crate) const APP: &str = "/home/vcap/app";
/// The variable with the services.
const SERVICES: &str = "VCAP_SERVICES";
/// What Cloud Foundry calls services that nobody offers.
const USER_PROVIDED: &str = "user-provided";

/// See the module; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LocalWishes {
    /// Names and values, in the order in which they count: the last of a name.
    pub(crate) environment: Vec<(String, Secret<String>)>,
    /// The names of services, and the credentials of each, a JSON object.
    pub(crate) services: Vec<(String, Secret<Map<String, Value>>)>,
    /// A folder of the engine's machine for the app's files; `None`: those of its image.
    pub(crate) mount: Option<PathBuf>,
    /// What is started; `None`: what the request or the droplet says.
    pub(crate) command: Option<Secret<String>>,
}

impl LocalWishes {
    /// Puts variables and services over those of the request.
    pub(super) fn tell(&self, variables: &mut Vec<(String, String)>) {
        if !self.services.is_empty() {
            let known = variables.iter().find(|(name, _)| name == SERVICES).map(|(_, value)| &**value);
            let services = self.with_services(known.unwrap_or_default());
            set(variables, SERVICES, services);
        }
        for (name, value) in &self.environment {
            set(variables, name, value.reveal().clone());
        }
    }

    /// The services with those that were typed: one that the app has gets other credentials, a new one is user-provided.
    fn with_services(&self, known: &str) -> String {
        // What is no JSON object no app can read either.
        let mut all: Map<String, Value> = serde_json::from_str(known).unwrap_or_default();
        for (name, credentials) in &self.services {
            let credentials = Value::Object(credentials.reveal().clone());
            let bound = all.values_mut().filter_map(Value::as_array_mut).flatten();
            let mut of_name = bound.filter(|one| one.get("name").and_then(Value::as_str) == Some(name)).peekable();
            if of_name.peek().is_some() {
                of_name.for_each(|one| one["credentials"] = credentials.clone());
                continue;
            }
            let new = json!({
                "label": USER_PROVIDED, "name": name, "instance_name": name, "binding_name": null, "tags": [],
                "credentials": credentials, "syslog_drain_url": "", "volume_mounts": [],
            });
            match all.entry(USER_PROVIDED).or_insert_with(|| json!([])) {
                Value::Array(list) => list.push(new),
                other => *other = json!([new]),
            }
        }
        Value::Object(all).to_string()
    }

    /// The folder as engines mount it.
    pub(super) fn bind(&self) -> Option<String> {
        self.mount.as_ref().map(|folder| format!("{}:{APP}", folder.display()))
    }
}

/// A variable that was typed: `NAME=VALUE`. `None`: it is none.
pub(crate) fn variable(typed: &str) -> Option<(String, Secret<String>)> {
    let (name, value) = typed.split_once('=')?;
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    is_name.then(|| (name.to_owned(), Secret::new(value.to_owned()))).filter(|_| !value.contains('\0'))
}

/// The variables of a file as `docker run --env-file` reads it: one a line, as it stands; empty lines and those behind a `#` are none.
///
/// # Errors
/// The number of a line, from 1, that is neither.
pub(crate) fn variables(text: &str) -> Result<Vec<(String, Secret<String>)>, usize> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let told = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    told.map(|(at, line)| variable(line.trim_start()).ok_or(at + 1)).collect()
}

/// The credentials of a service; `None`: the text is no JSON object.
pub(crate) fn credentials(text: &str) -> Option<Secret<Map<String, Value>>> {
    serde_json::from_str(text).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wishes(environment: &[&str], services: &[(&str, &str)]) -> LocalWishes {
        LocalWishes {
            environment: environment.iter().map(|typed| variable(typed).unwrap()).collect(),
            services: services.iter().map(|(name, text)| ((*name).to_owned(), credentials(text).unwrap())).collect(),
            ..LocalWishes::default()
        }
    }

    fn told(wishes: &LocalWishes, services: &str) -> Vec<(String, String)> {
        let mut variables = vec![("A".to_owned(), "1".to_owned()), (SERVICES.to_owned(), services.to_owned())];
        wishes.tell(&mut variables);
        variables
    }

    #[test]
    fn a_variable_takes_the_place_of_the_requests_and_the_last_of_a_name_counts() {
        let variables = told(&wishes(&["A=2", "B=x=y", "A=3", "E="], &[]), "{}");
        let pairs: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("A", "3"), (SERVICES, "{}"), ("B", "x=y"), ("E", "")]);
    }

    #[test]
    fn a_service_of_the_app_gets_other_credentials_and_a_new_one_is_user_provided() {
        let known = r#"{"mysql":[{"name":"db","label":"mysql","credentials":{"uri":"far"}}]}"#;
        let services = wishes(&[], &[("db", r#"{"uri":"near"}"#), ("mail", r#"{"port":25}"#)]);
        let all: Value = serde_json::from_str(&told(&services, known)[1].1).unwrap();
        assert_eq!(all["mysql"][0]["credentials"]["uri"], "near");
        assert_eq!(all["mysql"][0]["label"], "mysql");
        assert_eq!(
            (&all[USER_PROVIDED][0]["name"], &all[USER_PROVIDED][0]["credentials"]["port"]),
            (&"mail".into(), &25.into())
        );
        assert!(!format!("{services:?}").contains("near"));
        for nonsense in ["", "[]", "x", r#"{"user-provided":7}"#] {
            let all: Value = serde_json::from_str(&told(&services, nonsense)[1].1).unwrap();
            assert_eq!(all[USER_PROVIDED].as_array().unwrap().last().unwrap()["name"], "mail", "{nonsense}");
        }
    }

    #[test]
    fn a_file_has_a_variable_a_line_and_a_bad_line_is_named_by_its_number() {
        let names = |text: &str| variables(text).map(|all| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(names("\u{feff}A=1\r\n\n# no\n  B= x \n"), Ok(vec!["A".to_owned(), "B".to_owned()]));
        assert_eq!(names("A=1\nnonsense\n"), Err(2));
        assert_eq!(names("=1\n"), Err(1));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,200}", known in ".{0,80}") {
            let _ = variables(&text);
            let _ = told(&wishes(&[], &[("x", "{}")]), &known);
        }
    }
}
