//! A request as it was logged.

use jiff::Timestamp;
use shared_model::application::Application;
use std::fmt;

/// Which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestKind {
    /// A TaskDefinition that stages.
    Staging,
    /// A DesiredLRP.
    Launch,
    /// A TaskDefinition of `cf run-task`, which only looks like a staging: it is listed, and used for nothing.
    Task,
}

/// A request as it was logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which.
    pub(crate) kind: RequestKind,
    /// The request's JSON, byte for byte as it stands in the log. It holds secrets, so `Debug` leaves it out.
    pub(crate) document: String,
    /// When it was logged; `None` for one that comes from a file of its own, or from a line without a time.
    pub(crate) time: Option<Timestamp>,
    /// The staging guid beside a staging request in its log line.
    pub(crate) staging_guid: Option<String>,
    /// Whose it is; fields may be empty.
    pub(crate) application: Application,
    /// What the user should know about the search: `….log.2.gz: damaged, read up to there`. Mostly empty.
    pub(crate) warnings: Vec<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("time", &self.time)
            .field("staging_guid", &self.staging_guid)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}
