//! How far a staging is: fetch, build, upload. The request's tree knows no such thing; a step begins with the
//! first action of its kind and ends where the next begins.

use crate::session::scope::Scope;
use shared_model::event::{Event, Step};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The step that is under way.
#[derive(Default)]
pub(crate) struct Steps(Mutex<Option<(Step, Instant)>>);

impl Steps {
    /// An action of `step` begins. There is no way back: a download after the build belongs to the build.
    pub(crate) fn enter(&self, step: Step, scope: &Scope) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_none_or(|(current, _)| current < step) {
            end(*current, scope);
            scope.emit(Event::StepStarted { step });
            *current = Some((step, Instant::now()));
        }
    }

    /// All went well: the last step ends. A step that failed never ends.
    pub(crate) fn finish(&self, scope: &Scope) {
        end(self.0.lock().unwrap_or_else(PoisonError::into_inner).take(), scope);
    }
}

fn end(current: Option<(Step, Instant)>, scope: &Scope) {
    if let Some((step, since)) = current {
        scope.emit(Event::StepEnded { step, ms: milliseconds_since(since) });
    }
}

/// Whole milliseconds since `start`, as events have them.
pub(crate) fn milliseconds_since(start: Instant) -> u64 {
    milliseconds(start.elapsed())
}

/// Whole milliseconds, as events have them.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
