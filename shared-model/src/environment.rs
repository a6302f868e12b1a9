//! Environment variables of a request. Their values hold service passwords, so they show only their names.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One `{name, value}` of a request. Names may hold anything but `=`; values may be empty.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentVariable {
    /// The variable's name. Diego: `name`.
    #[serde(default)]
    pub name: String,
    /// Its value, secret as long as nobody proves otherwise. Diego: `value`.
    #[serde(default)]
    pub value: Secret<String>,
}

impl EnvironmentVariable {
    /// A variable from its two parts.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Secret::new(value.into()) }
    }
}

impl fmt::Debug for EnvironmentVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=***", self.name)
    }
}

/// Merges lists of variables as Diego does: later lists go over earlier ones, and of the same name the last value wins
/// in the first one's place.
pub fn merge<'a>(lists: impl IntoIterator<Item = &'a [EnvironmentVariable]>) -> Vec<EnvironmentVariable> {
    let mut merged: Vec<EnvironmentVariable> = Vec::new();
    for variable in lists.into_iter().flatten() {
        match merged.iter_mut().find(|present| present.name == variable.name) {
            Some(present) => present.value = variable.value.clone(),
            None => merged.push(variable.clone()),
        }
    }
    merged
}

/// The value of the last variable called `name`.
#[must_use]
pub fn value_of<'a>(variables: &'a [EnvironmentVariable], name: &str) -> Option<&'a str> {
    variables.iter().rev().find(|variable| variable.name == name).map(|variable| variable.value.reveal().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_name_wins_in_the_first_ones_place() {
        let container = [EnvironmentVariable::new("LANG", "C"), EnvironmentVariable::new("A", "1")];
        let run = [EnvironmentVariable::new("LANG", "en_US.UTF-8"), EnvironmentVariable::new("B", "2")];
        let merged = merge([&container[..], &run[..]]);
        let names: Vec<&str> = merged.iter().map(|variable| variable.name.as_str()).collect();
        assert_eq!(names, ["LANG", "A", "B"]);
        assert_eq!(value_of(&merged, "LANG"), Some("en_US.UTF-8"));
    }

    #[test]
    fn debug_shows_the_name_alone() {
        assert_eq!(format!("{:?}", EnvironmentVariable::new("DATABASE_URL", "s3cret")), "DATABASE_URL=***");
    }
}
