//! What a registry does wrong, when, and how often.

use super::http::{Answer, Asked};
use std::fmt;
use std::sync::Arc;

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// Stands in the request's method and path: `PATCH /v2/team/app/blobs/uploads/`.
    at: &'static str,
    /// So many such requests are served well before.
    after: usize,
    /// So many are served badly.
    times: usize,
    pub(crate) wrong: Wrong,
}

/// What is done instead of serving.
#[derive(Clone)]
pub(crate) enum Wrong {
    /// The request is read and answered so, and nothing is done.
    Answers(Answer),
    /// It is answered so before its body is read, and the connection ends.
    Interrupts(Answer),
    /// So many bytes of the request's body are read, and the connection ends.
    HangsUp { after: usize },
    /// The request is served; of the answer's body so many bytes go, and the connection ends.
    CutsOff { after: usize },
    /// The request is served, and the answer is changed.
    Changes(Arc<dyn Fn(&mut Answer) + Send + Sync>),
    /// The request is read, and nothing answers.
    Hangs,
    /// The request is served, but its body is read and the answer's written at some 100 KB a tenth of a second.
    Crawls,
    /// This is answered, or what is right; the head and so many bytes of the body go at once, or nothing (`None`), and the rest a
    /// byte a second.
    Trickles { answer: Option<Answer>, after: Option<usize> },
    /// Headers without end.
    EndlessHead,
    /// A status, and a body without end.
    EndlessBody(&'static str),
    /// What is no HTTP.
    Babbles,
}

impl fmt::Debug for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers(answer) => write!(out, "answers {}", answer.status),
            Self::Interrupts(answer) => write!(out, "interrupts with {}", answer.status),
            Self::HangsUp { after } => write!(out, "hangs up after {after}"),
            Self::CutsOff { after } => write!(out, "cuts off after {after}"),
            Self::Changes(_) => out.write_str("changes the answer"),
            Self::Hangs => out.write_str("hangs"),
            Self::Crawls => out.write_str("crawls"),
            Self::Trickles { after, .. } => write!(out, "trickles after {after:?}"),
            Self::EndlessHead => out.write_str("endless headers"),
            Self::EndlessBody(status) => write!(out, "{status} without end"),
            Self::Babbles => out.write_str("babbles"),
        }
    }
}

impl Wrong {
    pub(crate) fn changes(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Self {
        Self::Changes(Arc::new(change))
    }
}

impl Fault {
    /// Always, at requests in whose method and path `at` stands.
    pub(crate) fn at(at: &'static str, wrong: Wrong) -> Self {
        Self { at, after: 0, times: usize::MAX, wrong }
    }

    /// Only so many times.
    pub(crate) fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Only after so many such requests.
    pub(crate) fn after(self, after: usize) -> Self {
        Self { after, ..self }
    }

    /// Whether it is the turn of this request.
    pub(crate) fn meets(&mut self, asked: &Asked) -> bool {
        if !asked.line().contains(self.at) || self.times == 0 {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}
