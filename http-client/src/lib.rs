//! HTTP, blocking: which authorities are believed, which certificate is shown, through which proxy, how long one waits, and
//! what failed, in nouns and without a secret. What is asked for and what an answer means is for others.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

mod address;
mod anyone;
mod by_chance;
mod classify;
mod client;
mod own_certificate;
mod pace;
mod proxy;
mod request;
mod retry_after;
mod timeouts;
mod tls_connector;
mod transfer_error;
mod trust;
mod watched_transport;

pub use address::{Address, NotHttp, origin};
pub use by_chance::by_chance;
pub use client::{Client, ClientError};
pub use own_certificate::{OwnCertificate, OwnCertificateError};
pub use proxy::{Proxies, ProxyError};
pub use request::{Answer, Request};
pub use retry_after::retry_after;
pub use timeouts::{Timeouts, duration};
pub use tls_trust::BadBlock;
pub use transfer_error::{TransferError, status_text};
pub use trust::{Trust, TrustError, Verify};
pub use watched_transport::ConnectionHandle;
