//! The health check, run by the host where the engine does not run it: Podman leaves that to systemd, and without one
//! nobody asks.

use crate::engine::container_spec::HealthCheck;
use crate::engine::{Container, ContainerId};
use crate::plan::health::is_left_alone;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::size;
use std::time::Duration;

/// What the host knows of a container's check.
pub(super) struct HostHealthCheck<'a> {
    session: &'a Session,
    container: &'a ContainerId,
    check: &'a HealthCheck,
    start_timeout: Duration,
    /// When the host is to ask next, since the start; `None` while that is the engine's.
    next: Option<Duration>,
    last_words: String,
}

impl<'a> HostHealthCheck<'a> {
    pub(super) fn new(
        session: &'a Session,
        container: &'a ContainerId,
        check: &'a HealthCheck,
        start_timeout: Duration,
    ) -> Self {
        Self { session, container, check, start_timeout, next: None, last_words: String::new() }
    }

    /// Asks, where the engine does not and it is time; `waited` since the start.
    pub(super) fn finds_healthy(&mut self, now: &Container, waited: Duration) -> bool {
        if self.next.is_none() && is_left_alone(self.check, now, waited, self.start_timeout) {
            let text = format!(
                "The engine runs no health check (none after {}); host-cli checks the app itself",
                size::seconds(waited)
            );
            self.session.emit(Event::Note { text });
            self.next = Some(waited);
        }
        if self.next.is_none_or(|next| waited < next) {
            return false;
        }
        self.next = Some(waited + self.check.interval);
        self.passes()
    }

    fn passes(&mut self) -> bool {
        match self.session.engine.exec(self.container, &self.check.command, self.check.timeout) {
            Ok(ran) => {
                let said = String::from_utf8_lossy(&ran.output);
                let end = match ran.status {
                    Some(_) => String::new(),
                    None => format!(" (it did not end within {})", size::seconds(self.check.timeout)),
                };
                self.last_words = format!("{}{end}", said.trim());
                ran.status == Some(0)
            }
            // The app may have ended meanwhile, which the next look tells; or the check cannot be run at all.
            Err(error) => {
                self.last_words = error.to_string();
                false
            }
        }
    }

    /// What the check said last, whoever asked; foreign text.
    pub(super) fn last_words(self, now: Container) -> String {
        if self.last_words.is_empty() { now.health_output } else { self.last_words }
    }
}
