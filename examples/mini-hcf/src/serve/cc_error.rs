//! Cloud Controller's errors, in its own words.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::request::json::object;

/// The header of all that Cloud Controller says.
pub(crate) const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json;charset=utf-8")];

/// Why Cloud Controller says no.
#[derive(Debug)]
pub(crate) enum CcError {
    /// No or a wrong password.
    NotAuthenticated,
    /// An app that nobody pushed.
    NoSuchApp(String),
    /// A path or job that does not exist.
    NoSuchThing,
    /// The multipart body has no file; what it should have been.
    NoFile(&'static str),
    /// The body is no multipart, or breaks off.
    Malformed(String),
    /// `Content-MD5` is not that of the file.
    WrongSum,
    /// `Content-Digest` is not that of the file.
    WrongDigest,
    /// Our own fault.
    Broken(String),
}

impl IntoResponse for CcError {
    fn into_response(self) -> Response {
        let staging = |text: &str| (400, 170_001, "CF-StagingError", format!("Staging error: {text}"));
        let (status, code, name, description) = match self {
            CcError::NotAuthenticated => (401, 10002, "CF-NotAuthenticated", "Authentication error".to_owned()),
            CcError::NoSuchApp(guid) => (404, 100_004, "CF-AppNotFound", format!("The app could not be found: {guid}")),
            CcError::NoSuchThing => (404, 10000, "CF-NotFound", "Unknown request".to_owned()),
            CcError::NoFile(what) => staging(&format!("malformed {what} upload request")),
            CcError::Malformed(why) => staging(&why),
            CcError::WrongSum => staging("content md5 did not match"),
            CcError::WrongDigest => staging("content digest did not match"),
            CcError::Broken(why) => (500, 10001, "UnknownError", why),
        };
        let body = object! { "code": code, "description": description, "error_code": name };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, JSON, body.to_ruby()).into_response()
    }
}
