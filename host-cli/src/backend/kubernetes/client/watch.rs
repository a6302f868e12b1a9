//! Objects as they change: listed once, then watched from there. What breaks off is taken up again; what a cluster has forgotten
//! meanwhile is listed anew, so that nothing which has gone is missed.

use super::{Cluster, ClusterError, FIRST_PAUSE, Kind, LONGEST_PAUSE, Reason};
use futures_util::TryStreamExt;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{sleep, timeout};

/// How long one watch lasts. A connection that has died without a word is noticed a little later.
const ONE_WATCH: u32 = 60;
const AND_SOME: Duration = Duration::from_secs(5);
/// What lasts less was none.
const SHORT: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Clone, Debug)]
pub(crate) enum Seen<K> {
    /// It is there, as it is now.
    Is(Box<K>),
    /// It has gone; this was its last state that was seen.
    Gone(Box<K>),
    /// What can be seen is seen again after trouble.
    Again,
    /// Nothing can be seen at the moment.
    Trouble(ClusterError),
}

/// A watch that ends when this is dropped.
pub(crate) struct Watching(JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Cluster {
    /// Tells of all objects with these labels, from those that are there, until it is dropped or `tell` breaks.
    pub(crate) fn watch<K: Kind>(
        &self,
        labels: &str,
        tell: impl FnMut(Seen<K>) -> ControlFlow<()> + Send + 'static,
    ) -> Watching {
        let (api, labels, answer) = (self.api::<K>(), labels.to_owned(), self.patience.answer);
        let watch = Watch { api, labels, known: HashMap::new(), tell, troubled: false, answer, wait: None };
        Watching(self.runtime.spawn(async move {
            let _ = watch.go().await;
        }))
    }
}

struct Watch<K, T> {
    api: Api<K>,
    labels: String,
    known: HashMap<String, K>,
    tell: T,
    troubled: bool,
    /// How long one answer may take.
    answer: Duration,
    /// How long the cluster wants to be left alone.
    wait: Option<Duration>,
}

impl<K: Kind, T: FnMut(Seen<K>) -> ControlFlow<()>> Watch<K, T> {
    async fn go(mut self) -> ControlFlow<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut version = match self.list().await? {
                Ok(version) => version,
                Err(error) => {
                    let wait = error.wait.unwrap_or(pause);
                    self.trouble(error)?;
                    sleep(wait).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            };
            pause = FIRST_PAUSE;
            let mut began = Instant::now();
            while let Some(next) = self.from(version).await? {
                version = next;
                // Who ends every watch at once is not to be flooded.
                if began.elapsed() < SHORT {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                began = Instant::now();
            }
            sleep(self.wait.take().unwrap_or(FIRST_PAUSE)).await;
        }
    }

    /// All that is there, and what has gone since it was last looked at; the version to watch from.
    async fn list(&mut self) -> ControlFlow<(), Result<String, ClusterError>> {
        let what = K::plural(&());
        let params = ListParams::default().labels(&self.labels);
        let list = match timeout(self.answer, self.api.list(&params)).await {
            Ok(Ok(list)) => list,
            Ok(Err(error)) => return ControlFlow::Continue(Err(ClusterError::of(&what, error))),
            Err(_) => return ControlFlow::Continue(Err(ClusterError::silent(&what, self.answer))),
        };
        let version = list.metadata.resource_version.unwrap_or_default();
        let mut gone = std::mem::take(&mut self.known);
        for object in list.items {
            gone.remove(&uid(&object));
            self.is(object)?;
        }
        for (_, object) in gone {
            self.say(Seen::Gone(Box::new(object)))?;
        }
        ControlFlow::Continue(Ok(version))
    }

    /// One watch. Where the next goes on; `None`: nobody knows, and all is to be listed.
    async fn from(&mut self, mut version: String) -> ControlFlow<(), Option<String>> {
        let params = WatchParams::default().labels(&self.labels).timeout(ONE_WATCH);
        let stream = match timeout(self.answer, self.api.watch(&params, &version)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return self.broken(ClusterError::of(&K::plural(&()), error));
            }
            Err(_) => return self.broken(ClusterError::silent(&K::plural(&()), self.answer)),
        };
        self.well()?;
        let mut stream = pin!(stream);
        let longest = Duration::from_secs(u64::from(ONE_WATCH)) + AND_SOME;
        loop {
            let event = match timeout(longest, stream.try_next()).await {
                Ok(Ok(Some(event))) => event,
                Ok(Ok(None)) => return ControlFlow::Continue(Some(version)),
                Ok(Err(error)) => return self.broken(ClusterError::of(&K::plural(&()), error)),
                Err(_) => return ControlFlow::Continue(None),
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.meta().resource_version.clone().unwrap_or(version);
                    self.is(object)?;
                }
                WatchEvent::Deleted(object) => {
                    version = object.meta().resource_version.clone().unwrap_or(version);
                    self.known.remove(&uid(&object));
                    self.say(Seen::Gone(Box::new(object)))?;
                }
                WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return self.broken(ClusterError::status(&K::plural(&()), &status)),
            }
        }
    }

    /// Who is told may be slow; nobody else's answers wait for that.
    fn say(&mut self, seen: Seen<K>) -> ControlFlow<()> {
        block_in_place(|| (self.tell)(seen))
    }

    fn is(&mut self, object: K) -> ControlFlow<()> {
        self.known.insert(uid(&object), object.clone());
        self.say(Seen::Is(Box::new(object)))
    }

    /// A watch that was not to be had. What is only too old is listed anew, without a word.
    fn broken(&mut self, error: ClusterError) -> ControlFlow<(), Option<String>> {
        self.wait = error.wait;
        if error.reason != Reason::Outdated {
            self.trouble(error)?;
        }
        ControlFlow::Continue(None)
    }

    fn trouble(&mut self, error: ClusterError) -> ControlFlow<()> {
        self.troubled = true;
        self.say(Seen::Trouble(error))
    }

    fn well(&mut self) -> ControlFlow<()> {
        if std::mem::take(&mut self.troubled) { self.say(Seen::Again) } else { ControlFlow::Continue(()) }
    }
}

fn uid<K: Kind>(object: &K) -> String {
    object.meta().uid.clone().unwrap_or_default()
}
