//! cc-uploader: takes a raw file from a cell and hands it to Cloud Controller. Status codes and texts are
//! the real one's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use futures_util::TryStreamExt;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::failure::Failure;
use crate::serve::faults::Faults;
use crate::serve::forward::{Forward, JobStatus, UploadTarget, client, send};
use crate::serve::rejection::Rejection;
use crate::state::State;

/// Without a `timeout` parameter: 5 minutes for upload and job together.
const TIMEOUT_SECONDS: u64 = 300;

/// What all uploads share.
pub(crate) struct Uploader {
    client: ureq::Agent,
    poll: Duration,
    faults: Faults,
}

impl Uploader {
    /// `state` has the certificates; `poll` is how often a job is asked for.
    pub(crate) fn new(state: &State, poll: Duration, faults: Faults) -> Result<Uploader, Failure> {
        Ok(Uploader { client: client(state)?, poll, faults })
    }
}

type Parameters = Query<HashMap<String, String>>;

/// The routes; another method is answered with 405.
pub(crate) fn router(uploader: Uploader) -> Router {
    Router::new()
        .route("/v1/droplet/{guid}", post(droplet))
        .route("/v1/build_artifacts/{app_guid}", post(build_artifacts))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(uploader))
}

async fn droplet(
    Shared(uploader): Shared<Arc<Uploader>>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Rejection> {
    let order = UploadRequest::read(&query, &headers, "cc-droplet-upload-uri")?;
    let forward = Forward { target: order.target.with_async(), filename: "droplet.tgz", ..order.forward() };
    let deadline = order.timeout;
    let work = async {
        let status = uploader.upload(forward, body).await?;
        uploader.wait(&order.target, status).await
    };
    let done = tokio::time::timeout(deadline, work).await;
    done.unwrap_or_else(|_| Err(Rejection::new(500, "upstream request was cancelled")))?;
    Ok(StatusCode::CREATED)
}

async fn build_artifacts(
    Shared(uploader): Shared<Arc<Uploader>>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Rejection> {
    let order = UploadRequest::read(&query, &headers, "cc-build-artifacts-upload-uri")?;
    let forward = Forward { filename: "buildpack_cache.tgz", ..order.forward() };
    let done = tokio::time::timeout(order.timeout, uploader.upload(forward, body)).await;
    done.unwrap_or_else(|_| Err(Rejection::new(500, "upstream request was cancelled")))?;
    Ok(StatusCode::OK)
}

/// What a client asks for.
struct UploadRequest {
    target: UploadTarget,
    timeout: Duration,
    length: u64,
    md5: Option<String>,
    digest: Option<String>,
}

impl UploadRequest {
    fn read(query: &HashMap<String, String>, headers: &HeaderMap, parameter: &str) -> Result<UploadRequest, Rejection> {
        let url = query.get(parameter).filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| Rejection::new(400, format!("missing {parameter} parameter")))?;
        let target = UploadTarget::parse(url).ok_or_else(|| Rejection::new(400, format!("invalid {parameter}")))?;
        let seconds = match query.get("timeout").filter(|timeout| !timeout.is_empty()) {
            Some(text) => text.parse().map_err(|_| Rejection::new(400, "timeout is not an integer"))?,
            None => TIMEOUT_SECONDS,
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let length = text(header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        let length = length.filter(|length| *length > 0);
        Ok(UploadRequest {
            target,
            timeout: Duration::from_secs(seconds),
            length: length.ok_or_else(|| Rejection::new(411, "Missing Content Length"))?,
            md5: text("content-md5").map(str::to_owned),
            digest: text("content-digest").map(str::to_owned),
        })
    }

    fn forward(&self) -> Forward {
        Forward {
            target: self.target.clone(),
            filename: "",
            length: self.length,
            md5: self.md5.clone(),
            digest: self.digest.clone(),
            deadline: Instant::now() + self.timeout,
        }
    }
}

impl Uploader {
    /// The body goes through as it comes, in a thread of the blocking client.
    async fn upload(&self, forward: Forward, body: Body) -> Result<JobStatus, Rejection> {
        let plan = self.faults.plan().map_err(|text| Rejection::new(500, text))?;
        tokio::time::sleep(Duration::from_millis(plan.uploader_delay_ms)).await;
        if self.faults.refuses(&plan) {
            return Err(Rejection::new(plan.uploader_status.unwrap_or(503), "refused on order"));
        }
        let stream = body.into_data_stream().map_err(std::io::Error::other);
        let mut reader = SyncIoBridge::new(StreamReader::new(Box::pin(stream)));
        let client = self.client.clone();
        let sent = tokio::task::spawn_blocking(move || send(&client, &forward, &mut reader)).await;
        sent.unwrap_or_else(|error| Err(Rejection::new(500, error.to_string())))
    }

    /// Asks for the job until it has ended.
    async fn wait(&self, target: &UploadTarget, mut status: JobStatus) -> Result<(), Rejection> {
        loop {
            match status.status.as_str() {
                "finished" => return Ok(()),
                "queued" | "running" => {}
                _ => return Err(Rejection::new(500, "upload job failed")),
            }
            tokio::time::sleep(self.poll).await;
            let (client, url) = (self.client.clone(), target.resolve(&status.url));
            let asked = tokio::task::spawn_blocking(move || JobStatus::ask(&client, &url)).await;
            status = asked.unwrap_or_else(|error| Err(Rejection::new(500, error.to_string())))?;
        }
    }
}
