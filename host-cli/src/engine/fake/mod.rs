//! A recording engine for tests: it remembers what was asked for, in which order, keeps containers and images as values,
//! and fails where a test wants it to. Nothing runs.

mod containers;
mod images;
pub(crate) mod loaded;
mod system;
mod transfer;
mod volumes;

pub(crate) use transfer::DIGEST;

use super::{
    Container, Engine, EngineError, ExecResult, Health, Image, ImageId, LayerProgress, Limits, Quota, Reach, Store,
    Usage,
};
use crate::engine::container_spec::{ContainerSpec, LogConfig};
use jiff::Timestamp;
use shared_model::event::Stream;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;

/// What a container does when it runs: standard input in, output to the callback, the exit status back.
pub(crate) type Script = Box<dyn FnMut(&[u8], &mut dyn FnMut(Stream, &[u8])) -> i64 + Send>;

/// What [`Fake`] knows; tests set it up before and look at it after.
#[derive(Default)]
pub(crate) struct FakeState {
    /// Every call as one line, in order: `create staging-1 stager:latest`, `start c1`, `remove c1`.
    pub(crate) calls: Vec<String>,
    /// Images that are there, the newest last.
    pub(crate) images: Vec<Image>,
    /// An image without a name that the engine takes in right after the next list of those.
    pub(crate) taken_in_late: Option<ImageId>,
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
    pub(crate) executions: VecDeque<ExecResult>,
    /// What comes of the next connections to a container; the last is repeated. None: nobody knows.
    pub(crate) reach: VecDeque<Reach>,
    /// How long each connection to a container might have taken.
    pub(crate) patience: Vec<Duration>,
    /// When what each waiting waits for happens; one without it waits in vain.
    pub(crate) events: VecDeque<Timestamp>,
    /// Whether it leaves health checks to others: it shows no outcome of one.
    pub(crate) never_checks: bool,
    /// The exit status with which a started container has ended at once, if it does.
    pub(crate) dies_at_start: Option<i64>,
    /// What `copy_out` gives, by path: a tar.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What `copy_in` was given, whole: a folder and a tar each.
    pub(crate) copied_in: Vec<(String, Vec<u8>)>,
    /// What every container printed last.
    pub(crate) log_tail: Vec<u8>,
    /// By container.
    pub(crate) usages: BTreeMap<String, Usage>,
    /// What containers printed, by id, entry by entry: when, where and what.
    pub(crate) logs: BTreeMap<String, Vec<(&'static str, Stream, String)>>,
    /// Build contexts that were sent, whole.
    pub(crate) built: Vec<Vec<u8>>,
    /// Archives of images that were sent, whole.
    pub(crate) loaded: Vec<Vec<u8>>,
    /// What `save` gives for every image.
    pub(crate) export: Vec<u8>,
    /// What happens in the middle of the next load.
    pub(crate) while_loading: Option<Box<dyn FnOnce() + Send>>,
    /// What happens in the middle of the next copy out of a container.
    pub(crate) while_copying: Option<Box<dyn FnOnce() + Send>>,
    /// What every push and pull tells of its layers.
    pub(crate) pushing: Vec<LayerProgress>,
    /// The labels of every image that is pulled.
    pub(crate) labels_of_pulled: BTreeMap<String, String>,
    /// Which image somebody else gives the name to, in the middle of every push.
    pub(crate) named_while_pushing: Option<ImageId>,
    /// What the registry says that it has. None: what was pushed; an empty text: it does not say.
    pub(crate) in_registry: Option<String>,
    /// How it says that it keeps images. None: as layers.
    pub(crate) store: Option<Store>,
    /// Which limits it keeps.
    pub(crate) limits: Limits,
    /// What its machine is; empty: it does not say.
    pub(crate) architecture: &'static str,
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

/// The engine that records.
pub(crate) struct Fake(Mutex<FakeState>, TempDir);

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
    pub(crate) fn state(&self) -> MutexGuard<'_, FakeState> {
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
    fn call(&self, verb: &'static str, words: &[&str]) -> Result<MutexGuard<'_, FakeState>, EngineError> {
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

/// An engine's calls need no trait in scope.
impl Deref for Fake {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Input;

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
