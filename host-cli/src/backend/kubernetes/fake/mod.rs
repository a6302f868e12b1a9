//! A cluster's API for tests: a small HTTP server on loopback that a real client speaks to. It holds objects as JSON, answers as
//! the real one does, and can be told to fail: see [`Fault`]. What the cluster's own parts would do, the test does: by itself, or
//! in [`World::whenever_made`].
//!
//! - `objects`: what there is, and what changed in which order; `selectors` finds among it. Both pure.
//! - `asked`: what a request means, and what it cost. `faults`: what goes wrong, and how often.
//! - `serve`: a request and its answer; `streams`: answers that go on, watches and logs. `http` carries both.
//! - `pods`: what becomes of a pod, step by step, in the words of a real cluster.
//!
//! It knows nothing of the rest of this crate, so that tests of the program can have it, too.

mod asked;
mod faults;
mod http;
mod objects;
mod pods;
mod selectors;
mod serve;
mod streams;
#[cfg(test)]
mod tests;

pub(crate) use asked::Asked;
pub(crate) use faults::Fault;
pub(crate) use objects::Kind;
pub(crate) use pods::FakePod;

use faults::{Rule, Rules};
use objects::Objects;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Who is asked for, where no test says otherwise.
pub(crate) const NAMESPACE: &str = "apps";
/// As whom the client is known, in what it is refused.
pub(crate) const USER: &str = "stage-only";
/// How long a test waits for what must happen; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server. It ends, with all its connections, when it is dropped.
pub(crate) struct Apiserver {
    world: World,
    address: SocketAddr,
}

/// What the server knows and does; each clone is the same world.
#[derive(Clone, Default)]
pub(crate) struct World {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Called with each object that a client has made or asked to be deleted.
type Reaction = Arc<dyn Fn(&World, &Value) + Send + Sync>;

#[derive(Default)]
struct State {
    objects: Objects,
    /// By pod and container.
    logs: BTreeMap<(String, String), Log>,
    rules: Rules,
    asked: Vec<Asked>,
    /// By the order in which they came; those that are still open.
    connections: BTreeMap<usize, TcpStream>,
    reactions: Vec<(Kind, Moment, Reaction)>,
    is_away: bool,
    is_over: bool,
    /// Watches and logs that are being followed now.
    following: usize,
    /// Pods that were ever made of Jobs: none is called as one before it.
    pods: usize,
}

/// What a container said: how many lines there were that are gone, those that are there, and whether it will say more.
#[derive(Default)]
struct Log {
    gone: usize,
    lines: Vec<String>,
    is_over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Made,
    Changed,
    Deleted,
}

impl Apiserver {
    /// Starts one that has nothing.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let world = World::default();
        let serving = world.clone();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { continue };
                {
                    let mut state = serving.state();
                    if state.is_over {
                        break;
                    }
                    if state.is_away {
                        continue;
                    }
                    state.connections.insert(number, stream.try_clone().unwrap());
                }
                let world = serving.clone();
                thread::spawn(move || {
                    serve::connection(&world, stream);
                    let ended = world.state().connections.remove(&number);
                    drop(ended.map(|stream| stream.shutdown(Shutdown::Both)));
                });
            }
        });
        Self { world, address }
    }

    /// Where it is: `http://127.0.0.1:…`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A KUBECONFIG that leads there; its YAML is JSON.
    pub(crate) fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url()}}],
            "users": [{"name": USER, "user": {"token": "a-token-of-tests"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": USER, "namespace": NAMESPACE}}],
        })
        .to_string()
    }
}

impl Deref for Apiserver {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Drop for Apiserver {
    fn drop(&mut self) {
        let mut state = self.world.state();
        state.is_over = true;
        state.hang_up();
        drop(state);
        self.world.shared.changed.notify_all();
        drop(TcpStream::connect(self.address)); // wakes who listens
    }
}

impl State {
    fn hang_up(&mut self) {
        for stream in std::mem::take(&mut self.connections).into_values() {
            let _ = stream.shutdown(Shutdown::Both); // it may have gone by itself
        }
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Changes something, and tells who waits for changes.
    fn change_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state());
        self.shared.changed.notify_all();
        result
    }

    /// Puts an object there, as another client would; as it is then.
    pub(crate) fn add(&self, kind: Kind, object: Value) -> Value {
        self.change_state(|state| state.objects.insert(kind, NAMESPACE, object)).unwrap()
    }

    /// An object as it is now.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<Value> {
        self.state().objects.get(kind, NAMESPACE, name).cloned()
    }

    /// All of a kind, in the order of their names.
    pub(crate) fn all(&self, kind: Kind) -> Vec<Value> {
        self.state().objects.all(kind, Some(NAMESPACE)).cloned().collect()
    }

    /// Changes an object; who watches is told. One that is gone meanwhile stays gone.
    pub(crate) fn change(&self, kind: Kind, name: &str, act: impl FnOnce(&mut Value)) {
        self.change_state(|state| state.objects.change(kind, NAMESPACE, name, act));
    }

    /// Takes an object away, and what it owns.
    pub(crate) fn remove(&self, kind: Kind, name: &str) {
        self.change_state(|state| state.objects.remove(kind, NAMESPACE, name));
    }

    /// No watch can go on from before now any more: they are told 410.
    pub(crate) fn forget_history(&self) {
        self.change_state(|state| state.objects.forget());
    }

    /// Something goes wrong, so many times, with requests of this verb (`create`, `get`, `list`, `watch`, `patch`, `delete`) about
    /// this resource (`jobs`, `pods`, `pods/log` …). Rules apply in the order in which they were made.
    pub(crate) fn next(&self, times: usize, verb: &'static str, resource: &'static str, fault: Fault) {
        self.state().rules.add(Rule { verb, resource, times, fault });
    }

    /// Calls this, in a thread of its own, whenever a client has made one of these.
    pub(crate) fn whenever_made(&self, kind: Kind, act: impl Fn(&World, &Value) + Send + Sync + 'static) {
        self.state().reactions.push((kind, Moment::Made, Arc::new(act)));
    }

    /// Calls this whenever a client has changed one of these.
    pub(crate) fn whenever_changed(&self, kind: Kind, act: impl Fn(&World, &Value) + Send + Sync + 'static) {
        self.state().reactions.push((kind, Moment::Changed, Arc::new(act)));
    }

    /// Calls this whenever a client has asked for one of these to be deleted. What is deleted in the foreground is there until then
    /// and beyond: it goes with [`World::remove`].
    pub(crate) fn whenever_deleted(&self, kind: Kind, act: impl Fn(&World, &Value) + Send + Sync + 'static) {
        self.state().reactions.push((kind, Moment::Deleted, Arc::new(act)));
    }

    fn react(&self, kind: Kind, moment: Moment, object: &Value) {
        let found: Vec<Reaction> = {
            let state = self.state();
            let found = state.reactions.iter().filter(|(of, when, _)| (*of, *when) == (kind, moment));
            found.map(|(.., act)| Arc::clone(act)).collect()
        };
        for act in found {
            let (world, object) = (self.clone(), object.clone());
            thread::spawn(move || act(&world, &object));
        }
    }

    /// Nobody is heard until [`World::back`]: connections end, and new ones at once.
    pub(crate) fn away(&self) {
        self.change_state(|state| {
            state.is_away = true;
            state.hang_up();
        });
    }

    /// It answers again.
    pub(crate) fn back(&self) {
        self.state().is_away = false;
    }

    /// What was asked so far, in order; `received` and `sent` of a stream grow while it is followed.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// How many requests there were of this verb about this resource.
    pub(crate) fn count(&self, verb: &str, resource: &str) -> usize {
        self.state().asked.iter().filter(|asked| asked.verb == verb && asked.resource == resource).count()
    }

    /// How many watches and logs are being followed.
    pub(crate) fn following(&self) -> usize {
        self.state().following
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// It does not within [`PATIENCE`].
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; asked: {:#?}", self.asked());
            thread::sleep(Duration::from_millis(5));
        }
    }
}
