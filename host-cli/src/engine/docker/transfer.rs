//! Images on their way into the engine and out of it, each streamed, and each answer read to its end. docker-api holds
//! whole archives in memory, and its push drops what goes wrong, so these requests are raw.

use super::Docker;
use super::api_client::ApiClient;
use super::build_log::BuildLog;
use super::commit_config::{changes, configuration};
use super::images::remove_dangling;
use super::json_stream;
use super::layer_log::{digest_of, is_digest, layer_of};
use super::models::{CreatedId, ImageConfigAsIs, image_id};
use super::paths::image_path;
use super::refusal::{is_missing, one_line};
use super::stream::{BodyReader, body_from};
use crate::engine::{CommitOptions, ContainerId, EngineError, ImageId, ImageTransfer, LayerProgress, Store, System};
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use containers_api::conn::{AUTH_HEADER, Headers, Payload};
use containers_api::url::{encoded_pair, encoded_pairs};
use serde::Deserialize;
use std::io::{self, Read};
use std::time::Duration;
use tokio::task::JoinHandle;

const BUILDING: &str = "building an image";
const LOADING: &str = "loading an image";
/// Intermediate containers go, whatever happens; nothing is pulled and nothing needs a network, since our Dockerfiles
/// name an image that is here and run nothing. `layers` is Podman's, and no other engine's: one layer, or every step
/// leaves an image without a name that nothing hides and, where the build fails, nothing removes.
const BUILD_OPTIONS: [(&str, &str); 4] = [("rm", "1"), ("forcerm", "1"), ("networkmode", "none"), ("layers", "0")];
/// A registry that has just taken an image answers a question soon; it is not worth more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of `GET /distribution/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution {
    descriptor: RegistryDescriptor,
}

#[derive(Deserialize)]
struct RegistryDescriptor {
    digest: String,
}

impl ImageTransfer for Docker {
    fn build(&self, context: Box<dyn Read + Send>) -> Result<ImageId, EngineError> {
        let api = &self.api;
        self.block_on(async {
            let (body, reading) = body_from(context);
            let path = api.endpoint(&format!("/build?{}", encoded_pairs(BUILD_OPTIONS)));
            let mut log = BuildLog::default();
            let outcome = match api.client.post(path, Payload::XTar(body), Headers::none()).await {
                Ok(answer) => json_stream::follow(api, answer, BUILDING, |line| log.read(line)).await,
                Err(error) => Err(api.error(BUILDING, error)),
            };
            let Err(error) = outcome else {
                return log
                    .id
                    .map(ImageId)
                    .ok_or_else(|| refused(BUILDING, "the engine's answer ended without an image"));
            };
            for id in log.made.iter().rev() {
                remove_dangling(api, &ImageId(id.clone())).await?;
            }
            Err(or_unreadable(error, BUILDING, reading).await)
        })
    }

    fn load(&self, archive: Box<dyn Read + Send>) -> Result<(), EngineError> {
        let api = &self.api;
        self.block_on(async {
            let (body, reading) = body_from(archive);
            let path = api.endpoint("/images/load?quiet=1");
            let outcome = match api.client.post(path, Payload::XTar(body), Headers::none()).await {
                Ok(answer) => json_stream::follow(api, answer, LOADING, |_| {}).await,
                Err(error) => Err(api.error(LOADING, error)),
            };
            match outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(or_unreadable(error, LOADING, reading).await),
            }
        })
    }

    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError> {
        let api = &self.api;
        let missing = || EngineError::NotFound { what: format!("image {}", one_line(&image.0)) };
        let path = image_path(&image.0).ok_or_else(missing)?;
        self.block_on(async {
            match api.client.get(api.endpoint(&format!("{path}/get"))).await {
                Ok(answer) => Ok(Box::new(BodyReader::new(answer.into_body())) as Box<_>),
                Err(error) if is_missing(&error) => Err(missing()),
                Err(error) => Err(api.error("exporting an image", error)),
            }
        })
    }

    fn push(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<String, EngineError> {
        let api = &self.api;
        let doing = format!("pushing {reference}");
        let (repository, tag) = reference.parts();
        let missing = || EngineError::NotFound { what: format!("image {reference}") };
        let path = api.endpoint(&format!("{}/push?tag={tag}", image_path(repository).ok_or_else(missing)?));
        let headers = Headers::single(AUTH_HEADER, credentials.header().reveal().as_str());
        let mut digest = None;
        self.block_on(async {
            let answer = api.client.post(path, Payload::empty(), Some(headers)).await;
            let answer = answer.map_err(|error| of_registry(api, &doing, error))?;
            let read = |line: &_| {
                if let Some(found) = digest_of(line) {
                    digest = Some(found.to_owned());
                } else if let Some(told) = layer_of(line) {
                    hear(told);
                }
            };
            json_stream::follow(api, answer, &doing, read).await
        })?;
        digest.ok_or_else(|| refused(&doing, "the engine's answer broke off: it holds neither a digest nor an error"))
    }

    fn pull(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerProgress),
    ) -> Result<(), EngineError> {
        let api = &self.api;
        let doing = format!("pulling {reference}");
        let (repository, tag) = reference.parts();
        let path =
            api.endpoint(&format!("/images/create?{}", encoded_pairs([("fromImage", repository), ("tag", tag)])));
        let headers = Headers::single(AUTH_HEADER, credentials.header().reveal().as_str());
        self.block_on(async {
            let answer = api.client.post(path, Payload::empty(), Some(headers)).await;
            let answer = answer.map_err(|error| of_registry(api, &doing, error))?;
            json_stream::follow(api, answer, &doing, |line| {
                if let Some(told) = layer_of(line) {
                    hear(told);
                }
            })
            .await
        })
    }

    fn digest_in_registry(&self, reference: &Reference, credentials: &Credentials) -> Option<String> {
        let path = format!("/distribution/{reference}/json");
        let ask = async {
            let answer = self.api.get_with(&path, AUTH_HEADER, credentials.header().reveal()).await.ok()?;
            let found: Distribution = self.api.read_json(answer, "asking the registry").await.ok()?;
            Some(found.descriptor.digest).filter(|digest| is_digest(digest))
        };
        self.block_on(async { tokio::time::timeout(PATIENCE, ask).await.ok().flatten() })
    }

    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError> {
        let api = &self.api;
        let doing = format!("making an image of container {}", container.0);
        let not_found = || EngineError::NotFound { what: format!("image {}", one_line(&options.like)) };
        let path = image_path(&options.like).ok_or_else(not_found)?;
        let store = self.info()?.store;
        self.block_on(async {
            let like: Option<ImageConfigAsIs> = api.find_json(&format!("{path}/json"), &doing).await?;
            let config = configuration(like.ok_or_else(not_found)?.config, options);
            let mut path = format!("/commit?{}", encoded_pair("container", &container.0));
            if let Store::Podman(_) = store {
                for change in changes(&config) {
                    path = format!("{path}&{}", encoded_pair("changes", &change));
                }
            }
            match api.post_json(&path, &config).await {
                Ok(answer) => api.read_json::<CreatedId>(answer, &doing).await.map(|created| image_id(created.id)),
                Err(error) if is_missing(&error) => {
                    Err(EngineError::NotFound { what: format!("container {}", one_line(&container.0)) })
                }
                Err(error) => Err(api.error(&doing, error)),
            }
        })
    }
}

/// A refusal is the registry's, whose 401, 403 and 404 some engines hand on as their own.
fn of_registry(api: &ApiClient, doing: &str, error: docker_api::Error) -> EngineError {
    match error {
        docker_api::Error::Fault { message, .. } => refused(doing, &one_line(&message)),
        other => api.error(doing, other),
    }
}

/// The engine's error, or that what it was sent could not be read.
async fn or_unreadable(error: EngineError, doing: &str, reading: JoinHandle<io::Result<()>>) -> EngineError {
    match reading.await.unwrap_or(Ok(())) {
        Ok(()) => error,
        Err(reason) => refused(doing, &format!("the layers cannot be read: {reason}")),
    }
}

fn refused(doing: &str, reason: &str) -> EngineError {
    EngineError::Refused { doing: doing.to_owned(), reason: reason.to_owned() }
}
