//! A client of one engine in one API version: the few forms of request that the calls are made of.

use super::endpoint::Address;
use super::paths::container_path;
use super::refusal;
use super::route::Route;
use super::tunnel::{self, LastError};
use crate::engine::connect_error::{ConnectError, NamedBy};
use crate::engine::{ContainerId, EngineError};
use containers_api::conn::hyper::{Body, Client, Request, Response, header};
use containers_api::conn::{Headers, Payload, RequestClient, Transport, get_http_connector, get_unix_connector};
use docker_api::{ApiVersion, Docker};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_model::safe_url::SafeUrl;

/// The most bytes of an answer that is read as one document: a thousand images with long labels are well below.
const LONGEST_ANSWER: usize = 64 << 20;

/// Asks one engine in one API version.
#[derive(Clone)]
pub(super) struct ApiClient {
    /// docker-api's own calls.
    pub(super) docker: Docker,
    /// What it does not know.
    pub(super) client: RequestClient<docker_api::Error>,
    /// The address, for error texts.
    pub(super) address: String,
    version: Option<ApiVersion>,
    last_error: LastError,
    /// Below `client`, which gives no header to a `GET`.
    transport: Transport,
}

impl ApiClient {
    /// Nothing is asked yet. Without a version the engine takes its newest.
    pub(super) fn new(route: &Route, version: Option<ApiVersion>) -> Result<Self, EngineError> {
        let (transport, url, address) = (transport(route)?, route.socket.url(), route.shown.clone());
        let client = RequestClient::new(transport.clone(), Box::new(refusal::check));
        let docker = match version {
            Some(version) => Docker::new_versioned(&url, version),
            None => Docker::new(&url),
        };
        let docker = docker.map_err(|error| refusal::engine_error(&address, "connecting", error))?;
        Ok(Self { docker, client, address, version, last_error: route.last_error.clone(), transport })
    }

    /// The endpoint in the agreed version. `path` must be safe for a URL.
    pub(super) fn endpoint(&self, path: &str) -> String {
        self.version.map_or_else(|| path.to_owned(), |version| version.make_endpoint(path))
    }

    /// Whether what came with this version of the API may be asked for.
    pub(super) fn speaks(&self, version: (usize, usize)) -> bool {
        self.version.is_some_and(|spoken| spoken >= ApiVersion::from(version))
    }

    /// The error of a call as ours; `doing` says what the call was for.
    pub(super) fn error(&self, doing: &str, error: docker_api::Error) -> EngineError {
        let last_error = self.last_error.take();
        match error {
            docker_api::Error::Fault { .. } => refusal::engine_error(&self.address, doing, error),
            _ => last_error.unwrap_or_else(|| refusal::engine_error(&self.address, doing, error)),
        }
    }

    /// `GET`, the answer read whole.
    pub(super) async fn get_json<T: DeserializeOwned>(&self, path: &str, doing: &str) -> Result<T, EngineError> {
        let answer = self.client.get(self.endpoint(path)).await.map_err(|error| self.error(doing, error))?;
        self.read_json(answer, doing).await
    }

    /// As [`Self::get_json`]; `None` for what is not there.
    pub(super) async fn find_json<T: DeserializeOwned>(
        &self,
        path: &str,
        doing: &str,
    ) -> Result<Option<T>, EngineError> {
        match self.client.get(self.endpoint(path)).await {
            Ok(answer) => self.read_json(answer, doing).await.map(Some),
            Err(error) if refusal::is_missing(&error) => Ok(None),
            Err(error) => Err(self.error(doing, error)),
        }
    }

    /// `GET` with one header; the answer has begun when this returns.
    pub(super) async fn get_with(
        &self,
        path: &str,
        name: &'static str,
        value: &str,
    ) -> Result<Response<Body>, docker_api::Error> {
        let uri = self.transport.make_uri(&self.endpoint(path))?;
        let request = Request::get(uri).header(header::HOST, "").header(name, value).body(Body::empty());
        let answer = self.transport.request(request.map_err(containers_api::conn::Error::from)?).await?;
        refusal::check(answer).await
    }

    /// `POST` without a body; the answer has begun when this returns.
    pub(super) async fn post(&self, path: &str) -> Result<Response<Body>, docker_api::Error> {
        self.client.post(self.endpoint(path), Payload::empty(), Headers::none()).await
    }

    /// `POST` of a document; the answer has begun when this returns. `path` as in [`Self::endpoint`].
    pub(super) async fn post_json(&self, path: &str, body: &Value) -> Result<Response<Body>, docker_api::Error> {
        self.client.post(self.endpoint(path), Payload::Json(body.to_string()), Headers::none()).await
    }

    /// docker-api's own calls for one container.
    pub(super) fn container(&self, container: &ContainerId) -> docker_api::Container {
        self.docker.containers().get(container_path(container).trim_start_matches("/containers/"))
    }

    /// An answer as one document.
    pub(super) async fn read_json<T: DeserializeOwned>(
        &self,
        answer: Response<Body>,
        doing: &str,
    ) -> Result<T, EngineError> {
        let mut body = answer.into_body();
        let mut document = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.error(doing, error.into()))?;
            if document.len() + chunk.len() > LONGEST_ANSWER {
                return Err(unreadable(doing, "the engine's answer is too long"));
            }
            document.extend_from_slice(&chunk);
        }
        // serde's text may quote values of the answer, and an inspected container's are secret.
        serde_json::from_slice(&document).map_err(|_| unreadable(doing, "the engine's answer cannot be understood"))
    }
}

/// How requests that docker-api does not know reach the engine: one connection each on a socket, kept-alive ones on TCP.
fn transport(route: &Route) -> Result<Transport, EngineError> {
    Ok(match &route.socket {
        Address::Unix(path) => {
            let client = Client::builder().pool_max_idle_per_host(0).build(get_unix_connector());
            Transport::Unix { client, path: path.clone() }
        }
        Address::Tcp(_) => {
            let mut connector = get_http_connector();
            connector.set_connect_timeout(Some(tunnel::PATIENCE));
            connector.set_nodelay(true);
            let host = route.socket.url();
            let host = host.parse().map_err(|_| ConnectError::Address {
                host: SafeUrl::new(host),
                by: NamedBy::Nobody,
                reason: "it does not name a host",
            })?;
            Transport::Tcp { client: Client::builder().build(connector), host }
        }
    })
}

fn unreadable(doing: &str, reason: &str) -> EngineError {
    EngineError::Refused { doing: doing.to_owned(), reason: reason.to_owned() }
}
