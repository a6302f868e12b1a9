//! Which process of an app a launch starts, whether it listens, and where its start command comes from.

use super::error::PlanError;
use super::health;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::names::listed;
use shared_model::process_type::WEB;
use shared_model::validate::LONGEST_ARGUMENT;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which of the launcher's arguments is the start command.
const START_COMMAND: usize = 1;

/// The process that a launch starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its type: `web`, `worker` …
    pub(crate) process_type: String,
    /// Whether the request is of this type. Else it is web's, and the process has of it everything but command, ports and check.
    pub(super) has_request: bool,
}

impl Process {
    /// The process that was typed, or the request's own where none was. Web's request serves for another type, too.
    ///
    /// # Errors
    /// The request is of a third type.
    pub(super) fn new(lrp: &DesiredLrp, typed: Option<&str>) -> Result<Self, PlanError> {
        let own = lrp.process_type();
        match typed {
            Some(wanted) if wanted != own && own != WEB => {
                Err(PlanError::OtherProcess { wanted: wanted.to_owned(), own })
            }
            Some(wanted) => Ok(Self { has_request: wanted == own, process_type: wanted.to_owned() }),
            None => Ok(Self { process_type: own, has_request: true }),
        }
    }

    /// Whether something listens in it: web does, and what has a route or a health check. Cloud Controller gives every other
    /// request a port, too.
    pub(super) fn listens(&self, lrp: &DesiredLrp) -> bool {
        let has_check = || health::health_check(lrp, Duration::ZERO).is_some();
        self.has_request && (self.process_type == WEB || lrp.has_routes() || has_check())
    }

    /// The launcher's arguments, `of_request` being the request's. The start command of a process without a request of its own
    /// is the one that the image's label (see [`crate::labels::PROCESS_TYPES`]) gives it; an empty one would be web's.
    ///
    /// # Errors
    /// The process has no request of its own, and the image has no such process, or a command too long for a program.
    pub(super) fn arguments(
        &self,
        of_request: &[String],
        process_types: Option<&str>,
    ) -> Result<Vec<String>, PlanError> {
        let arguments = of_request.to_vec();
        let is_told = arguments.get(START_COMMAND).is_some_and(|command| !command.is_empty());
        if self.has_request && (self.process_type == WEB || is_told) {
            return Ok(arguments);
        }
        let types: BTreeMap<String, String> =
            process_types.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let Some(command) = types.get(&self.process_type) else {
            if self.has_request {
                return Ok(arguments);
            }
            return Err(PlanError::NoSuchProcess { wanted: self.process_type.clone(), known: listed(types.keys()) });
        };
        if command.len() > LONGEST_ARGUMENT {
            return Err(PlanError::LongCommand { process: self.process_type.clone(), bytes: command.len() });
        }
        Ok(started_with(of_request, Some(command)))
    }
}

/// The launcher's arguments with another start command; `None`: its own.
pub(super) fn started_with(arguments: &[String], command: Option<&str>) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    if let Some(command) = command {
        match arguments.get_mut(START_COMMAND) {
            Some(start_command) => command.clone_into(start_command),
            None => arguments = vec!["app".to_owned(), command.to_owned(), String::new()],
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKER: &str =
        r#"{"ports":[8080],"metric_tags":{"process_type":{"static":"worker"}},"routes":{"cf-router":[]}}"#;

    fn lrp(json: &str) -> DesiredLrp {
        serde_json::from_str(json).unwrap()
    }

    fn process(json: &str, typed: Option<&str>) -> Process {
        Process::new(&lrp(json), typed).unwrap()
    }

    #[test]
    fn the_process_is_the_requests_own_unless_web_stands_for_another() {
        let named = |json, typed| {
            let Process { process_type, has_request } = process(json, typed);
            (process_type, has_request)
        };
        assert_eq!(named(WORKER, None), ("worker".to_owned(), true));
        assert_eq!(named(WORKER, Some("worker")), ("worker".to_owned(), true));
        assert_eq!(named("{}", Some("worker")), ("worker".to_owned(), false));
        for wanted in ["web", "clock"] {
            let refused = Process::new(&lrp(WORKER), Some(wanted)).unwrap_err().to_string();
            assert!(refused.contains(&format!("{wanted:?}")) && refused.contains("\"worker\""), "{refused}");
        }
    }

    #[test]
    fn web_listens_and_what_is_routed_to_or_checked() {
        let listens = |json: &str| process(json, None).listens(&lrp(json));
        assert!(listens("{}"));
        assert!(!listens(WORKER));
        assert!(listens(&WORKER.replace(r#""cf-router":[]"#, r#""tcp-router":[{}]"#)));
        assert!(listens(
            &WORKER.replace(r#""routes""#, r#""check_definition":{"checks":[{"tcp_check":{"port":8080}}]},"routes""#)
        ));
        assert!(!process("{}", Some("worker")).listens(&lrp("{}")), "the ports are web's");
    }

    #[test]
    fn a_request_of_its_own_brings_the_command_and_the_label_only_a_missing_one() {
        let label = Some(r#"{"web":"w","worker":"of the image"}"#);
        let arguments = |process: &Process, command: &str, label| {
            process
                .arguments(&["app".into(), command.into(), String::new()], label)
                .map(|arguments| arguments[1].clone())
        };
        let worker = process(WORKER, None);
        assert_eq!(arguments(&worker, "of the request", label).unwrap(), "of the request");
        assert_eq!(arguments(&worker, "", label).unwrap(), "of the image");
        assert_eq!(arguments(&worker, "", None).unwrap(), "");
        assert_eq!(arguments(&process("{}", Some("worker")), "web's", label).unwrap(), "of the image");
        assert_eq!(arguments(&process("{}", None), "", label).unwrap(), "", "the launcher knows web's");
        assert!(arguments(&process("{}", Some("clock")), "web's", label).is_err());
    }
}
