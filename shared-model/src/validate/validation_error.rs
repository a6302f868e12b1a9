//! What is wrong with a request, and where.

use std::fmt;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    /// Where: `action.timeout.action.serial.actions[2]`; empty for the whole document.
    pub path: String,
    /// What: `unknown action kind "exec" (known: download, …)`.
    pub text: String,
    /// What to try, where it is something else than another request.
    pub advice: Option<&'static str>,
}

impl ValidationError {
    /// An error that another request cures.
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), advice: None }
    }
}

/// All that is wrong with a request; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(pub Vec<ValidationError>);

impl ValidationErrors {
    /// What to try, where one of them says it; `None`: another request.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.0.iter().find_map(|error| error.advice)
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", self.path, self.text) }
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// One error about the whole document.
pub(super) fn whole(text: &str) -> ValidationErrors {
    ValidationErrors(vec![ValidationError::new("", text)])
}
