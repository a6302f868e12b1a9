//! A recording engine for tests: it remembers what was asked for, in which order, keeps containers and images as values,
//! and fails where a test wants it to. Nothing runs.

pub(crate) mod loaded;

use super::{
    CommitOptions, Container, ContainerId, Endpoint, Engine, EngineError, EngineFacts, Health, Image, ImageDetails,
    ImageId, Input, LayerTold, Limits, Quota, Ran, Running, Seen, Store,
};
use crate::engine::container_spec::{ContainerSpec, LogConfig};
use crate::image::app_image;
use crate::image::config;
use crate::labels;
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use shared_model::event::Stream;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;

/// What a container does when it runs: standard input in, output to the callback, the exit status back.
pub(crate) type Script = Box<dyn FnMut(&[u8], &mut dyn FnMut(Stream, &[u8])) -> i64 + Send>;

/// The digest of everything that is pushed.
pub(crate) const DIGEST: &str = "sha256:d19e57";

/// What [`Fake`] knows; tests set it up before and look at it after.
#[derive(Default)]
pub(crate) struct State {
    /// Every call as one line, in order: `create staging-1 stager:latest`, `start c1`, `remove c1`.
    pub(crate) calls: Vec<String>,
    /// Images that are there, the newest last.
    pub(crate) images: Vec<Image>,
    /// Names of networks that are there.
    pub(crate) networks: BTreeSet<String>,
    /// Volumes that are there, with their labels.
    pub(crate) volumes: BTreeMap<String, BTreeMap<String, String>>,
    /// Containers that were made and not removed, by id (`c1`, `c2`, …), with what was asked for.
    pub(crate) containers: BTreeMap<String, (Container, ContainerSpec)>,
    /// Names of containers that somebody else removes as soon as they were listed.
    pub(crate) gone_when_listed: BTreeSet<&'static str>,
    /// What the next runs do; a run without one prints nothing and ends with 0.
    pub(crate) runs: VecDeque<Script>,
    /// What the next looks at a container say of its health; the last is repeated. None: what the spec asks for is healthy.
    pub(crate) health: VecDeque<Health>,
    /// What the next runs of a program beside the main process come to; one without it fails and says nothing.
    pub(crate) executions: VecDeque<Ran>,
    /// Whether it leaves health checks to others: it shows no outcome of one.
    pub(crate) never_checks: bool,
    /// The exit status with which a started container has ended at once, if it does.
    pub(crate) dies_at_start: Option<i64>,
    /// What `copy_out` gives, by path: a tar.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What every container printed last.
    pub(crate) last_lines: Vec<u8>,
    /// Build contexts that were sent, whole.
    pub(crate) built: Vec<Vec<u8>>,
    /// Archives of images that were sent, whole.
    pub(crate) loaded: Vec<Vec<u8>>,
    /// What `save` gives for every image.
    pub(crate) export: Vec<u8>,
    /// What happens in the middle of the next load.
    pub(crate) while_loading: Option<Box<dyn FnOnce() + Send>>,
    /// What every push tells of its layers.
    pub(crate) pushing: Vec<LayerTold>,
    /// Which image somebody else gives the name to, in the middle of every push.
    pub(crate) named_while_pushing: Option<ImageId>,
    /// What the registry says that it has. None: what was pushed; an empty text: it does not say.
    pub(crate) in_registry: Option<String>,
    /// How it says that it keeps images. None: as layers.
    pub(crate) store: Option<Store>,
    /// Which limits it keeps.
    pub(crate) limits: Limits,
    /// What its storage can bound.
    pub(crate) quota: Quota,
    /// How it keeps what a container prints that does not say.
    pub(crate) log: LogConfig,
    /// When every container was made, in seconds since 1970; `None`: now.
    pub(crate) made_at: Option<i64>,
    /// How images came to be, by id; the oldest first.
    pub(crate) histories: BTreeMap<String, Vec<String>>,
    failures: BTreeMap<&'static str, VecDeque<Option<EngineError>>>,
    /// The verb, what its first words must be, and why it is refused then.
    refusals: Vec<(&'static str, String, String)>,
    made: usize,
}

/// The base of every app's image; it is always there, and no test's image.
const BASE: &str = "sha256:000000000000000000000000000000000000000000000000000000000000ba5e";
/// The one layer of every base.
const LAYER_OF_BASES: &str = "sha256:00000000000000000000000000000000000000000000000000000000000ba5e0";

impl State {
    /// Gives an app's image what makes it one: [`BASE`] below it, two layers of ours, and our settings.
    fn make_as_ours_are(&mut self, image: &mut Image) {
        let (lifecycle, droplet) = (format!("{:064x}", 0x11fe), format!("sha256:{:064x}", self.made));
        let ours = [("lifecycle", format!("sha256:{lifecycle}")), ("droplet", droplet)];
        let mut history = vec![config::made_by_base(BASE)];
        history.extend(ours.iter().map(|(name, digest)| config::made_by_layer(name, digest)));
        self.histories.insert(image.id.0.clone(), history);
        image.details.layers.extend(ours.map(|(_, digest)| digest));
        image.details.settings = config::settings();
        image.labels.entry(app_image::BASE_DIGEST.to_owned()).or_insert_with(|| BASE.to_owned());
        image.labels.entry(app_image::LIFECYCLE.to_owned()).or_insert(lifecycle);
    }
}

/// The engine that records.
pub(crate) struct Fake(Mutex<State>, TempDir);

impl Default for Fake {
    fn default() -> Self {
        Self(Mutex::default(), tempfile::tempdir().unwrap())
    }
}

impl Fake {
    /// One with an image of that name and a network `hcf`.
    pub(crate) fn with_image(tag: &str) -> Self {
        let fake = Self::default();
        fake.add_image(tag, &[]);
        fake.state().networks.insert("hcf".to_owned());
        fake
    }

    /// Adds an image and returns its id.
    pub(crate) fn add_image(&self, tag: &str, labels: &[(&str, &str)]) -> ImageId {
        let mut state = self.state();
        state.made += 1;
        let id = ImageId(format!("sha256:{:064x}", state.made));
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let created = i64::try_from(state.made).unwrap();
        let tags = vec![tag.to_owned()];
        let details = ImageDetails { named: created, layers: vec![LAYER_OF_BASES.to_owned()], ..Default::default() };
        let mut image = Image { id: id.clone(), tags, labels, bytes: 1, created, details };
        if image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP) {
            state.make_as_ours_are(&mut image);
        }
        state.images.push(image);
        id
    }

    /// Lets the next call of `verb` (`create`, `start`, `run`, …) fail; several are taken in order.
    pub(crate) fn fail(&self, verb: &'static str, error: EngineError) {
        self.state().failures.entry(verb).or_default().push_back(Some(error));
    }

    /// Lets the next call of `verb` succeed, in front of one that is to fail.
    pub(crate) fn succeed(&self, verb: &'static str) {
        self.state().failures.entry(verb).or_default().push_back(None);
    }

    /// As [`Self::fail`], refused with these words.
    pub(crate) fn refuse(&self, verb: &'static str, reason: &str) {
        self.fail(verb, EngineError::Refused { doing: verb.to_owned(), reason: reason.to_owned() });
    }

    /// Lets every call of `verb` fail that has `word` among its words.
    pub(crate) fn refuse_on(&self, verb: &'static str, word: &str, reason: &str) {
        self.state().refusals.push((verb, word.to_owned(), reason.to_owned()));
    }

    /// What the next run does.
    pub(crate) fn script(&self, run: impl FnMut(&[u8], &mut dyn FnMut(Stream, &[u8])) -> i64 + Send + 'static) {
        self.state().runs.push_back(Box::new(run));
    }

    /// Everything, to look at or to set up. Do not hold it while the engine is called.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The calls so far, one line each.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Only the verbs of the calls so far.
    pub(crate) fn verbs(&self) -> Vec<String> {
        let verb = |call: &String| call.split(' ').next().unwrap_or_default().to_owned();
        self.state().calls.iter().map(verb).collect()
    }

    /// Records the call; the failure that a test ordered for it, if any.
    fn call(&self, verb: &'static str, words: &[&str]) -> Result<MutexGuard<'_, State>, EngineError> {
        let mut state = self.state();
        let line = std::iter::once(verb).chain(words.iter().copied().filter(|word| !word.is_empty()));
        state.calls.push(line.collect::<Vec<_>>().join(" "));
        let refusal = state.refusals.iter().find(|(of, word, _)| *of == verb && words.contains(&word.as_str()));
        if let Some((_, _, reason)) = refusal {
            return Err(EngineError::Refused { doing: verb.to_owned(), reason: reason.clone() });
        }
        match state.failures.get_mut(verb).and_then(VecDeque::pop_front) {
            Some(Some(error)) => Err(error),
            Some(None) | None => Ok(state),
        }
    }
}

fn missing(id: &ContainerId) -> EngineError {
    EngineError::NotFound { what: format!("container {}", id.0) }
}

impl Engine for Fake {
    fn facts(&self) -> Result<EngineFacts, EngineError> {
        let state = self.call("facts", &[])?;
        let store = state.store.clone().unwrap_or_else(|| Store::Layers("overlay2".to_owned()));
        Ok(EngineFacts {
            version: "20.10".to_owned(),
            store,
            limits: state.limits,
            quota: state.quota,
            processors: 2,
            memory_bytes: 4 << 30,
        })
    }

    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let state = self.call("image", &[reference])?;
        if reference == BASE {
            let details = ImageDetails { layers: vec![LAYER_OF_BASES.to_owned()], ..ImageDetails::default() };
            return Ok(Some(Image { id: ImageId(BASE.to_owned()), details, ..Image::default() }));
        }
        let named = |image: &&Image| image.id.0 == reference || image.tags.iter().any(|tag| tag == reference);
        Ok(state.images.iter().find(named).cloned())
    }

    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError> {
        Ok(self.call("history", &[&image.0])?.histories.get(&image.0).cloned())
    }

    fn records(&self) -> Option<PathBuf> {
        Some(self.1.path().join("records"))
    }

    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError> {
        let state = self.call("images_labelled", &[label, value])?;
        let bears = |image: &&Image| image.labels.get(label).is_some_and(|found| found == value);
        Ok(state.images.iter().rev().filter(bears).cloned().collect())
    }

    fn nameless_images(&self) -> Result<Vec<Image>, EngineError> {
        let state = self.call("nameless_images", &[])?;
        let is_ours = |image: &&Image| image.tags.is_empty() && image.labels.contains_key("stager.kind");
        Ok(state.images.iter().filter(is_ours).cloned().collect())
    }

    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError> {
        let state = self.call("is_used", &[&image.0])?;
        Ok(state.containers.values().any(|(container, _)| container.image == *image))
    }

    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("tag", &[&image.0, name])?;
        for other in &mut state.images {
            other.tags.retain(|tag| tag != name);
            if other.id == *image {
                other.tags.push(name.to_owned());
            }
        }
        Ok(())
    }

    fn untag(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("untag", &[name])?;
        let named = |image: &Image| image.tags.iter().any(|tag| tag == name);
        state.images.retain(|image| !named(image) || image.tags.len() > 1);
        state.images.iter_mut().for_each(|image| image.tags.retain(|tag| tag != name));
        Ok(())
    }

    fn remove_nameless(&self, image: &ImageId) -> Result<(), EngineError> {
        let mut state = self.call("remove_nameless", &[&image.0])?;
        state.images.retain(|other| other.id != *image || !other.tags.is_empty());
        Ok(())
    }

    fn build(&self, mut context: Box<dyn Read + Send>) -> Result<ImageId, EngineError> {
        drop(self.call("build", &[])?);
        let mut bytes = Vec::new();
        context.read_to_end(&mut bytes).unwrap();
        let id = self.add_image("", &[("stager.kind", "app")]);
        let mut state = self.state();
        state.images.iter_mut().filter(|image| image.id == id).for_each(|image| image.tags.clear());
        state.built.push(bytes);
        Ok(id)
    }

    fn load(&self, mut archive: Box<dyn Read + Send>) -> Result<(), EngineError> {
        drop(self.call("load", &[])?);
        let mut bytes = Vec::new();
        let happens = self.state().while_loading.take();
        if let Some(happens) = happens {
            happens();
        }
        if let Err(error) = archive.read_to_end(&mut bytes) {
            return Err(EngineError::Refused { doing: "load".to_owned(), reason: error.to_string() });
        }
        let mut state = self.state();
        let (image, history) = loaded::image(&bytes, state.store.as_ref());
        state.histories.insert(image.id.0.clone(), history);
        state.images.retain(|other| other.id != image.id);
        state.images.push(image);
        state.loaded.push(bytes);
        Ok(())
    }

    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError> {
        let state = self.call("save", &[&image.0])?;
        Ok(Box::new(Cursor::new(state.export.clone())))
    }

    fn push(
        &self,
        reference: &Reference,
        _: &Credentials,
        hear: &mut dyn FnMut(LayerTold),
    ) -> Result<String, EngineError> {
        let (told, others) = {
            let state = self.call("push", &[reference.name()])?;
            (state.pushing.clone(), state.named_while_pushing.clone())
        };
        told.into_iter().for_each(hear);
        if let Some(others) = others {
            self.tag(&others, reference.name())?;
        }
        Ok(DIGEST.to_owned())
    }

    fn digest_in_registry(&self, reference: &Reference, _: &Credentials) -> Option<String> {
        let state = self.call("digest_in_registry", &[reference.name()]).ok()?;
        state.in_registry.clone().or_else(|| Some(DIGEST.to_owned())).filter(|digest| !digest.is_empty())
    }

    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError> {
        drop(self.call("commit", &[&container.0])?);
        let id = self.add_image("being:made", &[]);
        let mut state = self.state();
        let made = state.images.last_mut().unwrap();
        made.tags.clear();
        made.labels.clone_from(&options.labels);
        Ok(id)
    }

    fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_volume", &[name])?.volumes.contains_key(name))
    }

    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        self.call("ensure_volume", &[name])?.volumes.entry(name.to_owned()).or_insert_with(|| labels.clone());
        Ok(())
    }

    fn has_network(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_network", &[name])?.networks.contains(name))
    }

    fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        let mut state = self.call("create", &[name.unwrap_or_default(), &spec.image])?;
        if state.containers.values().any(|(other, _)| name == Some(&*other.name)) {
            let reason = "Conflict. The container name is already in use".to_owned();
            return Err(EngineError::Refused { doing: "create".to_owned(), reason });
        }
        state.made += 1;
        let id = ContainerId(format!("c{}", state.made));
        let addresses = vec![format!("172.30.0.{}", state.made)];
        let endpoint = Endpoint { addresses, names: spec.aliases.clone() };
        let endpoints = BTreeMap::from([(spec.network.clone(), endpoint)]);
        let reference = &spec.image;
        let named = |image: &&Image| image.id.0 == *reference || image.tags.contains(reference);
        let image = state.images.iter().find(named).map(|image| image.id.clone()).unwrap_or_default();
        let container = Container {
            id: id.clone(),
            name: name.map_or_else(|| format!("untagged-{}", id.0), str::to_owned),
            labels: spec.labels.clone(),
            running: false,
            exit_status: 0,
            ended: 0,
            out_of_memory: false,
            health: if spec.health_check.is_some() { Health::Starting } else { Health::Unchecked },
            was_checked: false,
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

    fn exec(&self, container: &ContainerId, command: &[String], _: Duration) -> Result<Ran, EngineError> {
        let mut state = self.call("exec", &[&container.0, &command.join(" ")])?;
        Ok(state.executions.pop_front().unwrap_or(Ran { status: Some(1), output: Vec::new() }))
    }

    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError> {
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
            found.was_checked = found.running && spec.health_check.is_some() && !never_checks;
            found.clone()
        }))
    }

    fn seen(&self) -> Result<Vec<Seen>, EngineError> {
        let mut state = self.call("seen", &[])?;
        let made_at = state.made_at;
        let seen = |(container, spec): &(Container, ContainerSpec)| Seen {
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
        };
        let listed = state.containers.values().map(seen).collect();
        let State { containers, gone_when_listed, .. } = &mut *state;
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

    fn last_lines(&self, container: &ContainerId, _: usize) -> Result<Vec<u8>, EngineError> {
        Ok(self.call("last_lines", &[&container.0])?.last_lines.clone())
    }

    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError> {
        let state = self.call("copy_out", &[&container.0, path])?;
        match state.files.get(path) {
            Some(tar) => Ok(Box::new(Cursor::new(tar.clone()))),
            None => Err(EngineError::NotFound { what: format!("{path} in container {}", container.0) }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_remembers_calls_in_order_and_fails_when_told() {
        let fake = Fake::with_image("stager:latest");
        let spec = ContainerSpec { image: "stager:latest".into(), ..ContainerSpec::default() };
        fake.script(|stdin, output| {
            output(Stream::Out, stdin);
            7
        });
        fake.refuse("start", "no");
        let id = fake.create(Some("one"), &spec).unwrap();
        let mut seen = Vec::new();
        assert_eq!(fake.run(&id, Input::Whole(b"in"), &mut |_, bytes| seen.extend_from_slice(bytes)).unwrap(), 7);
        assert!(fake.start(&id).is_err());
        fake.remove(&id).unwrap();
        assert_eq!(seen, b"in");
        assert_eq!(fake.calls(), ["create one stager:latest", "run c2", "start c2", "remove c2"]);
        assert!(fake.state().containers.is_empty());
    }
}
