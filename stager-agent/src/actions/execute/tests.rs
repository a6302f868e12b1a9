//! The semantics of Diego's executor, on leaves that follow a script: a run's path says what becomes of it.

use super::*;
use shared_model::event::EventSink;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Remembers what was said.
#[derive(Default)]
struct Said(Mutex<Vec<Event>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Leaves that do what their name says: `ok`, `fail`, `forever`, `after:<other>` (waits until that one has ended).
#[derive(Default)]
struct Script {
    began: Mutex<Vec<String>>,
    ended: Mutex<Vec<String>>,
}

impl Script {
    fn play(&self, name: &str, scope: &Scope) -> Result<(), ActionError> {
        self.began.lock().unwrap().push(name.to_owned());
        let result = match name.split_once(':').map_or((name, ""), |parts| parts) {
            ("forever", _) => Err(ActionError::Stopped(wait_for(|| scope.stopped()))),
            ("after", other) => {
                wait_for(|| self.ended.lock().unwrap().iter().any(|ended| ended == other).then_some(()));
                Ok(())
            }
            ("fail", status) => {
                Err(ActionError::Exited { path: name.to_owned(), status: status.parse().unwrap_or(1), exceeded: None })
            }
            _ => Ok(()),
        };
        self.ended.lock().unwrap().push(name.to_owned());
        result
    }
}

fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl ActionRunner for Script {
    fn download(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError> {
        self.play(&action.to, scope)
    }
    fn upload(&self, action: &UploadAction, scope: &Scope) -> Result<(), ActionError> {
        self.play(&action.from, scope)
    }
    fn run(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError> {
        self.play(&action.path, scope)
    }
}

struct Outcome {
    result: Result<(), ActionError>,
    began: Vec<String>,
    ended: Vec<String>,
    said: Vec<Event>,
}

impl Outcome {
    fn error(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }

    fn progress(&self) -> Vec<(&str, &str, bool)> {
        let progress = |event| match event {
            &Event::Progress { ref source, ref text, failed } => Some((source.as_str(), text.as_str(), failed)),
            _ => None,
        };
        self.said.iter().filter_map(progress).collect()
    }
}

fn walk(json: &str) -> Outcome {
    walk_with(json, &Stop::default())
}

fn walk_with(json: &str, stop: &Stop) -> Outcome {
    let action: Action = serde_json::from_str(&spelled_out(json)).unwrap();
    let (said, script) = (Said::default(), Script::default());
    let result = execute(&action, &script, &Scope::new(&said, "STG", stop));
    let Script { began, ended } = script;
    Outcome {
        result,
        began: began.into_inner().unwrap(),
        ended: ended.into_inner().unwrap(),
        said: said.0.into_inner().unwrap(),
    }
}

/// `<ok>` is a run with that path; `kind[…]` a list; `try(…)` a try; `soon(…)` a timeout of 200 milliseconds.
fn spelled_out(short: &str) -> String {
    let mut json = short.to_owned();
    for kind in ["serial", "parallel", "codependent"] {
        json = json.replace(&format!("{kind}["), &format!("{{\"{kind}\":{{\"actions\":["));
    }
    json = json.replace("try(", r#"{"try":{"action":"#).replace("soon(", r#"{"timeout":{"timeout_ms":200,"action":"#);
    json = json.replace("emit(", r#"{"emit_progress":{"start_message":"Staging...","success_message":"Staging complete","failure_message_prefix":"Staging failed","action":"#);
    json.replace('<', r#"{"run":{"user":"u","path":""#).replace('>', "\"}}").replace(']', "]}}").replace(')', "}}")
}

#[test]
fn serial_goes_in_order_and_stops_at_the_first_failure() {
    let outcome = walk("serial[<ok:1>,<ok:2>,<fail:7>,<ok:3>]");
    assert_eq!(outcome.began, ["ok:1", "ok:2", "fail:7"]);
    assert_eq!(outcome.error(), "Exited with status 7");
}

#[test]
fn parallel_waits_for_all_and_then_names_all_failures() {
    let outcome = walk("serial[parallel[<fail:1>,<after:fail:1>,<fail:2>],<ok>]");
    assert!(outcome.ended.contains(&"after:fail:1".to_owned()) && !outcome.began.contains(&"ok".to_owned()));
    assert_eq!(outcome.error(), "Exited with status 1; Exited with status 2");
}

#[test]
fn parallel_actions_run_at_once() {
    // Each waits for the other's start: in order, neither would ever end.
    assert!(walk("parallel[<after:ok>,<ok>]").result.is_ok());
    assert!(walk("parallel[<ok>,<after:ok>]").result.is_ok());
}

#[test]
fn a_try_swallows_a_failure_and_says_so() {
    let outcome = walk("serial[try(<fail:3>),<ok>]");
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.began, ["fail:3", "ok"]);
    assert_eq!(outcome.said, [Event::Ignored { text: "Exited with status 3".into() }]);
}

#[test]
fn a_timeout_ends_what_is_inside() {
    let outcome = walk("serial[soon(serial[<forever>,<ok>]),<ok>]");
    assert_eq!(outcome.error(), "exceeded 200ms timeout; cancelled");
    assert_eq!(outcome.ended, ["forever"]);
}

#[test]
fn a_timeout_is_not_swallowed_by_a_try_inside_it() {
    let outcome = walk("soon(serial[try(<forever>),<ok>])");
    assert!(matches!(outcome.result, Err(ActionError::TimedOut { .. })), "{:?}", outcome.result);
    assert_eq!((outcome.began.as_slice(), outcome.said.as_slice()), (&["forever".to_owned()][..], &[][..]));
}

#[test]
fn a_timeout_is_swallowed_by_a_try_around_it() {
    let outcome = walk("serial[try(soon(<forever>)),<ok>]");
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.said, [Event::Ignored { text: "exceeded 200ms timeout; cancelled".into() }]);
}

#[test]
fn the_outer_of_two_timeouts_is_the_one_that_is_named() {
    let long = r#"{"timeout":{"timeout_ms":60000,"action":"#;
    let outcome = walk(&format!("soon({long}<forever>))"));
    assert!(
        matches!(outcome.result, Err(ActionError::TimedOut { limit, .. }) if limit == Duration::from_millis(200)),
        "{:?}",
        outcome.result
    );
}

#[test]
fn a_timeout_that_is_not_needed_changes_nothing() {
    let long = r#"{"timeout":{"timeout_ms":60000,"action":"#;
    assert!(walk(&format!("{long}<ok>)")).result.is_ok());
    assert_eq!(walk(&format!("{long}<fail:4>)")).error(), "Exited with status 4");
}

#[test]
fn the_first_of_a_codependent_group_ends_the_others() {
    let outcome = walk("codependent[<forever>,<fail:9>,<forever>]");
    assert_eq!((outcome.error().as_str(), outcome.ended.len()), ("Exited with status 9", outcome.began.len()));
}

#[test]
fn a_codependent_group_fails_even_when_its_first_to_end_succeeded() {
    let outcome = walk("codependent[<ok>,<forever>]");
    assert!(matches!(outcome.result, Err(ActionError::CodependentEnded)), "{:?}", outcome.result);
}

#[test]
fn the_end_of_a_codependent_group_is_not_the_end_of_its_surroundings() {
    let outcome = walk("serial[try(codependent[<ok>,<forever>]),<ok:2>]");
    assert!(outcome.result.is_ok() && outcome.began.contains(&"ok:2".to_owned()));
}

#[test]
fn a_signal_ends_everything_and_no_try_swallows_it() {
    let stop = Stop::default();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(10));
            stop.ask(Stopped::Signal(15));
        });
        let outcome = walk_with("serial[try(parallel[<forever>,<forever>]),<ok>]", &stop);
        assert!(matches!(outcome.result, Err(ActionError::Stopped(Stopped::Signal(15)))), "{:?}", outcome.result);
        assert!(outcome.said.is_empty() && !outcome.began.contains(&"ok".to_owned()));
    });
}

#[test]
fn progress_is_told_as_diego_tells_it() {
    assert_eq!(walk("emit(<ok>)").progress(), [("STG", "Staging...", false), ("STG", "Staging complete", false)]);
    assert_eq!(
        walk("emit(<fail:223>)").progress(),
        [("STG", "Staging...", false), ("STG", "Staging failed: Exited with status 223", true)]
    );
    assert_eq!(walk("emit(soon(<forever>))").progress()[1], ("STG", "Staging failed: exceeded 200ms timeout", true));
}

#[test]
fn a_parallels_failure_is_told_without_its_reason() {
    assert_eq!(walk("emit(parallel[<fail:1>,<ok>])").progress()[1], ("STG", "Staging failed", true));
}

#[test]
fn a_missing_log_source_is_that_of_the_action_around() {
    let inner = r#"{"emit_progress":{"start_message":"a","action":<ok>)"#;
    let named = r#"{"serial":{"log_source":"CELL","actions":["#;
    assert_eq!(walk(&format!("{named}{inner}]")).progress(), [("CELL", "a", false)]);
    assert_eq!(walk(inner).progress(), [("STG", "a", false)]);
}
