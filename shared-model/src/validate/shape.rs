//! From a JSON document to a type, with every error about keys and types rather than the first one.

use super::validation_error::{ValidationError, ValidationErrors};
use crate::action::Action;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write;

/// More errors than anybody reads; also bounds the work on a hostile document.
const MOST_ERRORS: usize = 100;

/// Reads `document` as `T`.
pub(super) fn read<T: DeserializeOwned>(document: &Value) -> Result<T, ValidationErrors> {
    let mut errors = Vec::new();
    let mut document = document.clone();
    replace_bad_actions(&mut document, &mut String::new(), &mut errors);
    loop {
        match serde_path_to_error::deserialize::<_, T>(&document) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(ValidationErrors(errors)),
            Err(error) => {
                let path = error.path().to_string();
                errors.push(ValidationError::new(readable(&path), without_values(&error.inner().to_string())));
                // Taking the bad value out lets the rest be looked at; one that cannot be taken out ends the search.
                if errors.len() >= MOST_ERRORS || !remove(&mut document, error.path()) {
                    return Err(ValidationErrors(errors));
                }
            }
        }
    }
}

/// Complains about every action that has not exactly one known kind, and puts an empty one in its place.
fn replace_bad_actions(value: &mut Value, path: &mut String, errors: &mut Vec<ValidationError>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match (key.as_str(), &mut *inner) {
                    ("action" | "setup" | "monitor", action) => check_kind(action, path, errors),
                    ("actions", Value::Array(actions)) => {
                        for (index, action) in actions.iter_mut().enumerate() {
                            check_kind(action, &format!("{path}[{index}]"), errors);
                        }
                    }
                    _ => {}
                }
                replace_bad_actions(inner, path, errors);
                path.truncate(length);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter_mut().enumerate() {
                let length = path.len();
                let _ = write!(path, "[{index}]"); // a String takes everything
                replace_bad_actions(inner, path, errors);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn check_kind(action: &mut Value, path: &str, errors: &mut Vec<ValidationError>) {
    let Value::Object(kinds) = &*action else {
        return; // null is an absent action, and any other type is complained about by its reader
    };
    let mut names = kinds.keys().map(String::as_str);
    let known = Action::KINDS.join(", ");
    let text = match (names.next(), names.next()) {
        (Some(kind), None) if Action::KINDS.contains(&kind) => return,
        (Some(kind), None) => format!("unknown action kind {} (known: {known})", shown_key(kind)),
        (None, _) => format!("an action without a kind (known: {known})"),
        (Some(_), Some(_)) => {
            let kinds: Vec<String> = kinds.keys().map(|kind| shown_key(kind)).collect();
            format!("{} kinds in one action: {}", kinds.len(), kinds.join(", "))
        }
    };
    if errors.len() < MOST_ERRORS {
        errors.push(ValidationError::new(path, text));
    }
    *action = json!({"serial": {"actions": [{"serial": {}}]}});
}

/// A key from a foreign document, quoted, escaped and cut.
pub(super) fn shown_key(key: &str) -> String {
    const LONGEST: usize = 40;
    format!("{:?}", key.chars().take(LONGEST).collect::<String>())
}

/// Serde names the variant of an enum as if it were a key, which it is on the wire; its `?` and `.` need no change.
fn readable(path: &str) -> String {
    if path == "." { String::new() } else { path.to_owned() }
}

/// Serde's texts quote the value that they did not expect; what they did expect is all that may be said.
fn without_values(text: &str) -> String {
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if text.starts_with("missing field") => text.to_owned(),
        None => "not as the request's form has it".to_owned(),
    }
}

fn remove(document: &mut Value, path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    let mut steps: Vec<Segment> = path.iter().cloned().collect();
    let Some(last) = steps.pop() else { return false };
    let mut place = document;
    for step in steps {
        let next = match step {
            Segment::Map { key } | Segment::Enum { variant: key } => place.get_mut(key.as_str()),
            Segment::Seq { index } => place.get_mut(index),
            Segment::Unknown => None,
        };
        let Some(next) = next else { return false };
        place = next;
    }
    match (last, place) {
        (Segment::Map { key }, Value::Object(object)) => object.remove(&key).is_some(),
        _ => false,
    }
}
