//! As many inflaters as there are cores, for all archives of the process together. Whoever unpacks entries needs one:
//! nine zips that arrive together keep every core busy, and so does one alone, but never do more threads than cores
//! pull at the memory and the disk. They are taken for a few MiB of entries and given back, so that nobody waits long.
//!
//! Their buffers are all the memory that unpacking takes, whatever the archives' sizes. With more cores each is smaller,
//! and more entries are streamed.
//!
//! A tar needs none. It is inflated by the thread that receives it, as fast as it comes; holding an inflater while the
//! network is slow, it would keep the cores from others. Receiving is bounded by a gate of its own.

use super::inflater::Inflater;
use crate::fetch::error::UnpackError;
use crate::fetch::unpack::stopped;
use crate::gate::Gate;
use crate::scope::Scope;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

/// Bytes in the buffers of all inflaters: half of what the agent may take at all.
const MEMORY: u64 = 24 << 20;
/// However many cores there are, each has a buffer of this many bytes.
const LEAST: u64 = 256 << 10;

/// See the module's text.
pub(in crate::fetch::unpack) struct Inflaters {
    count: usize,
    gate: Gate,
    idle: Mutex<Vec<Inflater>>,
}

impl Inflaters {
    /// The only ones that a program needs.
    pub(super) fn of_this_process() -> &'static Self {
        static ALL: LazyLock<Inflaters> =
            LazyLock::new(|| Inflaters::new(available_parallelism().map_or(1, Into::into)));
        &ALL
    }

    /// So many, at least one.
    pub(in crate::fetch::unpack) fn new(count: usize) -> Self {
        let count = count.max(1);
        Self { count, gate: Gate::new(count), idle: Mutex::default() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes in the buffer of one.
    pub(super) fn memory_of_one(&self) -> u64 {
        (MEMORY / self.count as u64).max(LEAST)
    }

    /// Waits for one and does `work` with it.
    ///
    /// # Errors
    /// `scope` was stopped, or what `work` says.
    pub(super) fn with_one<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut Inflater) -> Result<T, UnpackError>,
    ) -> Result<T, UnpackError> {
        let _permit = self.gate.enter(scope).ok_or_else(stopped)?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let left = idle().pop();
        let mut inflater = left.unwrap_or_else(Inflater::new);
        let done = work(&mut inflater);
        idle().push(inflater);
        done
    }
}
