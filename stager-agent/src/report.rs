//! `--report`: tells how a staging ended, as Diego's BBS would. Cloud Controller believes it: when the staging is the
//! app's current one, it takes the droplet for staged and starts the app on Diego.

use crate::fetch::Http;
use crate::plan::Callback;
use crate::session::scope::Scope;
use crate::session::steps::milliseconds;
use http_client::Address;
use http_client::{TransferError, status_text};
use serde_json::{Value, json};
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::io::Cursor;
use std::thread;
use std::time::Duration;

/// As often as Diego's BBS tries.
const TRIES: u32 = 3;
/// How long the receiver may think. It only asks Cloud Controller, which writes a line in a database.
const ANSWER: Duration = Duration::from_secs(30);

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    pub(crate) callback: &'a Callback,
    pub(crate) task_guid: &'a str,
    /// When the staging began, in nanoseconds since 1970.
    pub(crate) created_at: i128,
    /// With this result, verbatim, or for this reason. Cloud Controller makes its own of one that ends in 222, 223 or 224.
    pub(crate) ending: Result<&'a str, &'a str>,
}

/// The receiver does not know how it ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("cannot report to {to}")]
    Transfer {
        to: SafeUrl,
        #[source]
        cause: TransferError,
    },
    #[error("{to} refuses the report: {}", status_text(*status))]
    Refused { to: SafeUrl, status: u16 },
}

impl Report<'_> {
    /// Sends it; again only where the receiver took too long or says that another is not there (503, 504).
    pub(crate) fn send(&self, http: &Http, scope: &Scope) -> Result<(), ReportError> {
        let back_off = http.timeouts().back_off;
        let body = self.body().to_string().into_bytes();
        let mut attempt = 1;
        loop {
            let error = match self.post(http, &body) {
                Ok(()) => return Ok(()),
                Err(error) if attempt < TRIES && error.is_transient() => error,
                Err(error) => return Err(error),
            };
            attempt += 1;
            scope.emit(Event::Retrying {
                what: self.callback.url.to_string(),
                reason: error.reason(),
                attempt,
                attempts: TRIES,
                wait_ms: milliseconds(back_off),
            });
            thread::sleep(back_off);
        }
    }

    fn post(&self, http: &Http, body: &[u8]) -> Result<(), ReportError> {
        let to = || self.callback.url.clone();
        let address = Address::parse(&self.callback.url)
            .map_err(|cause| ReportError::Transfer { to: to(), cause: cause.into() })?;
        let length = body.len().to_string();
        let headers = [("content-type", "application/json"), ("content-length", length.as_str())];
        let answer = http
            .post(&address, &headers, Cursor::new(body.to_vec()), ANSWER)
            .map_err(|cause| ReportError::Transfer { to: to(), cause })?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(ReportError::Refused { to: to(), status: status.as_u16() }) }
    }

    /// The BBS's `TaskCallbackResponse`.
    fn body(&self) -> Value {
        let (failed, reason, result) = match self.ending {
            Ok(result) => (false, "", result),
            Err(reason) => (true, reason, ""),
        };
        let mut body = json!({
            "task_guid": self.task_guid,
            "failed": failed,
            "failure_reason": reason,
            "result": result,
            "created_at": i64::try_from(self.created_at).unwrap_or(i64::MAX),
        });
        let annotation = self.callback.annotation.as_ref().map(|annotation| annotation.reveal().as_str());
        if let Some(annotation) = annotation.filter(|annotation| !annotation.is_empty()) {
            body["annotation"] = annotation.into();
        }
        body
    }
}

impl ReportError {
    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Transfer { cause: TransferError::Idle { .. }, .. } | Self::Refused { status: 503 | 504, .. }
        )
    }

    fn reason(&self) -> String {
        match self {
            Self::Transfer { cause, .. } => cause.to_string(),
            Self::Refused { status, .. } => status_text(*status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::secret::Secret;

    fn body(annotation: &str, ending: Result<&str, &str>) -> Value {
        let annotation = Some(Secret::new(annotation.to_owned()));
        let callback = Callback { url: SafeUrl::new("http://stager/"), annotation };
        Report { callback: &callback, task_guid: "guid", created_at: 1_466_017_043_123_456_789, ending }.body()
    }

    #[test]
    fn it_says_what_the_bbs_says() {
        assert_eq!(
            body("{\"lifecycle\":\"buildpack\"}", Ok("{\"a\":1}\n")).to_string(),
            r#"{"annotation":"{\"lifecycle\":\"buildpack\"}","created_at":1466017043123456789,"failed":false,"failure_reason":"","result":"{\"a\":1}\n","task_guid":"guid"}"#
        );
        assert_eq!(
            body("", Err("Exited with status 222")).to_string(),
            r#"{"created_at":1466017043123456789,"failed":true,"failure_reason":"Exited with status 222","result":"","task_guid":"guid"}"#
        );
    }
}
