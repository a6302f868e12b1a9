//! Where events go.

use super::Event;

/// Where events go. Whoever says something takes one of these instead of printing.
pub trait EventSink: Sync {
    /// Says `event`. Never fails: a reader that is gone must not stop a staging.
    fn emit(&self, event: Event);
}

impl<T: EventSink + Send + ?Sized> EventSink for std::sync::Arc<T> {
    fn emit(&self, event: Event) {
        (**self).emit(event);
    }
}
