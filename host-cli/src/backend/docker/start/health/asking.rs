//! The health check, run by the host while an app starts: an engine would ask first after its interval, and Podman leaves it
//! to systemd, without which nobody asks.
//!
//! A check is a program that is started in the container, which costs more than many an app's own start. So the host connects
//! to the app's port first, as often as it likes, and has the check run as the verdict once somebody listens. Where a
//! connection tells nothing (an engine elsewhere, or in a virtual machine) it runs the check itself, less and less often.

use crate::engine::container_spec::HealthCheck;
use crate::engine::{Container, ContainerId, Health, Reach};
use crate::session::Session;
use shared_model::size;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a connection may take; on one machine it takes a thousandth of it.
const CONNECTION: Duration = Duration::from_millis(100);
/// Connections that lead nowhere, one after the other, after which none is tried any more: each takes so long.
const MOST_LOST: u32 = 3;
/// Ports that are tried, whatever a request has.
const MOST_PORTS: usize = 8;
/// From a check that failed to the next one, at first; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The most that it comes to: what Diego takes from the start.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The same while connections are refused. The refusal may be somebody else's who has the same address here, so it is not the
/// last word.
const PAUSE_WHEN_REFUSED: Duration = Duration::from_secs(5);

/// What the host knows of a container's health.
pub(super) struct Asking<'a> {
    session: &'a Session,
    container: &'a ContainerId,
    check: &'a HealthCheck,
    /// The network on which it is reached.
    network: &'a str,
    start_timeout: Duration,
    /// What came of the last connection.
    reach: Reach,
    /// How many have led nowhere since one that did not.
    lost: u32,
    /// When the last check ended, since the start; the start itself before the first.
    last: Duration,
    pause: Duration,
    last_words: String,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        session: &'a Session,
        container: &'a ContainerId,
        check: &'a HealthCheck,
        network: &'a str,
        start_timeout: Duration,
    ) -> Self {
        Self {
            session,
            container,
            check,
            network,
            start_timeout,
            reach: Reach::Closed,
            lost: 0,
            last: Duration::ZERO,
            pause: FIRST_PAUSE,
            last_words: String::new(),
        }
    }

    /// Asks, if it is time to and the engine does not know; `waited` tells how long ago the app was started.
    pub(super) fn finds_healthy(&mut self, now: &Container, waited: impl Fn() -> Duration) -> bool {
        if now.health == Health::Healthy && self.check.beside.is_empty() {
            return true;
        }
        let before = self.reach;
        if self.lost < MOST_LOST {
            self.reach = self.look(now, &waited);
            self.lost = if self.reach == Reach::Unknown { self.lost + 1 } else { 0 };
        }
        if self.reach == Reach::Open && before != Reach::Open {
            self.pause = Duration::ZERO; // what failed before it listened says nothing
        }
        let pause = match self.reach {
            Reach::Open | Reach::Unknown => self.pause,
            Reach::Closed => PAUSE_WHEN_REFUSED.min(self.start_timeout / 2),
        };
        if waited() < self.last + pause {
            return false;
        }
        let HealthCheck { command, beside, .. } = self.check;
        let healthy = std::iter::once(command).chain(beside).all(|command| self.passes(command, waited()));
        self.last = waited();
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        healthy
    }

    /// Whether somebody listens at all ports that the check asks, as far as they are tried; of others what was found before.
    fn look(&self, now: &Container, waited: &impl Fn() -> Duration) -> Reach {
        let address = now.endpoints.get(self.network).and_then(|endpoint| endpoint.addresses.first());
        let Some(address) = address.and_then(|address| address.parse::<IpAddr>().ok()) else { return Reach::Unknown };
        let mut reached = Reach::Unknown;
        for port in self.check.ports.iter().take(MOST_PORTS) {
            let left = self.start_timeout.saturating_sub(waited());
            if left.is_zero() {
                return self.reach;
            }
            reached = self.session.engine.reach(SocketAddr::new(address, *port), CONNECTION.min(left));
            if reached != Reach::Open {
                break;
            }
        }
        reached
    }

    fn passes(&mut self, command: &[String], waited: Duration) -> bool {
        let patience = self.check.timeout.min(self.start_timeout.saturating_sub(waited));
        match self.session.engine.exec(self.container, command, patience) {
            Ok(ran) => {
                let said = String::from_utf8_lossy(&ran.output);
                let end = match ran.status {
                    Some(_) => String::new(),
                    None => format!(" (it did not end within {})", size::seconds(patience)),
                };
                let words = format!("{}{end}", said.trim());
                // One that the app's time cuts short tells less than what was said before.
                let is_cut_short = ran.status.is_none() && patience < self.check.timeout;
                if self.last_words.is_empty() || !is_cut_short && !said.trim().is_empty() {
                    self.last_words = words;
                }
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
