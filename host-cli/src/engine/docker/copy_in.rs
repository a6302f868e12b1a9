//! Files into a container that has not started: a tar, unpacked below a folder of it. Owners and modes are the tar's.

use super::api_client::ApiClient;
use super::paths::container_path;
use super::refusal::{is_missing, one_line};
use crate::engine::{ContainerId, EngineError};
use containers_api::conn::Payload;
use containers_api::conn::hyper::Body;
use containers_api::url::encoded_pair;

pub(super) async fn copy_in(
    api: &ApiClient,
    container: &ContainerId,
    folder: &str,
    archive: Vec<u8>,
) -> Result<(), EngineError> {
    let what = format!("{} in container {}", one_line(folder), container.0);
    let path = format!("{}/archive?{}", container_path(container), encoded_pair("path", folder));
    match api.client.put(api.endpoint(&path), Payload::XTar(Body::from(archive))).await {
        Ok(_) => Ok(()),
        Err(error) if is_missing(&error) => Err(EngineError::NotFound { what }),
        Err(error) => Err(api.error(&format!("filling {what}"), error)),
    }
}
