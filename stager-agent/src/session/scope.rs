//! What an action needs to know of its surroundings: whom to tell, whose name to say it in, and whether to go on.
//!
//! A scope is borrowed, never stored. A timeout is a deadline in a narrower scope, a codependent group a narrower
//! stop; both reach everything inside because everything inside asks [`Scope::stopped`].

use shared_model::event::{Event, EventSink};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Why an action has to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The time of the `timeout` action with this limit is up.
    DeadlinePassed(Duration),
    /// A signal came: its number.
    Signal(i32),
    /// Whoever holds the lease is gone.
    HostGone,
    /// Another action of a codependent group ended.
    Codependent,
    /// What was written takes more room than the request allows.
    DiskFull,
}

/// A request to end, and whoever asked for it. Asking is once and for all.
#[derive(Debug, Default)]
pub(crate) struct Stop(OnceLock<Stopped>);

impl Stop {
    /// Ends everything that asks this, for this reason where nobody gave another before.
    pub(crate) fn ask(&self, reason: Stopped) {
        let _ = self.0.set(reason);
    }

    /// From now on SIGTERM and SIGINT ask, instead of ending the process at once. As process 1 of a container the agent
    /// would not get them otherwise.
    ///
    /// # Errors
    /// The system gives no handler or no thread.
    pub(crate) fn at_signals(self: Arc<Self>) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let wait = move || signals.forever().for_each(|signal| self.ask(Stopped::Signal(signal)));
        thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
    }
}

#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    limit: Duration,
}

/// When to stop and where to say things: a stop flag, a deadline and a log source, and those of the scopes around it.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    events: &'a dyn EventSink,
    log_source: &'a str,
    stop: &'a Stop,
    outer: Option<&'a Scope<'a>>,
    deadline: Option<Deadline>,
}

impl<'a> Scope<'a> {
    /// The outermost scope, without a deadline.
    pub(crate) fn new(events: &'a dyn EventSink, log_source: &'a str, stop: &'a Stop) -> Self {
        Self { events, log_source, stop, outer: None, deadline: None }
    }

    /// The same scope, whose words go through `events`.
    pub(crate) fn heard_by(&'a self, events: &'a dyn EventSink) -> Scope<'a> {
        Scope { events, ..*self }
    }

    /// Passes `event` on to the sink.
    pub(crate) fn emit(&self, event: Event) {
        self.events.emit(event);
    }

    /// In whose name: `STG`.
    pub(crate) fn log_source(&self) -> &'a str {
        self.log_source
    }

    /// Why to end now; `None`: go on. A signal comes before a deadline, and an outer reason before an inner one.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        let outer = self.outer.and_then(Scope::stopped);
        let passed = self.deadline.filter(|deadline| Instant::now() >= deadline.at);
        outer
            .or_else(|| self.stop.0.get().copied())
            .or_else(|| passed.map(|deadline| Stopped::DeadlinePassed(deadline.limit)))
    }

    /// Goes on only where nothing has [stopped](Self::stopped) it.
    pub(crate) fn go_on(&self) -> Result<(), Stopped> {
        self.stopped().map_or(Ok(()), Err)
    }

    /// The same scope in another log source's name; `None` keeps this one's.
    pub(crate) fn named(&'a self, log_source: Option<&'a str>) -> Scope<'a> {
        Scope { log_source: log_source.unwrap_or(self.log_source), ..*self }
    }

    /// A scope that ends at the latest after `limit`.
    pub(crate) fn limited(&'a self, limit: Duration) -> Scope<'a> {
        let deadline = Some(Deadline { at: Instant::now() + limit, limit });
        Scope { outer: Some(self), deadline, ..*self }
    }

    /// A scope that `stop` ends too.
    pub(crate) fn stoppable_by(&'a self, stop: &'a Stop) -> Scope<'a> {
        Scope { outer: Some(self), stop, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;
    impl EventSink for Nobody {
        fn emit(&self, _: Event) {}
    }

    #[test]
    fn an_outer_deadline_reaches_into_an_inner_scope() {
        let stop = Stop::default();
        let outermost = Scope::new(&Nobody, "STG", &stop);
        let outer = outermost.limited(Duration::ZERO);
        let inner = outer.limited(Duration::from_secs(60));
        assert_eq!(inner.stopped(), Some(Stopped::DeadlinePassed(Duration::ZERO)));
        assert_eq!(outermost.stopped(), None);
    }

    #[test]
    fn a_group_can_be_stopped_without_its_surroundings() {
        let (stop, group) = (Stop::default(), Stop::default());
        let outer = Scope::new(&Nobody, "STG", &stop);
        let inner = outer.stoppable_by(&group);
        group.ask(Stopped::Codependent);
        assert_eq!((inner.stopped(), outer.stopped()), (Some(Stopped::Codependent), None));
        stop.ask(Stopped::Signal(15));
        assert_eq!(inner.stopped(), Some(Stopped::Signal(15)));
    }
}
