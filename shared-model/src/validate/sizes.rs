//! What the kernel lets a program be given. The BBS takes more; the program would not start, and the system would say
//! only that the argument list is too long, of all variables together.

use super::shape::shown_key;
use super::validation_error::ValidationError;
use crate::action::{Action, RunAction};
use crate::environment::EnvironmentVariable;

/// Bytes of one argument, or of one variable as `name=value`. Linux: `MAX_ARG_STRLEN`, which counts a NUL at the end.
pub const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

const SHORTEN_VARIABLE: &str = "shorten it; for VCAP_SERVICES bind fewer services, or let the app read them from files (the app's feature \
     `file-based-vcap-services`)";
const SHORTEN_ARGUMENT: &str = "shorten it, as by a script in the app that the start command calls";

/// The variables and arguments of the run at `path` that are too long.
pub(super) fn of_run(path: &str, run: &RunAction) -> Vec<ValidationError> {
    let mut errors = of_variables(&format!("{path}.env"), run.environment(), &[]);
    for (index, argument) in
        run.arguments().iter().enumerate().filter(|(_, argument)| argument.len() > LONGEST_ARGUMENT)
    {
        let text = format!(
            "{} bytes long, and Linux gives a program at most {LONGEST_ARGUMENT} in one argument",
            argument.len()
        );
        let advice = Some(SHORTEN_ARGUMENT);
        errors.push(ValidationError { path: format!("{path}.args[{index}]"), text, advice });
    }
    errors
}

/// The variables of the container that are too long, and that some run of `action` is given.
pub(super) fn of_container(variables: &[EnvironmentVariable], action: Option<&Action>) -> Vec<ValidationError> {
    let runs: Vec<&RunAction> = action.map(Action::runs).into_iter().flatten().collect();
    of_variables("env", variables, &runs)
}

/// Those of `variables` that are too long. One that is given again behind itself, or by each of `over`, reaches nobody.
fn of_variables(path: &str, variables: &[EnvironmentVariable], over: &[&RunAction]) -> Vec<ValidationError> {
    let gives = |list: &[EnvironmentVariable], name: &str| list.iter().any(|variable| variable.name == name);
    let mut errors = Vec::new();
    for (index, EnvironmentVariable { name, value }) in variables.iter().enumerate() {
        let bytes = name.len() + 1 + value.reveal().len();
        let everywhere_again = !over.is_empty() && over.iter().all(|run| gives(run.environment(), name));
        if bytes <= LONGEST_ARGUMENT || gives(&variables[index + 1..], name) || everywhere_again {
            continue;
        }
        let name = shown_key(name);
        let text = format!(
            "{name} has {bytes} bytes with its name, and Linux gives a program at most {LONGEST_ARGUMENT} in one variable"
        );
        errors.push(ValidationError { path: format!("{path}[{index}]"), text, advice: Some(SHORTEN_VARIABLE) });
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::{desired_lrp, task};
    use super::*;
    use serde_json::{Value, json};

    const RUN: &str = "action.serial.actions[0].run";

    fn request(variables: &Value, run: &Value) -> String {
        let mut run = run.clone();
        run["path"] = json!("/bin/true");
        run["user"] = json!("vcap");
        let action = json!({"serial": {"actions": [{"run": run}]}});
        json!({"rootfs": "preloaded:x", "process_guid": "p", "env": variables, "action": action}).to_string()
    }

    /// What is wrong with it as a launch, and as a staging.
    fn errors(variables: &Value, run: &Value) -> String {
        let launch = request(variables, run);
        let staging = launch.replace("\"process_guid\":\"p\",", "");
        let errors = desired_lrp(&launch).map_or_else(|errors| errors.to_string(), |_| String::new());
        let as_staging = task(&staging).map_or_else(|errors| errors.to_string(), |_| String::new());
        assert_eq!(errors, as_staging);
        errors
    }

    fn variable(name: &str, bytes: usize) -> Value {
        json!([{"name": name, "value": "s".repeat(bytes - name.len() - 1)}])
    }

    #[test]
    fn a_variable_that_no_program_can_be_given_is_named_and_one_byte_less_is_not() {
        assert_eq!(errors(&variable("A", LONGEST_ARGUMENT), &json!({"env": variable("B", LONGEST_ARGUMENT)})), "");
        let told = "has 131072 bytes with its name, and Linux gives a program at most 131071 in one variable";
        assert_eq!(errors(&variable("A", LONGEST_ARGUMENT + 1), &json!({})), format!("env[0]: \"A\" {told}"));
        let of_run = errors(&json!([]), &json!({"env": variable("VCAP_SERVICES", LONGEST_ARGUMENT + 1)}));
        assert_eq!(of_run, format!("{RUN}.env[0]: \"VCAP_SERVICES\" {told}"));
    }

    #[test]
    fn an_argument_that_no_program_can_be_given_is_named() {
        assert_eq!(errors(&json!([]), &json!({"args": ["s".repeat(LONGEST_ARGUMENT)]})), "");
        let told = "131072 bytes long, and Linux gives a program at most 131071 in one argument";
        assert_eq!(
            errors(&json!([]), &json!({"args": ["", "s".repeat(LONGEST_ARGUMENT + 1)]})),
            format!("{RUN}.args[1]: {told}")
        );
    }

    #[test]
    fn a_variable_that_is_given_again_is_nobodys_trouble() {
        let long = variable("A", LONGEST_ARGUMENT + 1);
        assert_eq!(errors(&long, &json!({"env": variable("A", 9)})), "");
        assert_eq!(errors(&json!([long[0], {"name": "A", "value": ""}]), &json!({})), "");
        assert!(errors(&long, &json!({"env": variable("B", 9)})).starts_with("env[0]: \"A\" has"));
    }

    #[test]
    fn a_name_is_escaped_and_cut_and_no_value_is_shown() {
        let name = format!("\u{1b}[31m{}", "N".repeat(100));
        let told = errors(&variable(&name, LONGEST_ARGUMENT + 1), &json!({}));
        assert!(told.starts_with("env[0]: \"\\u{1b}[31mNNN") && !told.contains("sss"), "{told}");
        assert!(told.len() < 200, "{told}");
    }

    #[test]
    fn the_advice_is_to_shorten_it() {
        let told = desired_lrp(&request(&variable("A", LONGEST_ARGUMENT + 1), &json!({}))).unwrap_err();
        assert!(told.advice().is_some_and(|advice| advice.contains("file-based-vcap-services")));
        assert_eq!(task("{}").unwrap_err().advice(), None);
    }
}
