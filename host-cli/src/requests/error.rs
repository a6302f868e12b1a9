//! What can go wrong on the way to a request, and what to try then. All of them end with exit code 3.

/// No request could be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// There are no logs.
    #[error("no logs were found")]
    NoLogs,
}

impl RequestError {
    /// What to try.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NoLogs => "name the folder with --logs".to_owned(),
        }
    }
}
