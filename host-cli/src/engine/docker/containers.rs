//! Containers. What a run, a program beside the main process and a file that comes out take has a file each.

use super::api_client::ApiClient;
use super::container_body::{Intervals, container_body, update_body};
use super::models::{ContainerDetails, CreatedId, ListedContainer};
use super::paths::{container_path, label_filter};
use super::refusal::{has_code, is_missing, one_line};
use super::stdcopy::StdCopy;
use super::{Docker, attach, attached_exec, copy_in, copy_out, events, exec, logs, reach, usage};
use crate::engine::container_spec::{ContainerSpec, RestartPolicy};
use crate::engine::{
    Container, ContainerId, ContainerProgram, ContainerSummary, Containers, EngineError, ExecInput, ExecResult,
    ExecSpec, ImageId, Input, LogPiece, LogRange, Reach, Usage,
};
use crate::labels;
use containers_api::conn::hyper::StatusCode;
use containers_api::url::{encoded_pair, encoded_pairs};
use docker_api::opts::{ContainerRemoveOpts, ContainerStopOpts};
use futures_util::StreamExt;
use jiff::Timestamp;
use shared_model::event::Stream;
use std::io::Read;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// The API in which a health check has another interval until it has passed.
const START_INTERVAL: (usize, usize) = (1, 44);
/// How long an engine may take to tell what a container uses; an old one takes two seconds.
const USAGE: Duration = Duration::from_secs(5);
/// How long a removal that somebody else has begun may take.
const REMOVAL: Duration = Duration::from_secs(20);
/// Between two looks at it.
const POLL: Duration = Duration::from_millis(50);
/// The most bytes of a container's last lines that are kept.
const LONGEST_TAIL: usize = 256 << 10;

impl Containers for Docker {
    fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        let api = &self.api;
        let doing = format!("making a container of {}", one_line(&spec.image));
        let path = match name {
            Some(name) => format!("/containers/create?{}", encoded_pair("name", name)),
            None => "/containers/create".to_owned(),
        };
        let intervals = if api.speaks(START_INTERVAL) { Intervals::Two } else { Intervals::One };
        self.block_on(async {
            match api.post_json(&path, &container_body(spec, intervals)).await {
                Ok(answer) => api.read_json::<CreatedId>(answer, &doing).await.map(|created| ContainerId(created.id)),
                Err(error) if is_missing(&error) => {
                    Err(EngineError::NotFound { what: format!("image {}", one_line(&spec.image)) })
                }
                Err(error) => Err(api.error(&doing, error)),
            }
        })
    }

    fn start(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.block_on(attach::start(&self.api, container))
    }

    fn run(
        &self,
        container: &ContainerId,
        input: Input<'_>,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<i64, EngineError> {
        attach::run(&self.runtime, &self.api, container, input, output)
    }

    fn exec(&self, container: &ContainerId, command: &[String], patience: Duration) -> Result<ExecResult, EngineError> {
        self.block_on(exec::exec(&self.api, container, command, patience))
    }

    fn exec_attached(
        &self,
        container: &ContainerId,
        spec: &ExecSpec,
        input: Receiver<ExecInput>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Option<i64>, EngineError> {
        attached_exec::exec(&self.runtime, &self.api, container, spec, input, output)
    }

    fn program(&self, container: &ContainerId) -> Result<Option<ContainerProgram>, EngineError> {
        self.block_on(inspect(&self.api, container))
    }

    fn usage(&self, container: &ContainerId) -> Result<Option<Usage>, EngineError> {
        // Whoever does not tell it in time does not tell it.
        let asked = async { tokio::time::timeout(USAGE, usage::usage(&self.api, container)).await };
        self.block_on(asked).unwrap_or(Ok(None))
    }

    fn reach(&self, address: SocketAddr, patience: Duration) -> Reach {
        reach::reach(&self.api.address, address, patience)
    }

    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError> {
        self.block_on(inspect(&self.api, container))
    }

    fn list_containers(&self) -> Result<Vec<ContainerSummary>, EngineError> {
        let filters = serde_json::json!({ "label": [labels::KIND] }).to_string();
        let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("filters", &filters)]));
        let listed: Vec<ListedContainer> = self.block_on(self.api.get_json(&path, "listing containers"))?;
        Ok(listed.into_iter().map(ContainerSummary::from).collect())
    }

    fn containers_labelled(&self, label: &str, value: &str) -> Result<Vec<Container>, EngineError> {
        let filter = label_filter(label, value);
        let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("filters", &filter)]));
        let mut containers = self.block_on(async {
            let mut listed: Vec<ListedContainer> = self.api.get_json(&path, "listing containers").await?;
            listed.sort_by_key(|one| std::cmp::Reverse(one.created));
            let mut containers: Vec<Container> = Vec::new();
            for one in listed {
                // The list tells neither exit status nor health. One that has gone meanwhile is left out.
                containers.extend(inspect(&self.api, &ContainerId(one.id)).await?);
            }
            Ok::<_, EngineError>(containers)
        })?;
        // To Podman a label without a value means every value.
        containers.retain(|one| one.labels.get(label).is_some_and(|found| found == value));
        Ok(containers)
    }

    fn wait_for_event(&self, since: Timestamp, patience: Duration) -> Result<Option<Timestamp>, EngineError> {
        self.block_on(events::wait_for_event(&self.api, since, patience))
    }

    fn set_restart_policy(&self, container: &ContainerId, restart: RestartPolicy) -> Result<(), EngineError> {
        let doing = format!("giving container {} another restart policy", container.0);
        let path = format!("{}/update", container_path(container));
        match self.block_on(self.api.post_json(&path, &update_body(restart))) {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => {
                Err(EngineError::NotFound { what: format!("container {}", container.0) })
            }
            Err(error) => Err(self.api.error(&doing, error)),
        }
    }

    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError> {
        let filters = serde_json::json!({ "ancestor": [image.0] }).to_string();
        let path = format!("/containers/json?{}", encoded_pairs([("all", "1"), ("limit", "1"), ("filters", &filters)]));
        let asked = self.api.get_json::<Vec<ListedContainer>>(&path, "looking for an image's containers");
        Ok(!self.block_on(asked)?.is_empty())
    }

    /// At most [`LONGEST_TAIL`] bytes of them.
    fn log_tail(&self, container: &ContainerId, count: usize) -> Result<Vec<u8>, EngineError> {
        let doing = format!("reading the log of container {}", container.0);
        let path = format!("{}/logs?stdout=1&stderr=1&tail={count}", container_path(container));
        let wrong = |error| self.api.error(&doing, error);
        self.block_on(async {
            let answer = self.api.client.get(self.api.endpoint(&path)).await.map_err(wrong)?;
            let (mut body, mut streams, mut tail) = (answer.into_body(), StdCopy::default(), Vec::new());
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|error| wrong(error.into()))?;
                streams.feed(&chunk, &mut |_, piece| tail.extend_from_slice(piece));
                let excess = tail.len().saturating_sub(LONGEST_TAIL);
                tail.drain(..excess);
            }
            Ok(tail)
        })
    }

    fn logs(
        &self,
        container: &ContainerId,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        self.block_on(logs::logs(&self.api, container, range, output))
    }

    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        self.block_on(copy_out::copy_out(&self.api, container, path))
    }

    fn copy_in(&self, container: &ContainerId, folder: &str, archive: Vec<u8>) -> Result<(), EngineError> {
        self.block_on(copy_in::copy_in(&self.api, container, folder, archive))
    }

    fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        let options = ContainerStopOpts::builder().wait(grace).build();
        match self.block_on(self.api.container(container).stop(&options)) {
            Err(error) if is_missing(&error) || has_code(&error, StatusCode::NOT_MODIFIED) => Ok(()),
            outcome => outcome.map_err(|error| self.api.error(&format!("stopping container {}", container.0), error)),
        }
    }

    fn remove(&self, container: &ContainerId) -> Result<(), EngineError> {
        let options = ContainerRemoveOpts::builder().force(true).volumes(true).build();
        let doing = format!("removing container {}", container.0);
        let deadline = Instant::now() + REMOVAL;
        self.block_on(async {
            loop {
                match self.api.container(container).remove(&options).await {
                    Ok(_) => return Ok(()),
                    Err(error) if is_missing(&error) => return Ok(()),
                    // Somebody else is at it, another thread of ours perhaps.
                    Err(error) if has_code(&error, StatusCode::CONFLICT) && Instant::now() < deadline => {
                        tokio::time::sleep(POLL).await;
                    }
                    Err(error) => return Err(self.api.error(&doing, error)),
                }
            }
        })
    }
}

async fn inspect<T: From<ContainerDetails>>(
    api: &ApiClient,
    container: &ContainerId,
) -> Result<Option<T>, EngineError> {
    let doing = format!("looking at container {}", container.0);
    let found = api.find_json::<ContainerDetails>(&format!("{}/json", container_path(container)), &doing).await?;
    Ok(found.map(T::from))
}
