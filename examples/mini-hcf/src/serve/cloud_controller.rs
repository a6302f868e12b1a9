//! Cloud Controller's upload endpoints, of 2016 (`/staging`), v3 and today (`/internal/v4`), and its jobs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;
use crate::request::application::{UPLOAD_PASSWORD, UPLOAD_USER};
use crate::serve::cc_error::{CcError, JSON};
use crate::serve::faults::{FaultPlan, Faults};
use crate::serve::jobs::{Jobs, Status};
use crate::serve::receive::{Received, receive};
use crate::serve::storage::{Upload, UploadAuth, UploadEndpoint, build_artifacts_path, droplet_path, endpoint};
use crate::state::State;

/// How long a job waits in its queue: real ones are not done at once, either.
const QUEUE: Duration = Duration::from_millis(200);

/// Cloud Controller.
pub(crate) struct Controller {
    state: State,
    faults: Faults,
    jobs: Jobs,
}

/// Its routes; `state` says which apps it knows and where its blobs go.
pub(crate) fn router(state: State, faults: Faults) -> Router {
    let controller = Controller { state, faults, jobs: Jobs::default() };
    Router::new()
        .route("/v2/jobs/{guid}", get(job))
        .fallback(upload)
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(controller))
}

async fn job(
    Shared(controller): Shared<Arc<Controller>>,
    Path(guid): Path<String>,
) -> Result<impl IntoResponse, CcError> {
    controller.jobs.show(&guid).map(|job| (JSON, job.to_ruby())).ok_or(CcError::NoSuchThing)
}

async fn upload(Shared(controller): Shared<Arc<Controller>>, request: Request) -> Result<Response, CcError> {
    let endpoint = endpoint(request.uri().path()).filter(|_| request.method() == Method::POST);
    let endpoint = endpoint.ok_or(CcError::NoSuchThing)?;
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default();
    let asynchronous = query.split('&').any(|parameter| parameter == "async=true");
    let multipart = Multipart::from_request(request, &()).await;
    let multipart = multipart.map_err(|error| CcError::Malformed(error.body_text()))?;
    // First all of the body, then the password: an early answer would only break the connection.
    let received = receive(multipart, &controller.state.path("tmp")).await.map_err(CcError::Malformed)?;
    let plan = controller.faults.plan().map_err(CcError::Broken)?;
    let (path, received) = controller.accept(&endpoint, &headers, received, &plan)?;
    if !asynchronous {
        store(&controller.state, received, &path)?;
        return Ok(StatusCode::OK.into_response());
    }
    let guid = uuid::Uuid::new_v4().to_string();
    controller.jobs.set(&guid, Status::Queued);
    let shown = controller.jobs.show(&guid).ok_or(CcError::NoSuchThing)?.to_ruby();
    tokio::spawn(async move {
        tokio::time::sleep(QUEUE).await;
        let stored = !plan.job_fails && store(&controller.state, received, &path).is_ok();
        controller.jobs.set(&guid, if stored { Status::Finished } else { Status::Failed });
    });
    Ok((JSON, shown).into_response())
}

impl Controller {
    /// Whether the upload is welcome, and the blobstore path it goes to.
    fn accept(
        &self,
        endpoint: &UploadEndpoint,
        headers: &HeaderMap,
        received: Option<Received>,
        plan: &FaultPlan,
    ) -> Result<(String, Received), CcError> {
        if endpoint.auth == UploadAuth::Password && !is_authenticated(headers) {
            return Err(CcError::NotAuthenticated);
        }
        let stack_of = |app: &str| match self.state.app(app) {
            Ok(Some(app)) => Ok(app.stack),
            Ok(None) => Err(CcError::NoSuchApp(app.to_owned())),
            Err(failure) => Err(CcError::Broken(failure.to_string())),
        };
        let received = received.ok_or(CcError::NoFile(endpoint.upload.what()))?;
        let path = match &endpoint.upload {
            Upload::AppDroplet { app } => {
                stack_of(app)?;
                droplet_path(app, &received.sums.sha1)
            }
            Upload::Droplet { guid } => droplet_path(guid, &received.sums.sha1),
            Upload::BuildArtifacts { app, stack } => {
                let known = stack_of(app)?;
                build_artifacts_path(app, stack.as_deref().unwrap_or(&known))
            }
        };
        let digest = format!("sha-256=:{}:", received.sums.sha256_base64);
        if headers.get("content-digest").is_some_and(|sent| sent.as_bytes() != digest.as_bytes()) {
            return Err(CcError::WrongDigest);
        }
        let sent = headers.get("content-md5").map(HeaderValue::as_bytes);
        if plan.md5_mismatch || sent.is_some_and(|sent| sent != received.sums.md5_base64.as_bytes()) {
            return Err(CcError::WrongSum);
        }
        Ok((path, received))
    }
}

fn is_authenticated(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{UPLOAD_USER}:{UPLOAD_PASSWORD}")));
    headers.get(header::AUTHORIZATION).is_some_and(|sent| sent.as_bytes() == expected.as_bytes())
}

fn store(state: &State, received: Received, path: &str) -> Result<(), CcError> {
    let broken = |failure: Failure| CcError::Broken(failure.to_string());
    let (_, file) = received.file.keep().map_err(|error| CcError::Broken(error.to_string()))?;
    state.move_to_blob(&file, path).map_err(broken)
}
