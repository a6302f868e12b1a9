//! What lasts as long as the process: when to stop and who says so, where things are said, how many do the same at once.

pub(crate) mod lease;
pub(crate) mod linger;
pub(crate) mod scope;
pub(crate) mod screen;
pub(crate) mod semaphore;
pub(crate) mod steps;
