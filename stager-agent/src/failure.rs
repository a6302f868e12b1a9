//! Every error → its exit code, what happened and with what, and what to try. All words for people are here.

mod builder;
mod cache_up;
mod transfer;
mod unhappy_end;

pub(crate) use cache_up::NotFetched;
pub(crate) use unhappy_end::Failure;

use crate::actions::ActionError;
use crate::cache::CacheError;
use crate::causes::with_causes;
use crate::fetch::{ClientError, TrustError};
use crate::image_handoff::{self, HandoffError};
use crate::plan::PlanError;
use crate::report::ReportError;
use crate::request::RequestError;
use crate::result_file::ResultError;
use crate::session::scope::Stopped;
use crate::staging::StagingError;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;
use shared_model::size;
use shared_model::validate::ValidationErrors;
use signal_hook::consts::SIGINT;
use std::io;

/// What `cache verify` found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Entries that were looked at.
    pub(crate) all: usize,
    /// Of these, removed since their bytes have changed.
    pub(crate) damaged: usize,
    /// Removed since their origin gives another archive.
    pub(crate) others: usize,
    /// That stay, though they were to be compared with their origin and could not be.
    pub(crate) unanswered: usize,
}

impl Failure {
    /// A staging's; `now` tells whether a signature has expired.
    pub(crate) fn from_staging(error: &StagingError, now: Timestamp) -> Self {
        match error {
            StagingError::Dependencies(error) | StagingError::Action(error) => from_action(error.first_cause(), now),
            StagingError::Result(error) => from_result(error),
        }
    }

    /// `--report`, and nobody to report to.
    pub(crate) fn no_callback() -> Self {
        let text = "completion_callback_url: missing or empty, so there is nobody to report to";
        Self::new(ExitCode::Request, text, "leave out --report")
    }

    /// A Docker socket that buildpacks could open.
    pub(crate) fn open_socket() -> Self {
        let text = format!(
            "{} is open to the app's buildpacks, which would make them root on the host",
            image_handoff::SOCKET
        );
        let advice =
            "`host-cli restage` gives the container no socket; here, leave out `-v`, or say --trust-buildpacks";
        Self::new(ExitCode::CommandLine, text, advice)
    }

    /// The end came from outside.
    pub(crate) fn from_stop(reason: Stopped) -> Self {
        match reason {
            Stopped::Signal(SIGINT) => Self::new(ExitCode::Interrupted, "interrupted (SIGINT)", ""),
            Stopped::HostGone => Self::new(
                ExitCode::Terminated,
                "the host-cli that started this is gone: its end of standard input was closed, or silent for 25s",
                "a host-cli that is stopped (Ctrl-Z) counts as gone, too; stage again",
            ),
            Stopped::Signal(_) => Self::new(ExitCode::Terminated, "ended by SIGTERM", ""),
            Stopped::DeadlinePassed(limit) => from_time_limit(limit),
            // Whoever runs a program makes an end with a status of it.
            Stopped::DiskFull | Stopped::Codependent => {
                Self::new(ExitCode::Bug, "an action was ended for no reason", "")
            }
        }
    }

    /// What `cache verify` found; `None`: nothing that is wrong.
    pub(crate) fn from_verify(found: &Verified) -> Option<Self> {
        let Verified { all, damaged, others, unanswered } = *found;
        let count = |count: usize, what: &str| (count > 0).then(|| format!("{count} of {all} entries {what}"));
        let wrong: Vec<String> = [
            count(damaged, "were damaged and are removed"),
            count(others, "are not what their origin gives and are removed"),
            count(unanswered, "could not be compared with their origin and stay"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let advice = if unanswered > 0 {
            "a warning above says why: `host-cli cache verify --origin --network NAME` names a network that knows the servers, \
             --ca an authority of theirs"
        } else {
            "the next staging fetches them again, and so does `host-cli cache-up`"
        };
        (!wrong.is_empty()).then(|| Self::new(ExitCode::Fetch, wrong.join("; "), advice))
    }

    /// The kernel refuses what the agent cannot do without.
    pub(crate) fn from_system(error: &io::Error) -> Self {
        let text = format!("the agent cannot give up its rights or become its children's reaper: {error}");
        Self::new(ExitCode::Bug, text, "which kernel and which container runtime is this? Linux 3.5 and later will do")
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let advice = match &error {
            RequestError::Terminal => "pipe one in: build_req | docker run -i --rm --net hcf stager",
            RequestError::Unreadable { .. } => "is the file there, and may the agent's user read it?",
            RequestError::TooLong | RequestError::NotText | RequestError::NotJson { .. } => {
                "the request is what `build_req` prints"
            }
        };
        Self::new(ExitCode::Request, with_causes(&error), advice)
    }
}

impl From<ValidationErrors> for Failure {
    fn from(errors: ValidationErrors) -> Self {
        let text = errors.to_string();
        let advice = if text.starts_with("empty:") {
            "pipe one in: build_req | docker run -i --rm --net hcf stager (docker passes standard input on with -i only)"
        } else {
            "the request is what `build_req` prints: the taskDefinition of a line in the stager's log"
        };
        Self::new(ExitCode::Request, format!("the request cannot be used\n{text}"), advice)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let advice = match error {
            PlanError::Docker => "run the image itself; of an app's requests, take one with a buildpack lifecycle",
            PlanError::NoAction | PlanError::NoDownloadUser => "a new push or `cf restage` writes a new request",
        };
        Self::new(ExitCode::Request, error.to_string(), advice)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let advice = match error {
            ClientError::Trust(TrustError::Own(_)) => {
                "--cert and --key take files in PEM form (or --cert one with both), a key without passphrase; they must be \
                 there inside the container (docker run -v)"
            }
            ClientError::Trust(_) => {
                "--ca takes a file in PEM form; it must be there inside the container (docker run -v)"
            }
            ClientError::Proxy(_) => "only HTTP proxies are known: http://HOST:PORT, or nothing at all (docker run -e)",
        };
        Self::new(ExitCode::CommandLine, with_causes(&error), advice)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let advice = "Cloud Controller still waits for this staging; a new push or `cf restage` starts another";
        Self::new(ExitCode::Upload, with_causes(&error), advice)
    }
}

impl From<HandoffError> for Failure {
    fn from(error: HandoffError) -> Self {
        match error {
            HandoffError::Failed { code, text, advice } => Self::new(code, text, advice),
            HandoffError::NotStarted { .. } => Self::new(
                ExitCode::Image,
                error.to_string(),
                "the stager image holds it beside the agent; rebuild it with docker/build",
            ),
            HandoffError::Silent { .. } => Self::new(ExitCode::Image, error.to_string(), ""),
        }
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        let advice = match &error {
            CacheError::Stopped(why) => return Self::from_stop(*why),
            CacheError::NotOurs { .. } => "run the agent as root (docker run --user root), on a volume of Docker's own",
            CacheError::Unusable { .. } => "--cache takes an empty directory, or one that was a cache before",
            CacheError::TooNew { .. } => {
                "a newer stager image understands it; `docker volume rm` makes room for an older one"
            }
            CacheError::TooLarge { .. } => "--cache-limit allows more",
            CacheError::Io { .. } => "is there room in the cache's volume, and may the agent write there?",
        };
        Self::new(ExitCode::Fetch, with_causes(&error), advice)
    }
}

fn from_result(error: &ResultError) -> Failure {
    let advice = match error {
        ResultError::NotTaken { .. } => transfer::NOT_TAKEN,
        _ => "the builder writes it last: what did it say?",
    };
    Failure::new(ExitCode::Builder, with_causes(error), advice)
}

fn from_action(error: &ActionError, now: Timestamp) -> Failure {
    match error {
        ActionError::Stopped(reason) => Failure::from_stop(*reason),
        ActionError::TimedOut { limit, during: _ } => from_time_limit(*limit),
        ActionError::Exited { path, status, exceeded } => builder::from_status(path, *status, *exceeded),
        ActionError::Run(error) => builder::from_run(error),
        ActionError::User(error) => builder::from_user(error),
        ActionError::Checksum { .. } => Failure::new(ExitCode::Request, error.to_string(), ""),
        ActionError::Expired(missing) => transfer::from_expired(missing),
        ActionError::NotKept => {
            Failure::new(ExitCode::Fetch, error.to_string(), "a warning above says why; --cache-limit allows more")
        }
        ActionError::Fetch(error) => transfer::from_fetch(error, now),
        ActionError::Upload(error) => transfer::from_upload(error, now),
        ActionError::CodependentEnded => Failure::new(
            ExitCode::Builder,
            "an action ended while others that depend on it still worked, so all were ended",
            "",
        ),
        ActionError::NoThread(_) => {
            Failure::new(ExitCode::Bug, error.to_string(), "the container allows too few processes (--pids-limit)")
        }
        ActionError::Several(_) => Failure::new(ExitCode::Bug, error.to_string(), ""),
    }
}

fn from_time_limit(limit: std::time::Duration) -> Failure {
    Failure::new(
        ExitCode::Timeout,
        format!("the request's time limit of {} ran out", size::go_duration(limit)),
        "see what took so long above; the limit is Cloud Controller's (staging.timeout_in_seconds), and a new push writes \
         a request with it",
    )
}

#[cfg(test)]
mod tests;
