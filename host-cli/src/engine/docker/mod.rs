//! The Docker Engine behind the trait. docker-api serves where it can; where it cannot (raw JSON for a container, a
//! streamed build, `wait` that is registered before the start, answers whose models it does not know), requests go
//! beside it through containers-api, the client that it uses itself. Async ends here: every call blocks its thread.

mod answers;
mod attach;
mod build;
mod commit;
mod connect;
mod container_body;
mod containers;
mod copy_out;
mod endpoint;
mod exec;
mod facts;
mod frames;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod images;
mod link;
mod load;
mod push;
mod refusal;
mod route;
mod stream;
#[cfg(test)]
mod tls_engine;
mod tls_trouble;
mod told;
mod tunnel;
mod volumes;

use super::{
    CommitOptions, Container, ContainerId, Engine, EngineError, EngineFacts, Image, ImageId, Input, LayerTold, Ran,
    Seen,
};
use crate::engine::container_spec::ContainerSpec;
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use crate::state_folder;
use endpoint::Environment;
use link::Link;
use route::Route;
use shared_model::event::Stream;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;

/// An engine that answered.
pub(crate) struct Docker {
    runtime: Runtime,
    link: Link,
    /// What tells it from other engines; asked for once. `None`: it would not say.
    identity: OnceLock<Option<String>>,
}

impl Docker {
    /// The engine that docker's own command would speak to (see [`endpoint`]). It was asked for its API version.
    pub(crate) fn connect() -> Result<Self, EngineError> {
        Self::chosen_by(&Environment::of_process())
    }

    /// The engine that this environment chooses.
    fn chosen_by(environment: &Environment) -> Result<Self, EngineError> {
        let endpoint = endpoint::chosen(environment)?;
        let wished = connect::wished(&environment.api_version)?;
        let runtime = connect::runtime()?;
        let link = runtime.block_on(async { connect::link(&Route::to(&endpoint)?, wished).await });
        let link = link.map_err(|error| endpoint.explain(error, environment))?;
        Ok(Self { runtime, link, identity: OnceLock::new() })
    }
}

impl Engine for Docker {
    fn facts(&self) -> Result<EngineFacts, EngineError> {
        self.runtime.block_on(facts::facts(&self.link))
    }

    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        self.runtime.block_on(images::inspect(&self.link, reference))
    }

    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError> {
        self.runtime.block_on(images::history(&self.link, image))
    }

    fn records(&self) -> Option<PathBuf> {
        let identity = self.identity.get_or_init(|| self.runtime.block_on(facts::identity(&self.link)).ok());
        state_folder::of_engine(identity.as_deref()?)
    }

    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError> {
        self.runtime.block_on(images::labelled(&self.link, label, value))
    }

    fn nameless_images(&self) -> Result<Vec<Image>, EngineError> {
        self.runtime.block_on(images::nameless(&self.link))
    }

    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError> {
        self.runtime.block_on(images::tag(&self.link, image, name))
    }

    fn untag(&self, name: &str) -> Result<(), EngineError> {
        self.runtime.block_on(images::untag(&self.link, name))
    }

    fn remove_nameless(&self, image: &ImageId) -> Result<(), EngineError> {
        self.runtime.block_on(images::remove_nameless(&self.link, image))
    }

    fn build(&self, context: Box<dyn Read + Send>) -> Result<ImageId, EngineError> {
        self.runtime.block_on(build::build(&self.link, context))
    }

    fn load(&self, archive: Box<dyn Read + Send>) -> Result<(), EngineError> {
        self.runtime.block_on(load::load(&self.link, archive))
    }

    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError> {
        self.runtime.block_on(images::save(&self.link, image))
    }

    fn push(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerTold),
    ) -> Result<String, EngineError> {
        self.runtime.block_on(push::push(&self.link, reference, credentials, hear))
    }

    fn digest_in_registry(&self, reference: &Reference, credentials: &Credentials) -> Option<String> {
        self.runtime.block_on(push::digest_in_registry(&self.link, reference, credentials))
    }

    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError> {
        self.runtime.block_on(commit::commit(&self.link, container, options))
    }

    fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        self.runtime.block_on(volumes::exists(&self.link, name))
    }

    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        self.runtime.block_on(volumes::ensure(&self.link, name, labels))
    }

    fn has_network(&self, name: &str) -> Result<bool, EngineError> {
        self.runtime.block_on(containers::has_network(&self.link, name))
    }

    fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        self.runtime.block_on(containers::create(&self.link, name, spec))
    }

    fn start(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.runtime.block_on(containers::start(&self.link, container))
    }

    fn run(
        &self,
        container: &ContainerId,
        input: Input<'_>,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<i64, EngineError> {
        attach::run(&self.runtime, &self.link, container, input, output)
    }

    fn exec(&self, container: &ContainerId, command: &[String], patience: Duration) -> Result<Ran, EngineError> {
        self.runtime.block_on(exec::exec(&self.link, container, command, patience))
    }

    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError> {
        self.runtime.block_on(containers::inspect(&self.link, container))
    }

    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError> {
        self.runtime.block_on(containers::is_used(&self.link, image))
    }

    fn seen(&self) -> Result<Vec<Seen>, EngineError> {
        self.runtime.block_on(containers::seen(&self.link))
    }

    fn containers_labelled(&self, label: &str, value: &str) -> Result<Vec<Container>, EngineError> {
        self.runtime.block_on(containers::labelled(&self.link, label, value))
    }

    fn last_lines(&self, container: &ContainerId, count: usize) -> Result<Vec<u8>, EngineError> {
        self.runtime.block_on(attach::last_lines(&self.link, container, count))
    }

    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        self.runtime.block_on(copy_out::copy_out(&self.link, container, path))
    }

    fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError> {
        self.runtime.block_on(containers::stop(&self.link, container, grace))
    }

    fn remove(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.runtime.block_on(containers::remove(&self.link, container))
    }
}

#[cfg(test)]
mod with_the_engine;
