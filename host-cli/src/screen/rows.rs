//! The usual screen: a heading, a row a step, the builder's lines in their middle, and as the last line what is next.

use crate::screen::apps::Apps;
use crate::screen::headings::heading;
use crate::screen::lines::{Line, Teller};
use crate::screen::look::{Look, Mark, bold, size_in_row};
use crate::screen::told::{by_the_way, told};
use crate::screen::transfers::{Fetched, Sent};
use console::measure_text_width;
use shared_model::event::{Event, Purpose, Step};
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;
use std::time::Duration;

/// Characters of a digest that are shown: as many as tell one from another.
const DIGEST: usize = "sha256:".len() + 12;

/// So many notes wait for the heading.
const MOST_EARLY: usize = 64;

/// What is remembered of a session until its row is due.
pub(super) struct Rows {
    look: Look,
    /// Whether there is a heading.
    is_headed: bool,
    /// Notes that come before the heading stand below it; `None`: the heading is there, or something else.
    early: Option<Vec<Line>>,
    /// The step that is under way.
    open: Option<Step>,
    /// A step that has ended, and what came of it is still to be told.
    ended: Option<(Step, u64)>,
    fetched: Fetched,
    sent: Sent,
    /// What a push sent.
    pushed: String,
    /// How many rows there are so far.
    count: usize,
    /// How long a kept container stays, in seconds.
    kept: Option<u64>,
    next: Vec<(Purpose, String)>,
    apps: Apps,
}

impl Rows {
    /// Of a session that is about to begin.
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            is_headed: false,
            early: Some(Vec::new()),
            open: None,
            ended: None,
            fetched: Fetched::default(),
            sent: Sent::default(),
            pushed: String::new(),
            count: 0,
            kept: None,
            next: Vec::new(),
            apps: Apps::default(),
        }
    }

    fn row(&mut self, mark: Mark, step: Step, text: &str, ms: Option<u64>) -> Line {
        self.count += 1;
        Line::out(self.look.row(mark, step, text, ms))
    }

    /// Takes what a later row tells; whether that is all there is to do.
    fn takes(&mut self, event: &Event) -> bool {
        match event {
            Event::StepStarted { step } => self.open = Some(*step),
            Event::Downloaded { name, to, bytes, .. } => self.fetched.downloaded(name, to, *bytes),
            Event::Pulled { image, bytes, .. } => self.fetched.downloaded(image, "", *bytes),
            Event::Cached { name, to, reason, .. } => self.fetched.cached(name, to, reason.as_deref()),
            Event::Uploaded { name, bytes, .. } => self.sent.uploaded(name, *bytes),
            Event::UploadSkipped { name, reason } => self.sent.skipped(name, reason),
            Event::Result { text } => self.sent.result(text),
            Event::Kept { seconds } => self.kept = Some(*seconds),
            Event::Next { purpose, command } => self.next.push((*purpose, escape_control_in_line(command))),
            Event::Pushed { reference, digest, bytes, layers_pushed, layers_existing, ms: _ } => {
                let (reference, digest) = (escape_control_in_line(reference), escape_control_in_line(digest));
                let layers = |count: u64| format!("{count} {}", if count == 1 { "layer" } else { "layers" });
                let sent = match (*layers_pushed, *layers_existing) {
                    (0, there) => format!("{} there already", layers(there)),
                    (sent, 0) => format!("{} sent, {}", layers(sent), size_in_row(*bytes)),
                    (sent, there) => {
                        format!("{} sent, {}; {} there already", layers(sent), size_in_row(*bytes), layers(there))
                    }
                };
                self.pushed = format!("{reference}@{digest}  {sent}");
            }
            Event::AppEnded { .. } => self.apps.note(event),
            // What Diego says in an app's log the rows and the error say too.
            Event::Hello { .. }
            | Event::Downloading { .. }
            | Event::DownloadProgress { .. }
            | Event::ExportProgress { .. }
            | Event::PushProgress { .. }
            | Event::Pulling { .. }
            | Event::PullProgress { .. }
            | Event::Progress { .. }
            | Event::RunStarted { .. }
            | Event::RunEnded { status: 0, .. }
            | Event::Uploading { .. } => {}
            _ => return false,
        }
        true
    }

    /// The row of a step that has ended, for which nothing more comes.
    fn due(&mut self, lines: &mut Vec<Line>) {
        let Some((step, ms)) = self.ended.take() else { return };
        let text = match step {
            Step::Fetch => std::mem::take(&mut self.fetched).text(),
            Step::Upload => self.sent.text(None),
            Step::Push => std::mem::take(&mut self.pushed),
            Step::Build | Step::Image | Step::Export | Step::Launch | Step::Stop | Step::Delete => String::new(),
        };
        lines.push(self.row(Mark::Done, step, &text, Some(ms)));
    }

    /// The row of what came of a step.
    fn outcome(&mut self, step: Step, mark: Mark, text: &str) -> Line {
        let ms = self.ended.take_if(|(ended, _)| *ended == step).map(|(_, ms)| ms);
        self.row(mark, step, text, ms)
    }

    /// What stands in a row of its own; `None` for what stands elsewhere.
    fn came_of_it(&mut self, event: &Event) -> Option<Line> {
        Some(match event {
            Event::Droplet { bytes, uploaded, .. } => {
                let mark = if self.sent.is_skipped() || !uploaded { Mark::Skipped } else { Mark::Done };
                let text = self.sent.text(Some((*bytes, *uploaded)));
                self.outcome(Step::Upload, mark, &text)
            }
            Event::Image { name, bytes, id: _ } => {
                let text = format!("{}  {}", escape_control_in_line(name), size_in_row(*bytes));
                self.outcome(Step::Image, Mark::Done, &text)
            }
            Event::Exported { path, bytes, digest, kind: _ } => {
                let path = if path == "-" { "standard output" } else { path };
                let digest: String = digest.chars().take(DIGEST).collect();
                let (path, digest) = (escape_control_in_line(path), escape_control_in_line(&digest));
                self.outcome(Step::Export, Mark::Done, &format!("{path}  {}  {digest}", size_in_row(*bytes)))
            }
            Event::Running { url, name, container } => {
                // In a cluster it is no container.
                let what = if container.is_empty() { "" } else { "container " };
                let name = escape_control_in_line(if name.is_empty() { container } else { name });
                let text = format!("{}  {what}{name}", escape_control_in_line(url));
                self.outcome(Step::Launch, Mark::Done, text.trim_start())
            }
            Event::Stopped { app_name, process, index, name, ms, app_guid: _ } => {
                let clean = |text: &str| escape_control_in_line(text);
                let text = format!("{} {}/{index}  {}", clean(app_name), clean(process), clean(name));
                self.row(Mark::Done, Step::Stop, &text, Some(*ms))
            }
            Event::Deleted { kind, name, app_name: _, app_guid: _ } => {
                let text = format!("{} {}", escape_control_in_line(kind), escape_control_in_line(name));
                self.row(Mark::Done, Step::Delete, &text, None)
            }
            _ => return None,
        })
    }

    /// The last lines of a session that went well.
    fn done(&mut self, ms: u64, lines: &mut Vec<Line>) {
        lines.extend(self.apps.table(self.look).map(Line::out));
        let next = self.next_commands();
        // One row has said how long it took.
        if self.count == 1 {
            return lines.extend(next.into_iter().map(Line::out));
        }
        let done = format!("Done in {}.", size::seconds(Duration::from_millis(ms)));
        match &next[..] {
            [one] if self.fits(&format!("{done}  {one}")) => lines.push(Line::out(format!("{done}  {one}"))),
            _ => lines.extend([done].into_iter().chain(next).map(Line::out)),
        }
    }

    fn failed(&mut self, event: &Event, lines: &mut Vec<Line>) {
        if let Some(step) = self.open.take() {
            lines.push(self.row(Mark::Failed, step, "", None));
        }
        lines.extend(self.apps.table(self.look).map(Line::out));
        lines.extend(told(event).map(|line| line.broken_at_words(self.look)));
        lines.extend(self.next_commands().into_iter().map(Line::out));
    }

    fn next_commands(&mut self) -> Vec<String> {
        let kept = self.kept.take().map(|seconds| size::go_duration(Duration::from_secs(seconds)));
        let line = |(purpose, command): (Purpose, String)| match (&kept, purpose) {
            (Some(time), Purpose::LookInside) => {
                format!("The container stays for {time}.\n{}: {}", purpose.label(), bold(&command))
            }
            _ => format!("{}: {}", purpose.label(), bold(&command)),
        };
        self.next.drain(..).map(line).collect()
    }

    fn fits(&self, text: &str) -> bool {
        self.look.width.is_none_or(|width| measure_text_width(text) <= width)
    }

    /// What `event` adds to what is due before it.
    fn add(&mut self, event: &Event, lines: &mut Vec<Line>) {
        match event {
            Event::StepEnded { step, ms } => {
                self.open.take_if(|open| open == step);
                self.ended = Some((*step, *ms));
                if matches!(step, Step::Fetch | Step::Build | Step::Push) {
                    self.due(lines);
                }
            }
            Event::Done { ms } => self.done(*ms, lines),
            Event::Failed { .. } => self.failed(event, lines),
            Event::Note { .. }
            | Event::DockerImage { .. }
            | Event::NotDone { .. }
            | Event::Ignored { .. }
            | Event::Retrying { .. } => {
                lines.extend(by_the_way(event).map(|line| line.broken_at_words(self.look)));
            }
            Event::RunEnded { ms, .. } => {
                let failed = self.open.take().map(|step| self.row(Mark::Failed, step, "", Some(*ms)));
                lines.extend(failed);
            }
            Event::Line { .. } => {
                lines.extend(told(event).map(|line| Line { text: format!("  {}", line.text), ..line }));
            }
            _ => lines.extend(told(event).map(|line| line.broken_at_words(self.look))),
        }
    }
}

impl Teller for Rows {
    fn tell(&mut self, event: &Event) -> Vec<Line> {
        if let Some(heading) = heading(event) {
            // A push that follows something else is no beginning; each process that is launched is one.
            let is_first = !std::mem::replace(&mut self.is_headed, true) || matches!(event, Event::Launching { .. });
            let heading = is_first.then(|| Line::out(heading.text(self.look)));
            return heading.into_iter().chain(self.early.take().unwrap_or_default()).collect();
        }
        if self.takes(event) {
            return Vec::new();
        }
        if let (Some(early), Event::Note { .. } | Event::NotDone { .. }) = (&mut self.early, event) {
            let look = self.look;
            if early.len() < MOST_EARLY {
                early.extend(by_the_way(event).map(|line| line.broken_at_words(look)));
            }
            return Vec::new();
        }
        let mut lines = self.early.take().unwrap_or_default();
        if let Some(line) = self.came_of_it(event) {
            lines.push(line);
        } else {
            if !matches!(event, Event::Warning { .. } | Event::Note { .. } | Event::NotDone { .. }) {
                self.due(&mut lines);
            }
            self.add(event, &mut lines);
        }
        lines
    }
}

#[cfg(test)]
mod tests;
