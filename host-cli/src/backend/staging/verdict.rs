//! What was heard and how the container ended → whether the app is staged, and if not, why.

use super::heard::{Heard, OtherProtocol};
use crate::failure::Failure;
use shared_model::event::PROTOCOL;
use shared_model::exit_code::ExitCode;

/// What went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staged {
    /// The staging.
    Wholly,
    /// The agent's help, which was all that it had been asked for.
    Help,
}

/// What a verdict tells of the staging, besides what was heard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject<'a> {
    /// The stager image's name.
    pub(crate) image: &'a str,
    /// The request's memory in MiB; 0: nobody bounds it.
    pub(crate) memory_mb: i32,
    /// The user asked the agent for its help; then it need not stage.
    pub(crate) for_help: bool,
}

const REBUILD: &str = "rebuild the stager image with `docker/build`, from the same version as host-cli";

const KILLED_BY: &str =
    "somebody ended it (`docker kill`, `docker stop`), or its engine or node was stopped: restage once more";

const AGENTS_OPTIONS: &str = "`host-cli restage APP -- --help` lists what may follow `--`; if nothing did, the stager image is \
                              of another version: `docker/build` makes it anew";

/// How the agent says that a builder was ended for want of memory.
const AGENTS_WORD: &str = " (out of memory)";

/// The verdict; `status` is `None` where the container still runs.
pub(crate) fn verdict(
    heard: Heard,
    status: Option<i64>,
    out_of_memory: bool,
    subject: Subject<'_>,
) -> Result<Staged, Failure> {
    let image = subject.image;
    if let Some(protocol) = heard.other_protocol {
        let speaks = match protocol {
            OtherProtocol::Numbered(its) => format!("speaks protocol {its}"),
            OtherProtocol::None => "does not begin with a hello".to_owned(),
        };
        let text = format!("the agent in {image} {speaks}; this host-cli uses protocol {PROTOCOL}");
        return Err(Failure::new(ExitCode::Engine, text, REBUILD));
    }
    if let Some((code, text, advice)) = heard.failed {
        // The exit status is the engine's word, the event only the container's.
        let code = status.and_then(failing).or_else(|| failing(i64::from(code))).unwrap_or(ExitCode::Bug);
        return Err(with_memory(Failure::new(code, text, advice), out_of_memory, subject));
    }
    match status {
        Some(0) if heard.greeted => Ok(Staged::Wholly),
        None if heard.stays => Ok(Staged::Wholly),
        Some(0) if subject.for_help => Ok(Staged::Help),
        Some(0) => {
            let text = format!("{image} ended without output that host-cli understands");
            Err(Failure::new(ExitCode::Engine, text, REBUILD))
        }
        Some(status) => Err(with_memory(unexplained(status, heard.greeted, image), out_of_memory, subject)),
        None => Err(Failure::new(ExitCode::Bug, "the staging container was lost", "please report this")),
    }
}

/// The agent explains its failures; this one was ended from outside, or was never the agent.
fn unexplained(status: i64, greeted: bool, image: &str) -> Failure {
    const KILLED: i64 = 137;
    match failing(status) {
        // Said on standard error before the stream began.
        Some(code) => {
            let text = format!("the agent in {image} ended with status {status}");
            let advice = if code == ExitCode::CommandLine { AGENTS_OPTIONS } else { "" };
            Failure::new(code, text, advice)
        }
        None if status == KILLED => {
            Failure::new(ExitCode::Engine, "the staging container was killed (status 137)", KILLED_BY)
        }
        None if greeted => {
            let text = format!("the agent in {image} ended with status {status} and did not say why");
            Failure::new(ExitCode::Bug, text, "report it with the lines above")
        }
        None => Failure::new(ExitCode::Engine, format!("{image} ended with status {status}"), REBUILD),
    }
}

fn failing(status: i64) -> Option<ExitCode> {
    ExitCode::from_number(status).filter(|code| *code != ExitCode::Success)
}

/// Out of memory by the engine's word, or by the agent's, where the kernel ended a builder and not the agent: Podman tells of
/// the first process only.
fn with_memory(failure: Failure, out_of_memory: bool, subject: Subject<'_>) -> Failure {
    let by_the_agent = subject.memory_mb > 0 && failure.text.contains(AGENTS_WORD);
    if !out_of_memory && !by_the_agent {
        return failure;
    }
    // Once is enough.
    let said = failure.text.replace(AGENTS_WORD, "");
    let text = format!("{said}; out of memory (memory_mb={})", subject.memory_mb);
    let advice =
        "give it more: `host-cli build-req APP >r.json`, raise memory_mb in it, `host-cli restage --request r.json`";
    let code = if failure.code == ExitCode::Engine { ExitCode::Builder } else { failure.code };
    Failure { code, text, advice: advice.to_owned() }
}
