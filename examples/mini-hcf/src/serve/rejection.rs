//! What cc-uploader says where it takes no upload.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why an upload is not taken, as the client gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// HTTP status.
    pub(crate) status: u16,
    /// Text body.
    pub(crate) text: String,
}

impl Rejection {
    /// A status with a text.
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Rejection {
        Rejection { status, text: text.into() }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, self.text).into_response()
    }
}
