//! The containers that a test's engine keeps as values.

use super::{Fake, FakeState};
use crate::engine::container_spec::{ContainerSpec, RestartPolicy};
use crate::engine::{
    Container, ContainerId, ContainerProgram, ContainerSummary, Containers, EngineError, ExecInput, ExecResult,
    ExecSpec, Health, Image, ImageId, Input, LogPiece, LogRange, NetworkEndpoint, Reach, Running, Usage,
};
use crate::plan::cell;
use jiff::Timestamp;
use shared_model::event::Stream;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;
use std::time::Duration;

impl Containers for Fake {
    fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        let mut state = self.call("create", &[name.unwrap_or_default(), &spec.image])?;
        if state.containers.values().any(|(other, _)| name == Some(&*other.name)) {
            let reason = "Conflict. The container name is already in use".to_owned();
            return Err(EngineError::Refused { doing: "create".to_owned(), reason });
        }
        state.made += 1;
        let id = ContainerId(format!("c{}", state.made));
        let addresses = vec![format!("172.30.0.{}", state.made)];
        let endpoint = NetworkEndpoint { addresses, names: spec.aliases.clone() };
        let endpoints = BTreeMap::from([(spec.network.clone(), endpoint)]);
        let reference = &spec.image;
        let named = |image: &&Image| image.id.0 == *reference || image.tags.contains(reference);
        let image = state.images.iter().find(named).map(|image| image.id.clone()).unwrap_or_default();
        let container = Container {
            id: id.clone(),
            name: name.map_or_else(|| format!("unnamed-{}", id.0), str::to_owned),
            labels: spec.labels.clone(),
            running: false,
            exit_status: 0,
            ended: 0,
            started: 0,
            restarts: 0,
            restart: spec.restart,
            out_of_memory: false,
            health: if spec.health_check.is_some() { Health::Starting } else { Health::Unchecked },
            health_output: String::new(),
            endpoints,
            image,
            entrypoint: spec.entrypoint.clone(),
            log: spec.log.clone().unwrap_or_else(|| state.log.clone()),
        };
        state.containers.insert(id.0.clone(), (container, spec.clone()));
        Ok(id)
    }

    fn start(&self, container: &ContainerId) -> Result<(), EngineError> {
        let mut state = self.call("start", &[&container.0])?;
        let status = state.dies_at_start;
        let (found, _) = state.containers.get_mut(&container.0).ok_or_else(|| missing(container))?;
        found.running = status.is_none();
        found.started = 1;
        found.exit_status = status.unwrap_or_default();
        found.ended = i64::from(status.is_some());
        Ok(())
    }

    fn run(
        &self,
        container: &ContainerId,
        input: Input<'_>,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<i64, EngineError> {
        let (Input::Whole(stdin) | Input::Leased(stdin)) = input;
        let script = {
            let mut state = self.call("run", &[&container.0])?;
            let script = state.runs.pop_front();
            state.containers.get_mut(&container.0).ok_or_else(|| missing(container))?.0.running = true;
            script
        };
        // The script runs unlocked: it, or the callback, may use the engine.
        let status = script.map_or(0, |mut run| run(stdin, output));
        if let Some((found, _)) = self.state().containers.get_mut(&container.0) {
            found.running = false;
            found.exit_status = status;
            found.ended = 1;
        }
        Ok(status)
    }

    fn exec(&self, container: &ContainerId, command: &[String], _: Duration) -> Result<ExecResult, EngineError> {
        let mut state = self.call("exec", &[&container.0, &command.join(" ")])?;
        Ok(state.executions.pop_front().unwrap_or(ExecResult { status: Some(1), output: Vec::new() }))
    }

    fn exec_attached(
        &self,
        container: &ContainerId,
        spec: &ExecSpec,
        _input: Receiver<ExecInput>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Option<i64>, EngineError> {
        let script = self.call("exec_attached", &[&container.0, &spec.command.join(" ")])?.runs.pop_front();
        let Some(mut script) = script else { return Ok(Some(0)) };
        let mut flow = ControlFlow::Continue(());
        let status = script(&[], &mut |stream, piece| {
            if flow.is_continue() {
                flow = output(stream, piece);
            }
        });
        Ok(Some(status).filter(|_| flow.is_continue()))
    }

    fn program(&self, container: &ContainerId) -> Result<Option<ContainerProgram>, EngineError> {
        let state = self.call("program", &[&container.0])?;
        Ok(state.containers.get(&container.0).map(|(found, spec)| ContainerProgram {
            entrypoint: spec.entrypoint.clone(),
            command: Secret::new(spec.command.clone()),
            environment: Secret::new(spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            addresses: found.endpoints.values().flat_map(|endpoint| endpoint.addresses.clone()).collect(),
        }))
    }

    fn usage(&self, container: &ContainerId) -> Result<Option<Usage>, EngineError> {
        let state = self.call("usage", &[&container.0])?;
        Ok(state.usages.get(&container.0).copied())
    }

    fn reach(&self, address: SocketAddr, patience: Duration) -> Reach {
        let Ok(mut state) = self.call("reach", &[&address.to_string()]) else { return Reach::Unknown };
        state.patience.push(patience);
        let next = if state.reach.len() > 1 { state.reach.pop_front() } else { state.reach.front().copied() };
        next.unwrap_or(Reach::Unknown)
    }

    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError> {
        // A look for the cell, which nearly every command takes, tells nothing where there is none.
        if container.0 == cell::NAME && !self.state().containers.values().any(|(one, _)| one.name == cell::NAME) {
            return Ok(None);
        }
        let mut state = self.call("container", &[&container.0])?;
        let scripted = if state.health.len() > 1 { state.health.pop_front() } else { state.health.front().copied() };
        let never_checks = state.never_checks;
        let is_it = |(found, _): &&mut (Container, ContainerSpec)| found.id == *container || found.name == container.0;
        Ok(state.containers.values_mut().find(is_it).map(|(found, spec)| {
            found.health = match scripted {
                Some(health) => health,
                None if spec.health_check.is_some() && found.running && !never_checks => Health::Healthy,
                None => found.health,
            };
            found.clone()
        }))
    }

    fn list_containers(&self) -> Result<Vec<ContainerSummary>, EngineError> {
        let mut state = self.call("list_containers", &[])?;
        let made_at = state.made_at;
        let seen = |(container, spec): &(Container, ContainerSpec)| ContainerSummary {
            id: container.id.clone(),
            name: container.name.clone(),
            labels: container.labels.clone(),
            running: match (container.running, container.ended) {
                (true, _) => Running::Now,
                (false, 0) => Running::NotYet,
                (false, _) => Running::Not,
            },
            created: made_at.unwrap_or_else(|| jiff::Timestamp::now().as_second()),
            command: spec.command.join(" "),
            image: container.image.clone(),
            health: container.health,
            exit_status: (container.ended > 0 && !container.running).then_some(container.exit_status),
            restarting: false,
        };
        let listed = state.containers.values().map(seen).collect();
        let FakeState { containers, gone_when_listed, .. } = &mut *state;
        containers.retain(|_, (container, _)| !gone_when_listed.contains(container.name.as_str()));
        Ok(listed)
    }

    fn containers_labelled(&self, label: &str, value: &str) -> Result<Vec<Container>, EngineError> {
        let state = self.call("containers_labelled", &[label, value])?;
        let bears = |found: &&Container| found.labels.get(label).is_some_and(|other| other == value);
        let mut found: Vec<Container> = state.containers.values().map(|(one, _)| one).filter(bears).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.id.0[1..].parse::<u32>().unwrap_or_default()));
        Ok(found)
    }

    fn wait_for_event(&self, since: Timestamp, _: Duration) -> Result<Option<Timestamp>, EngineError> {
        let mut state = self.call("wait_for_event", &[])?;
        Ok(state.events.pop_front().filter(|time| *time >= since))
    }

    fn set_restart_policy(&self, container: &ContainerId, restart: RestartPolicy) -> Result<(), EngineError> {
        let mut state = self.call("set_restart_policy", &[&container.0, &format!("{restart:?}")])?;
        let (found, _) = state.containers.get_mut(&container.0).ok_or_else(|| missing(container))?;
        found.restart = restart;
        Ok(())
    }

    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError> {
        let state = self.call("is_used", &[&image.0])?;
        Ok(state.containers.values().any(|(container, _)| container.image == *image))
    }

    fn log_tail(&self, container: &ContainerId, _: usize) -> Result<Vec<u8>, EngineError> {
        Ok(self.call("log_tail", &[&container.0])?.log_tail.clone())
    }

    fn logs(
        &self,
        container: &ContainerId,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let printed = self.call("logs", &[&container.0])?.logs.get(&container.0).cloned().unwrap_or_default();
        let first =
            range.tail.map_or(0, |tail| printed.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX)));
        for (time, stream, text) in &printed[first..] {
            let time = time.parse().ok();
            if range.since.is_none_or(|since| time >= Some(since)) {
                let piece = LogPiece { stream: *stream, time, bytes: text.as_bytes() };
                if output(piece).is_break() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        let happens = self.call("copy_out", &[&container.0, path])?.while_copying.take();
        if let Some(happens) = happens {
            happens();
        }
        let state = self.state();
        match state.files.get(path) {
            Some(tar) => Ok(Box::new(Cursor::new(tar.clone()))),
            None => Err(EngineError::NotFound { what: format!("{path} in container {}", container.0) }),
        }
    }

    fn copy_in(&self, container: &ContainerId, folder: &str, archive: Vec<u8>) -> Result<(), EngineError> {
        self.call("copy_in", &[&container.0, folder])?.copied_in.push((folder.to_owned(), archive));
        Ok(())
    }

    fn stop(&self, container: &ContainerId, _: Duration) -> Result<(), EngineError> {
        let mut state = self.call("stop", &[&container.0])?;
        if let Some((found, _)) = state.containers.get_mut(&container.0) {
            found.running = false;
            found.ended = 1;
        }
        Ok(())
    }

    fn remove(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.call("remove", &[&container.0])?.containers.remove(&container.0);
        Ok(())
    }
}

fn missing(id: &ContainerId) -> EngineError {
    EngineError::NotFound { what: format!("container {}", id.0) }
}
