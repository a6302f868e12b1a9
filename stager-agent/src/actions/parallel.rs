//! Several things at once: a thread for each, and all of them are waited for.

use super::error::ActionError;
use std::panic;
use std::thread::{self, Builder, ScopedJoinHandle};

/// Does `work` on all `items` at once. The results come in the items' order; [`ActionError::NoThread`] where the system
/// gave no thread, and then nothing was done for that item.
pub(crate) fn parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, ActionError> + Sync,
) -> Vec<Result<R, ActionError>> {
    let work = &work;
    thread::scope(|threads| {
        let start = |item| Builder::new().spawn_scoped(threads, move || work(item)).map_err(ActionError::NoThread);
        let running: Vec<_> = items.iter().map(start).collect();
        running.into_iter().map(|started| started.and_then(end)).collect()
    })
}

fn end<R>(thread: ScopedJoinHandle<'_, Result<R, ActionError>>) -> Result<R, ActionError> {
    thread.join().unwrap_or_else(|bug| panic::resume_unwind(bug))
}
