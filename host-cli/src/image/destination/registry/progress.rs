//! How far the layers of an image are on their way to a registry; told not too often.

use shared_model::event::{Event, EventSink};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Often enough to look alive, seldom enough for a log.
const BETWEEN: Duration = Duration::from_millis(250);

/// All layers of one image.
pub(super) struct Progress<'a> {
    events: &'a dyn EventSink,
    reference: &'a str,
    state: Mutex<State>,
}

struct State {
    /// Bytes that were read of each layer that was begun, and how many it has.
    layers: BTreeMap<String, (u64, u64)>,
    told: Instant,
}

impl<'a> Progress<'a> {
    /// Nothing was begun yet.
    pub(super) fn new(events: &'a dyn EventSink, reference: &'a str) -> Self {
        Self { events, reference, state: Mutex::new(State { layers: BTreeMap::new(), told: Instant::now() }) }
    }

    /// The layer of this digest, of so many bytes, is read from its start, perhaps once more.
    pub(super) fn begin(&self, digest: &str, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.layers.insert(digest.to_owned(), (0, bytes));
    }

    /// So many more bytes of it were read.
    pub(super) fn add(&self, digest: &str, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, _)) = state.layers.get_mut(digest) {
            *read = read.saturating_add(bytes);
        }
        if state.told.elapsed() < BETWEEN {
            return;
        }
        state.told = Instant::now();
        let sum = |sum: (u64, u64), layer: &(u64, u64)| (sum.0.saturating_add(layer.0), sum.1.saturating_add(layer.1));
        let (bytes, total) = state.layers.values().fold((0, 0), sum);
        self.events.emit(Event::PushProgress { reference: self.reference.to_owned(), bytes, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Said(Mutex<Vec<Event>>);

    impl EventSink for Said {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    #[test]
    fn it_is_told_not_too_often_and_a_layer_that_begins_anew_counts_once() {
        let said = Said::default();
        let progress = Progress::new(&said, "r.io/a:1");
        progress.begin("one", 100);
        progress.add("one", 60);
        progress.begin("two", 50);
        progress.begin("one", 100);
        assert_eq!(said.0.lock().unwrap().len(), 0);
        std::thread::sleep(BETWEEN);
        progress.add("one", 7);
        progress.add("two", 50);
        let told = Event::PushProgress { reference: "r.io/a:1".into(), bytes: 7, total: 150 };
        assert_eq!(*said.0.lock().unwrap(), [told]);
    }
}
