//! What runs beside an app in its container: the request's sidecars as far as a supervisor can start them there, and who they are
//! for people. Pure.

use shared_model::action::RunAction;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::plain_line::escape_control;
use shared_model::process_type::LogSource;

/// What stands in front of a sidecar's lines where the request names no log source.
const NO_SOURCE: &str = "SIDECAR";

/// Characters of a log source in front of lines; its end is a name that somebody chose.
const LONGEST_SOURCE: usize = 256;

/// How a sidecar is called that has no name.
const NAMELESS: &str = "without a name";

/// The sidecars that can be started beside the app's launcher, as the request has them. The others are another user's, and who
/// runs as the app's user cannot become another one.
pub(super) fn startable(lrp: &DesiredLrp) -> impl Iterator<Item = &RunAction> {
    lrp.sidecar_runs().filter(|run| is_of_the_apps_user(lrp, run))
}

/// The names of the sidecars: of those that can be started, and of the others.
pub(super) fn names(lrp: &DesiredLrp) -> (Vec<String>, Vec<String>) {
    let (startable, others): (Vec<_>, Vec<_>) = lrp.sidecar_runs().partition(|run| is_of_the_apps_user(lrp, run));
    let named = |runs: Vec<&RunAction>| runs.into_iter().map(name).collect();
    (named(startable), named(others))
}

/// A log source that is one line's beginning, whatever it holds.
pub(super) fn source(run: &RunAction) -> String {
    let source = run.log_source.as_deref().filter(|source| !source.is_empty()).unwrap_or(NO_SOURCE);
    escape_control(source).chars().take(LONGEST_SOURCE).collect()
}

fn is_of_the_apps_user(lrp: &DesiredLrp, run: &RunAction) -> bool {
    lrp.launcher().is_some_and(|app| app.user == run.user)
}

fn name(run: &RunAction) -> String {
    let sidecar = run.log_source.as_deref().and_then(LogSource::parse).and_then(|source| source.sidecar);
    sidecar.filter(|name| !name.is_empty()).unwrap_or(NAMELESS).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_source_is_the_beginning_of_one_line() {
        let shown = |text: &str| source(&RunAction { log_source: Some(text.to_owned()), ..RunAction::default() });
        assert_eq!(shown("APP/PROC/WEB/SIDECAR/OTEL COLLECTOR"), "APP/PROC/WEB/SIDECAR/OTEL COLLECTOR");
        assert_eq!((shown(""), source(&RunAction::default())), (NO_SOURCE.to_owned(), NO_SOURCE.to_owned()));
        assert_eq!(shown("A\n[B] c\u{1b}[2J"), r"A\n[B] c\u{1b}[2J");
        assert_eq!(shown(&"é".repeat(999)).chars().count(), LONGEST_SOURCE);
    }

    #[test]
    fn another_users_sidecar_cannot_be_started() {
        let lrp = r#"{"action":{"codependent":{"actions":[
            {"run":{"path":"/l/launcher","user":"vcap","log_source":"APP/PROC/WEB"}},
            {"run":{"path":"/l/launcher","user":"vcap","log_source":"APP/PROC/WEB/SIDECAR/A"}},
            {"run":{"path":"/l/launcher","user":"root","log_source":"APP/PROC/WEB/SIDECAR/B"}}]}},
            "sidecars":[{"action":{"run":{"path":"/proxy","user":"vcap"}}}]}"#;
        let lrp: DesiredLrp = serde_json::from_str(lrp).unwrap();
        assert_eq!(startable(&lrp).map(|run| &*run.path).collect::<Vec<_>>(), ["/l/launcher", "/proxy"]);
        assert_eq!(names(&lrp), (vec!["A".into(), NAMELESS.into()], vec!["B".into()]));
    }
}
