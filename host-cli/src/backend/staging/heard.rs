//! What is remembered of what the agent says, and what of it is shown.

use super::stream::Said;
use shared_model::event::{Event, Step, Stream};
use shared_model::size;
use std::ops::ControlFlow;

/// In whose name foreign lines are shown.
const FOREIGN: &str = "stager";

/// How a stream begins that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherProtocol {
    /// With a `hello` of another number.
    Numbered(u32),
    /// With something else.
    None,
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Whether the user wants the container to be kept; a container that was not asked does not decide to stay.
    pub(crate) may_stay: bool,
    /// Whether anything of our protocol was said.
    pub(crate) greeted: bool,
    /// The first failure: code, text, advice.
    pub(crate) failed: Option<(u8, String, String)>,
    /// The container is ready for its visitor.
    pub(crate) stays: bool,
    /// It speaks otherwise; how.
    pub(crate) other_protocol: Option<OtherProtocol>,
}

impl Heard {
    /// Takes something in, and shows it where it may be shown. `Break`: nothing more need be heard.
    pub(crate) fn take(&mut self, said: Said, show: &mut dyn FnMut(Event)) -> ControlFlow<()> {
        match said {
            Said::Greeting => self.greeted = true,
            Said::Event(event) => return self.event(event, show),
            Said::Foreign { stream, text } => show(Event::Line { source: FOREIGN.to_owned(), stream, text }),
            Said::TooLong { bytes } => show(Event::Line {
                source: FOREIGN.to_owned(),
                stream: Stream::Err,
                text: format!("(a line of {} was left out)", size::bytes(u64::try_from(bytes).unwrap_or(u64::MAX))),
            }),
            Said::OtherProtocol { protocol } => {
                self.other_protocol = Some(protocol.map_or(OtherProtocol::None, OtherProtocol::Numbered));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Only what is the agent's to say passes: the stream's first and last word, images and apps, and what becomes of
    /// images elsewhere, are the host's.
    fn event(&mut self, event: Event, show: &mut dyn FnMut(Event)) -> ControlFlow<()> {
        match event {
            // A container that stays says that it does, and then how it ended; nothing comes after that.
            Event::Failed { code, text, advice } => {
                self.failed.get_or_insert((code, text, advice));
                return self.last_word();
            }
            Event::Done { .. } => return self.last_word(),
            Event::Kept { seconds } if self.may_stay => {
                self.stays = true;
                show(Event::Kept { seconds });
            }
            Event::Hello { .. }
            | Event::Kept { .. }
            | Event::NotDone { .. }
            | Event::Image { .. }
            | Event::Launching { .. }
            | Event::Running { .. }
            | Event::Next { .. }
            | Event::AppEnded { .. }
            | Event::Exporting { .. }
            | Event::ExportProgress { .. }
            | Event::Exported { .. }
            | Event::Pulling { .. }
            | Event::PullProgress { .. }
            | Event::Pulled { .. }
            | Event::Pushing { .. }
            | Event::PushProgress { .. }
            | Event::Pushed { .. } => {}
            Event::StepStarted { step } | Event::StepEnded { step, .. } if !is_agents(step) => {}
            other => show(other),
        }
        ControlFlow::Continue(())
    }

    fn last_word(&self) -> ControlFlow<()> {
        if self.stays { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Whether the agent goes this stretch of the session.
fn is_agents(step: Step) -> bool {
    match step {
        Step::Fetch | Step::Build | Step::Upload => true,
        Step::Image | Step::Export | Step::Push | Step::Launch | Step::Stop | Step::Delete => false,
    }
}

/// What of all that came out is shown.
#[cfg(any(fuzzing, test))]
pub(crate) fn shown(said: Vec<Said>) -> Vec<Event> {
    let (mut heard, mut shown) = (Heard::default(), Vec::new());
    for said in said {
        if heard.take(said, &mut |event| shown.push(event)).is_break() {
            break;
        }
    }
    shown
}
