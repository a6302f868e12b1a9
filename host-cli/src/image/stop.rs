//! Ends the making of an image early. What it reads then is an error, so an engine that is being sent something gets no
//! end of it, and takes nothing.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by those who make an image and those who may not want it any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on.
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was said.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A reader that fails from then on.
    pub(super) fn over<R: Read + Send>(&self, inner: R) -> impl Read + Send + use<R> {
        Stoppable { inner, stop: self.clone() }
    }
}

struct Stoppable<R> {
    inner: R,
    stop: Stop,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_stopped() {
            return Err(io::Error::other("it was ended early"));
        }
        self.inner.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_can_be_read_no_further() {
        let stop = Stop::default();
        let mut reader = stop.over(io::repeat(1));
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 8);
        stop.stop();
        reader.read(&mut [0; 8]).unwrap_err();
    }
}
