//! Which downloads of an action can begin with the dependencies, before the action does. Pure.
//!
//! A tree begins with its downloads: nothing runs before them that they could need. Begun early, they cost no time
//! beside the buildpacks; what came of them is told when the walk through the tree arrives there.

use shared_model::action::{Action, DownloadAction};
use std::time::Duration;

/// A download that can begin early, and where in the tree it stands.
pub(super) type EarlyDownload<'a> = (&'a DownloadAction, Surroundings<'a>);

/// What the actions around an action say of it.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// In whose name; `None`: the task's.
    pub(super) log_source: Option<&'a str>,
    /// The shortest time limit around it.
    pub(super) limit: Option<Duration>,
    /// Whether the whole fails without it.
    pub(super) indispensable: bool,
}

/// The downloads that `action` comes to before it runs or uploads anything, in its order.
pub(super) fn early(action: &Action) -> Vec<EarlyDownload<'_>> {
    let mut found = Vec::new();
    walk(action, Surroundings { log_source: None, limit: None, indispensable: true }, &mut found);
    found
}

/// False where something else than a download may have begun.
fn walk<'a>(action: &'a Action, place: Surroundings<'a>, found: &mut Vec<EarlyDownload<'a>>) -> bool {
    let mut place = Surroundings { log_source: action.log_source().or(place.log_source), ..place };
    match action {
        Action::Download(action) => {
            found.push((action, place));
            return true;
        }
        // The first of a codependent group to end ends the others, which is another thing when they begin early.
        Action::Run(_) | Action::Upload(_) | Action::Codependent(_) => return false,
        Action::Timeout(timeout) => {
            let limits = [place.limit, timeout.limit()];
            place.limit = limits.into_iter().flatten().min();
        }
        Action::Try(_) => place.indispensable = false,
        Action::EmitProgress(_) | Action::Parallel(_) | Action::Serial(_) => {}
    }
    let children = action.children();
    if matches!(action, Action::Parallel(_)) {
        // Beside a program a download is not before it: whether that one runs must not hang on how this one ends.
        let before = found.len();
        let only_downloads = children.iter().all(|child| walk(child, place, found));
        if !only_downloads {
            found.truncate(before);
        }
        return only_downloads;
    }
    children.iter().all(|child| walk(child, place, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn names(action: &Value) -> Vec<String> {
        let action: Action = serde_json::from_value(action.clone()).unwrap();
        let name = |(action, place): EarlyDownload| {
            let Surroundings { log_source, limit, indispensable } = place;
            let (limit, source) = (limit.map_or(0, |limit| limit.as_secs()), log_source.unwrap_or("-"));
            format!("{} {source} {limit} {}", action.to, if indispensable { "needed" } else { "tried" })
        };
        early(&action).into_iter().map(name).collect()
    }

    fn download(to: &str) -> Value {
        json!({"download": {"from": "http://h/x", "to": to, "user": "vcap"}})
    }

    fn serial(actions: &[Value]) -> Value {
        json!({"serial": {"actions": actions}})
    }

    fn timeout(seconds: u64, action: &Value) -> Value {
        json!({"timeout": {"timeout": seconds * 1_000_000_000, "log_source": "X", "action": action}})
    }

    #[test]
    fn only_what_comes_before_the_first_program_begins_early() {
        let run = json!({"run": {"path": "/b", "user": "vcap"}});
        let (a, b, c) = (download("a"), download("b"), download("c"));
        let try_b = json!({"try": {"action": b}});
        let beside = json!({"parallel": {"actions": [a, run, b]}});
        let together = json!({"parallel": {"actions": [a, b]}});
        let codependent = json!({"codependent": {"actions": [a, b]}});
        let announced = json!({"emit_progress": {"action": a}});
        for (action, expected) in [
            (serial(&[a.clone(), try_b, run.clone(), c.clone()]), &["a - 0 needed", "b - 0 tried"][..]),
            (serial(&[c.clone(), beside, c.clone()]), &["c - 0 needed"]),
            (serial(&[together, run.clone(), c.clone()]), &["a - 0 needed", "b - 0 needed"]),
            (timeout(9, &serial(&[timeout(5, &a), b])), &["a X 5 needed", "b X 9 needed"]),
            (serial(&[codependent, c]), &[]),
            (serial(&[announced, run.clone()]), &["a - 0 needed"]),
            (run, &[]),
        ] {
            assert_eq!(names(&action), expected, "{action}");
        }
    }
}
