//! Faults on order, from a file that is read at each request, so that a test may change them at any time.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::Deserialize;

/// What shall go wrong. Everything left out goes right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FaultPlan {
    /// cc-uploader refuses so many uploads, then takes them again.
    pub(crate) uploader_refuses: u32,
    /// With this status; 503 if none is given.
    pub(crate) uploader_status: Option<u16>,
    /// cc-uploader waits so long before each answer, in milliseconds.
    pub(crate) uploader_delay_ms: u64,
    /// Cloud Controller finds every `Content-MD5` wrong.
    pub(crate) md5_mismatch: bool,
    /// Cloud Controller's jobs fail.
    pub(crate) job_fails: bool,
}

/// The file and how many refusals it has brought about.
pub(crate) struct Faults {
    file: PathBuf,
    refused: Mutex<(FaultPlan, u32)>,
}

impl Faults {
    /// A file that need not exist.
    pub(crate) fn at(file: PathBuf) -> Faults {
        Faults { file, refused: Mutex::default() }
    }

    /// The plan of this moment. A file that is no plan is an error, lest a test believe in its faults.
    pub(crate) fn plan(&self) -> Result<FaultPlan, String> {
        match fs::read(&self.file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| format!("faults.json: {cause}")),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(FaultPlan::default()),
            Err(cause) => Err(format!("faults.json: {cause}")),
        }
    }

    /// Whether this upload is one of those to refuse. A changed plan counts from the start.
    pub(crate) fn refuses(&self, plan: &FaultPlan) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if refused.0 != *plan {
            *refused = (plan.clone(), 0);
        }
        let again = refused.1 < plan.uploader_refuses;
        refused.1 += u32::from(again);
        again
    }
}
