//! What a staging says and how it ends, wherever it is carried out: bytes → `stream` → `heard` → `verdict`. Nothing that comes out
//! of a container is believed further than it has to be. Pure.

mod heard;
pub(crate) mod stream;
mod verdict;

pub(crate) use heard::Heard;
#[cfg(any(fuzzing, test))]
pub(crate) use heard::shown;
pub(crate) use verdict::{Staged, Subject, verdict};
