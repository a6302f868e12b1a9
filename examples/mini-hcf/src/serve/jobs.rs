//! Cloud Controller's background jobs: queued, running, then finished or failed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::request::json::{Json, object};

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The file was received, and waits to be stored.
    Queued,
    /// The file is in the blobstore.
    Finished,
    /// The file was not stored.
    Failed,
}

/// All jobs of this process.
#[derive(Default)]
pub(crate) struct Jobs {
    jobs: Mutex<HashMap<String, Status>>,
}

impl Jobs {
    /// Sets or makes a job.
    pub(crate) fn set(&self, guid: &str, status: Status) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(guid.to_owned(), status);
    }

    /// As Cloud Controller shows it; `None` for an unknown one.
    pub(crate) fn show(&self, guid: &str) -> Option<Json> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(guid).map(|status| present(guid, *status))
    }
}

fn present(guid: &str, status: Status) -> Json {
    let text = match status {
        Status::Queued => "queued",
        Status::Finished => "finished",
        Status::Failed => "failed",
    };
    let failed = status == Status::Failed;
    object! {
        "metadata": object! {
            "guid": guid,
            "created_at": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "url": format!("/v2/jobs/{guid}"),
        },
        "entity": object! {
            "guid": guid,
            "status": text,
            "error": failed.then_some("Use of entity>error is deprecated in favor of entity>error_details."),
            "error_details": failed.then(|| object! {
                "error_code": "UnknownError",
                "description": "An unknown error occurred.",
                "code": 10001,
            }),
        },
    }
}
