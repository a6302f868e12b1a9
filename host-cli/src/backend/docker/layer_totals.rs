//! What an engine tells of the layers that it pushes or pulls → how far that is. Pure.

use crate::engine::{LayerProgress, LayerState};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often engines send a layer before they give up; Docker's own number.
const TRIES: u32 = 5;

/// All layers of one push or pull.
#[derive(Debug, Default)]
pub(crate) struct LayerTotals(BTreeMap<String, Layer>);

#[derive(Debug, Default)]
struct Layer {
    bytes: u64,
    total: u64,
    known: bool,
    sent: bool,
    waits: bool,
    retries: u32,
}

/// What it has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Bytes that were sent.
    pub(crate) bytes: u64,
    /// Bytes of the layers that were begun.
    pub(crate) total: u64,
    /// Layers that were sent wholly.
    pub(crate) sent: u64,
    /// Layers that the registry had.
    pub(crate) known: u64,
}

/// What of something told is worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// The sum has changed.
    Progress,
    /// A layer is sent once more, after a while.
    Again { attempt: u32, of: u32, wait: Duration },
}

impl LayerTotals {
    /// Takes in what was told.
    pub(crate) fn hear(&mut self, told: &LayerProgress) -> News {
        let layer = self.0.entry(told.layer.clone()).or_default();
        let waited = std::mem::take(&mut layer.waits);
        match told.state {
            LayerState::Waiting => News::None,
            LayerState::Sending { bytes, total } => {
                // The tar's own blocks count for engines that did not count them before.
                (layer.total, layer.bytes) = (total.max(bytes), bytes);
                News::Progress
            }
            LayerState::Sent => {
                (layer.sent, layer.bytes) = (true, layer.total);
                News::Progress
            }
            LayerState::Known => {
                layer.known = true;
                News::Progress
            }
            LayerState::Again { wait } => {
                layer.waits = true;
                if waited {
                    return News::None;
                }
                layer.retries += 1;
                let attempt = layer.retries + 1;
                News::Again { attempt, of: TRIES.max(attempt), wait }
            }
        }
    }

    /// The sum so far.
    pub(crate) fn sum(&self) -> Sum {
        self.0.values().fold(Sum::default(), |sum, layer| Sum {
            bytes: sum.bytes.saturating_add(layer.bytes),
            total: sum.total.saturating_add(layer.total),
            sent: sum.sent + u64::from(layer.sent),
            known: sum.known + u64::from(layer.known && !layer.sent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(totals: &mut LayerTotals, layer: &str, state: LayerState) -> News {
        totals.hear(&LayerProgress { layer: layer.to_owned(), state })
    }

    #[test]
    fn layers_add_up_whoever_had_them() {
        let mut totals = LayerTotals::default();
        heard(&mut totals, "a", LayerState::Waiting);
        heard(&mut totals, "b", LayerState::Known);
        heard(&mut totals, "a", LayerState::Sending { bytes: 10, total: 100 });
        heard(&mut totals, "c", LayerState::Sending { bytes: 7, total: 5 });
        assert_eq!(totals.sum(), Sum { bytes: 17, total: 107, sent: 0, known: 1 });
        heard(&mut totals, "a", LayerState::Sent);
        heard(&mut totals, "c", LayerState::Sent);
        heard(&mut totals, "d", LayerState::Sent);
        assert_eq!(totals.sum(), Sum { bytes: 107, total: 107, sent: 3, known: 1 });
    }

    #[test]
    fn a_layer_that_waits_for_its_next_try_is_told_once_a_try() {
        let mut totals = LayerTotals::default();
        let again = |seconds| LayerState::Again { wait: Duration::from_secs(seconds) };
        let news: Vec<News> = [again(5), again(4), LayerState::Sending { bytes: 1, total: 2 }, again(10), again(9)]
            .into_iter()
            .map(|state| heard(&mut totals, "a", state))
            .collect();
        let told = |attempt, seconds| News::Again { attempt, of: TRIES, wait: Duration::from_secs(seconds) };
        assert_eq!(news, [told(2, 5), News::None, News::Progress, told(3, 10), News::None]);
    }
}
