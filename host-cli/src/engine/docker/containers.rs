//! Containers and the networks that they join.

use super::answers::{ContainerDetails, ContainerSummary, Created, NetworkDetails};
use super::container_body::container_body;
use super::images::filter;
use super::link::Link;
use super::refusal::{has_code, is_missing, one_line};
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{Container, ContainerId, EngineError, ImageId, Seen};
use crate::labels;
use containers_api::conn::hyper::StatusCode;
use containers_api::conn::{Headers, Payload};
use containers_api::url::{encoded_pair, encoded_pairs};
use docker_api::opts::{ContainerRemoveOpts, ContainerStopOpts};
use std::time::{Duration, Instant};

/// How long a removal that somebody else has begun may take.
const REMOVAL: Duration = Duration::from_secs(20);
/// Between two looks at it.
const POLL: Duration = Duration::from_millis(50);

/// The container's path in the API. An id is the engine's own; anything else that a URL could misread is left out.
pub(super) fn path_of(container: &ContainerId) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "_.-".contains(*c);
    format!("/containers/{}", container.0.chars().filter(plain).collect::<String>())
}

fn typed(link: &Link, container: &ContainerId) -> docker_api::Container {
    link.docker.containers().get(path_of(container).trim_start_matches("/containers/"))
}

pub(super) async fn create(link: &Link, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
    let doing = format!("making a container of {}", one_line(&spec.image));
    let path = match name {
        Some(name) => format!("/containers/create?{}", encoded_pair("name", name)),
        None => "/containers/create".to_owned(),
    };
    let body = container_body(spec).to_string();
    match link.client.post(link.endpoint(&path), Payload::Json(body), Headers::none()).await {
        Ok(answer) => link.read_json::<Created>(answer, &doing).await.map(|created| ContainerId(created.id)),
        Err(error) if is_missing(&error) => {
            Err(EngineError::NotFound { what: format!("image {}", one_line(&spec.image)) })
        }
        Err(error) => Err(link.error(&doing, error)),
    }
}

pub(super) async fn start(link: &Link, container: &ContainerId) -> Result<(), EngineError> {
    match typed(link, container).start().await {
        // It runs already.
        Err(error) if has_code(&error, StatusCode::NOT_MODIFIED) => Ok(()),
        outcome => outcome.map_err(|error| link.error(&format!("starting container {}", container.0), error)),
    }
}

pub(super) async fn inspect(link: &Link, container: &ContainerId) -> Result<Option<Container>, EngineError> {
    let doing = format!("looking at container {}", container.0);
    let found = link.find_json::<ContainerDetails>(&format!("{}/json", path_of(container)), &doing).await?;
    Ok(found.map(Container::from))
}

pub(super) async fn seen(link: &Link) -> Result<Vec<Seen>, EngineError> {
    let filters = serde_json::json!({ "label": [labels::KIND] }).to_string();
    let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("filters", &filters)]));
    let listed: Vec<ContainerSummary> = link.get_json(&path, "listing containers").await?;
    Ok(listed.into_iter().map(Seen::from).collect())
}

pub(super) async fn is_used(link: &Link, image: &ImageId) -> Result<bool, EngineError> {
    let filters = serde_json::json!({ "ancestor": [image.0] }).to_string();
    let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("limit", "1"), ("filters", &filters)]));
    let listed: Vec<ContainerSummary> = link.get_json(&path, "looking for an image's containers").await?;
    Ok(!listed.is_empty())
}

pub(super) async fn labelled(link: &Link, label: &str, value: &str) -> Result<Vec<Container>, EngineError> {
    let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("filters", &filter(label, value))]));
    let mut listed: Vec<ContainerSummary> = link.get_json(&path, "listing containers").await?;
    listed.sort_by_key(|one| std::cmp::Reverse(one.created));
    let mut containers = Vec::new();
    for one in listed {
        // The list tells neither exit status nor health. One that has gone meanwhile is left out.
        containers.extend(inspect(link, &ContainerId(one.id)).await?);
    }
    // To Podman a label without a value means every value.
    containers.retain(|one| one.labels.get(label).is_some_and(|found| found == value));
    Ok(containers)
}

pub(super) async fn stop(link: &Link, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
    let options = ContainerStopOpts::builder().wait(grace).build();
    match typed(link, container).stop(&options).await {
        Err(error) if is_missing(&error) || has_code(&error, StatusCode::NOT_MODIFIED) => Ok(()),
        outcome => outcome.map_err(|error| link.error(&format!("stopping container {}", container.0), error)),
    }
}

pub(super) async fn remove(link: &Link, container: &ContainerId) -> Result<(), EngineError> {
    let options = ContainerRemoveOpts::builder().force(true).volumes(true).build();
    let doing = format!("removing container {}", container.0);
    let deadline = Instant::now() + REMOVAL;
    loop {
        match typed(link, container).remove(&options).await {
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => return Ok(()),
            // Somebody else is at it, another thread of ours perhaps.
            Err(error) if has_code(&error, StatusCode::CONFLICT) && Instant::now() < deadline => {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(link.error(&doing, error)),
        }
    }
}

pub(super) async fn has_network(link: &Link, name: &str) -> Result<bool, EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return Ok(false); // No engine lets a network be called so.
    }
    let found = link.find_json::<NetworkDetails>(&format!("/networks/{name}"), "looking for a network").await?;
    // The engine finds networks by the start of their ids too.
    Ok(found.is_some_and(|network| network.name == name))
}
