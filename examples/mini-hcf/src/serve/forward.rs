//! One upload from cc-uploader to Cloud Controller: multipart, with the password from the URL.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use ureq::SendBody;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::failure::Failure;
use crate::serve::rejection::Rejection;
use crate::state::State;

/// How often a connection is tried that nobody takes.
const DIAL_TRIES: u32 = 3;

/// A client that trusts the authority and nobody else, and shows its own certificate to whoever asks. Any status is an
/// answer, not an error.
pub(crate) fn client(state: &State) -> Result<ureq::Agent, Failure> {
    let path = state.path("client.key");
    let key = fs::read(&path).map_err(Failure::file("read", &path))?;
    let key = PrivateKey::from_pem(&key).map_err(io::Error::other).map_err(Failure::file("use", &path))?;
    let own = ClientCert::new_with_certs(&certificates(&state.path("client.pem"))?, key);
    let trusted = RootCerts::from(certificates(&state.path("ca.pem"))?);
    let tls = TlsConfig::builder().root_certs(trusted).client_cert(Some(own)).build();
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).tls_config(tls).build();
    Ok(config.into())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let pem = fs::read(file).map_err(Failure::file("read", file))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    Ok(parse_pem(&pem).filter_map(certificate).collect())
}

/// A URL of Cloud Controller, its name and password taken out. No `Debug`: it is a secret.
#[derive(Clone)]
pub(crate) struct UploadTarget {
    origin: String,
    path_and_query: String,
    authorization: Option<String>,
}

impl UploadTarget {
    /// `None` when it is no absolute http or https URL.
    pub(crate) fn parse(url: &str) -> Option<UploadTarget> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
        let authority = uri.authority()?.as_str();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // Name and password are escaped by themselves in a URL, and sent as they are.
        let authorization = user.map(|user| {
            let plain: Vec<u8> = percent_decode_str(user).collect();
            format!("Basic {}", STANDARD.encode(plain))
        });
        let path_and_query = uri.path_and_query()?.as_str().to_owned();
        Some(UploadTarget { origin: format!("{scheme}://{host}"), path_and_query, authorization })
    }

    /// The same, asking for a job.
    pub(crate) fn with_async(&self) -> UploadTarget {
        let separator = if self.path_and_query.contains('?') { '&' } else { '?' };
        let path_and_query = format!("{}{separator}async=true", self.path_and_query);
        UploadTarget { path_and_query, ..self.clone() }
    }

    /// A URL that may lack scheme and host.
    pub(crate) fn resolve(&self, url: &str) -> String {
        if url.starts_with('/') { format!("{}{url}", self.origin) } else { url.to_owned() }
    }

    fn url(&self) -> String {
        format!("{}{}", self.origin, self.path_and_query)
    }
}

/// One upload.
pub(crate) struct Forward {
    /// Where to.
    pub(crate) target: UploadTarget,
    /// What the file is called in the multipart.
    pub(crate) filename: &'static str,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// `Content-MD5`, if the client sent one; it is handed on unseen.
    pub(crate) md5: Option<String>,
    /// `Content-Digest`, likewise.
    pub(crate) digest: Option<String>,
    /// When to give up.
    pub(crate) deadline: Instant,
}

/// A job of Cloud Controller.
pub(crate) struct JobStatus {
    /// Where to ask for it.
    pub(crate) url: String,
    /// `queued`, `running`, `finished`, `failed`, or what else it says; empty without a job.
    pub(crate) status: String,
}

impl JobStatus {
    fn read(body: &str) -> JobStatus {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        JobStatus { url: text("/metadata/url"), status: text("/entity/status") }
    }

    /// Asks for a job, without a password.
    pub(crate) fn ask(client: &ureq::Agent, url: &str) -> Result<JobStatus, Rejection> {
        let mut response = client.get(url).call().map_err(|error| Rejection::new(500, error.to_string()))?;
        let body = response.body_mut().read_to_string();
        let body = body.map_err(|error| Rejection::new(500, error.to_string()))?;
        match response.status().as_u16() {
            200 | 201 => Ok(JobStatus::read(&body)),
            status => Err(Rejection::new(500, format!("bad status code polling for upload job: {status}"))),
        }
    }
}

/// Sends the file and reads Cloud Controller's first reply.
pub(crate) fn send(client: &ureq::Agent, forward: &Forward, body: &mut dyn Read) -> Result<JobStatus, Rejection> {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        forward.filename
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = head.len() as u64 + forward.length + tail.len() as u64;
    let mut whole = head.as_bytes().chain(body).chain(tail.as_bytes());
    let mut tries = 0;
    let mut response = loop {
        tries += 1;
        let left = forward.deadline.saturating_duration_since(Instant::now());
        let mut request = client
            .post(forward.target.url())
            .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
            .header("Content-Length", length.to_string());
        if let Some(authorization) = &forward.target.authorization {
            request = request.header("Authorization", authorization);
        }
        if let Some(md5) = &forward.md5 {
            request = request.header("Content-MD5", md5);
        }
        if let Some(digest) = &forward.digest {
            request = request.header("Content-Digest", digest);
        }
        let request = request.config().timeout_global(Some(left)).build();
        match request.send(SendBody::from_reader(&mut whole)) {
            Ok(response) => break response,
            // Nothing of the body has been read when nobody takes the connection.
            Err(error) if is_dial(&error) && tries < DIAL_TRIES => {}
            Err(error) => return Err(Rejection::new(500, error.to_string())),
        }
    };
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().unwrap_or_default();
    match status {
        200 | 201 => Ok(JobStatus::read(&body)),
        _ => Err(Rejection::new(status, format!("status code: {status}\n{body}"))),
    }
}

fn is_dial(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}
