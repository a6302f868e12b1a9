//! How long a transfer waits for what, and where that is not Diego's number.

use std::time::Duration;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a name, and for a connection with TLS and all.
    pub(crate) connect: Duration,
    /// For the next bytes, while a body moves in either direction. Diego: 10 s, which a busy blobstore may exceed.
    pub(crate) idle: Duration,
    /// For an answer after a body was sent: cc-uploader answers when Cloud Controller's job is done. Diego: 10 min.
    pub(crate) answer: Duration,
    /// Before the second try; the third waits four times as long.
    pub(crate) back_off: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            answer: Duration::from_secs(600),
            back_off: Duration::from_millis(500),
        }
    }
}
