//! What cc-uploader says where it takes no upload.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why an upload is not taken, as the client gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Text body.
    pub(crate) text: String,
}

impl Answer {
    /// A status with a text.
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Answer {
        Answer { status, text: text.into() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, self.text).into_response()
    }
}
