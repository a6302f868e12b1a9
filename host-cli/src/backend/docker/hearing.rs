//! Turns what an engine tells of a push or a pull into events, not too many.

use super::layer_totals::{LayerTotals, News, Sum};
use crate::engine::LayerProgress;
use crate::registry::reference::Reference;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use std::time::{Duration, Instant};

/// Often enough to look alive, seldom enough for a log.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(250);

/// Which way layers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To a registry.
    Push,
    /// From one.
    Pull,
}

/// Who listens to one push or pull.
pub(super) struct Hearing<'a> {
    session: &'a Session,
    reference: &'a Reference,
    direction: Direction,
    totals: LayerTotals,
    told: Instant,
}

impl<'a> Hearing<'a> {
    /// Nothing was told yet.
    pub(super) fn new(session: &'a Session, reference: &'a Reference, direction: Direction) -> Self {
        Self { session, reference, direction, totals: LayerTotals::default(), told: Instant::now() }
    }

    /// Takes in what was told, and says what of it is worth saying.
    pub(super) fn hear(&mut self, told: &LayerProgress) {
        match self.totals.hear(told) {
            News::Progress if self.told.elapsed() >= BETWEEN_PROGRESS => {
                self.told = Instant::now();
                let Sum { bytes, total, .. } = self.totals.sum();
                let name = self.reference.name().to_owned();
                self.session.emit(match self.direction {
                    Direction::Push => Event::PushProgress { reference: name, bytes, total },
                    Direction::Pull => Event::PullProgress { image: name, bytes, total },
                });
            }
            News::Again { attempt, of, wait } => {
                let done = match self.direction {
                    Direction::Push => "taken",
                    Direction::Pull => "given",
                };
                self.session.emit(Event::Retrying {
                    what: format!("layer {} of {}", told.layer, self.reference),
                    reason: format!("the registry has not {done} it"),
                    attempt,
                    attempts: of,
                    wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                });
            }
            News::Progress | News::None => {}
        }
    }

    /// What it has come to.
    pub(super) fn sum(&self) -> Sum {
        self.totals.sum()
    }
}
