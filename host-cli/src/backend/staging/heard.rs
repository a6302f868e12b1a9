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

    /// Only what is the agent's to say passes.
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
            event if may_pass(&event) => show(event),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn last_word(&self) -> ControlFlow<()> {
        if self.stays { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Whether an event is the agent's to say, as it stands. The stream's first and last word, images and apps, what becomes of images
/// elsewhere, and what is ended or removed, are the host's. Of a new event the compiler asks whose it is.
fn may_pass(event: &Event) -> bool {
    match event {
        Event::StepStarted { step } | Event::StepEnded { step, .. } => is_agents(*step),
        Event::Staging { .. }
        | Event::Downloading { .. }
        | Event::DownloadProgress { .. }
        | Event::Downloaded { .. }
        | Event::Cached { .. }
        | Event::Retrying { .. }
        | Event::Progress { .. }
        | Event::RunStarted { .. }
        | Event::Line { .. }
        | Event::RunEnded { .. }
        | Event::Uploading { .. }
        | Event::Uploaded { .. }
        | Event::UploadSkipped { .. }
        | Event::Ignored { .. }
        | Event::Warning { .. }
        | Event::Note { .. }
        | Event::Result { .. }
        | Event::DockerImage { .. }
        | Event::Droplet { .. } => true,
        Event::Hello { .. }
        | Event::NotDone { .. }
        | Event::Kept { .. }
        | Event::Image { .. }
        | Event::Exporting { .. }
        | Event::ExportProgress { .. }
        | Event::Exported { .. }
        | Event::Pushing { .. }
        | Event::PushProgress { .. }
        | Event::Pushed { .. }
        | Event::AppEnded { .. }
        | Event::Pulling { .. }
        | Event::PullProgress { .. }
        | Event::Pulled { .. }
        | Event::Launching { .. }
        | Event::Running { .. }
        | Event::Stopped { .. }
        | Event::Deleted { .. }
        | Event::Next { .. }
        | Event::Failed { .. }
        | Event::Done { .. } => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each event that the documentation knows; a test of the shared model sees that it knows all.
    fn documented() -> Vec<Event> {
        let lines = include_str!("../../../../docs/events.md").lines().filter(|line| line.starts_with("{\"event\""));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_container_says_what_an_agent_does_and_nothing_of_the_hosts() {
        let said = documented().into_iter().map(Said::Event).collect();
        let mut names: Vec<String> =
            shown(said).iter().map(|event| event.to_json_line().split('"').nth(3).unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        let agents = [
            "cached",
            "docker_image",
            "download_progress",
            "downloaded",
            "downloading",
            "droplet",
            "ignored",
            "line",
            "note",
            "progress",
            "result",
            "retrying",
            "run_ended",
            "run_started",
            "staging",
            "step_ended",
            "step_started",
            "upload_skipped",
            "uploaded",
            "uploading",
            "warning",
        ];
        assert_eq!(names, agents);
    }
}
