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
use crate::handover::HandoverError;
use crate::image_handoff::{self, HandoffError};
use crate::placed_files::PlaceError;
use crate::plan::PlanError;
use crate::report::ReportError;
use crate::request::RequestError;
use crate::result_file::ResultError;
use crate::session::scope::Stopped;
use crate::staging::StagingError;
use http_client::{ClientError, TrustError};
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;
use shared_model::lifecycle::Lifecycle;
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
    /// A staging's by this lifecycle; `now` tells whether a signature has expired.
    pub(crate) fn from_staging(error: &StagingError, lifecycle: Lifecycle, now: Timestamp) -> Self {
        match error {
            StagingError::Dependencies(error) | StagingError::Action(error) => {
                from_action(error.first_cause(), lifecycle, now)
            }
            StagingError::Result(error) => from_result(error),
        }
    }

    /// The same in the words of the docker lifecycle, whose builder has a status of its own for an `image` (foreign text, empty
    /// where it is not known) that it cannot get.
    pub(crate) fn of_docker_app(self, error: &StagingError, image: &str) -> Self {
        match error {
            StagingError::Action(error) => match error.first_cause() {
                ActionError::Exited { path, status, exceeded: None } => {
                    builder::from_docker_status(path, *status, image).unwrap_or(self)
                }
                _ => self,
            },
            StagingError::Dependencies(_) | StagingError::Result(_) => self,
        }
    }

    /// `--report`, and nobody to report to.
    pub(crate) fn no_callback() -> Self {
        let text = "--report needs completion_callback_url in the request, and it is missing or empty";
        Self::new(ExitCode::Request, text, "leave out --report")
    }

    /// A Docker socket that buildpacks could open.
    pub(crate) fn open_socket() -> Self {
        let text = format!(
            "the Docker socket {} is open to the app's buildpacks: they could control the Docker Engine (root on the host)",
            image_handoff::SOCKET
        );
        let advice =
            "use `host-cli restage`, which mounts no socket; or leave `-v` out; or accept it with --trust-buildpacks";
        Self::new(ExitCode::CommandLine, text, advice)
    }

    /// The end came from outside.
    pub(crate) fn from_stop(reason: Stopped) -> Self {
        match reason {
            Stopped::Signal(SIGINT) => Self::new(ExitCode::Interrupted, "interrupted (SIGINT)", ""),
            Stopped::HostGone => Self::new(
                ExitCode::Terminated,
                "host-cli has stopped: standard input was closed, or silent for 25s",
                "stage again; do not suspend host-cli (Ctrl-Z) while it stages",
            ),
            Stopped::Signal(_) => Self::new(ExitCode::Terminated, "ended by SIGTERM", ""),
            Stopped::DeadlinePassed(limit) => from_time_limit(limit),
            // Whoever runs a program makes an end with a status of it.
            Stopped::DiskFull | Stopped::Codependent => {
                Self::new(ExitCode::Bug, "an action ended for no known reason", "")
            }
        }
    }

    /// What `cache verify` found; `None`: nothing that is wrong.
    pub(crate) fn from_verify(found: &Verified) -> Option<Self> {
        let Verified { all, damaged, others, unanswered } = *found;
        let count = |count: usize, what: &str| (count > 0).then(|| format!("{count} of {all} entries {what}"));
        let wrong: Vec<String> = [
            count(damaged, "were damaged and are removed"),
            count(others, "differ from their server's files and are removed"),
            count(unanswered, "could not be compared with their servers and are kept"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let advice = if unanswered > 0 {
            "see the warnings above; --ca FILE trusts the servers' authority, and on an engine --network NAME chooses their network"
        } else {
            "the next staging or `host-cli cache-up` fetches them again"
        };
        (!wrong.is_empty()).then(|| Self::new(ExitCode::Fetch, wrong.join("; "), advice))
    }

    /// The kernel refuses what the agent cannot do without.
    pub(crate) fn from_system(error: &io::Error) -> Self {
        let text = format!("the agent cannot drop its privileges or become a subreaper: {error}");
        Self::new(ExitCode::Bug, text, "use Linux 3.5 or later, and a container runtime that allows prctl")
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let advice = match &error {
            RequestError::Terminal => "pipe one in: build_req | docker run -i --rm --net hcf stager",
            RequestError::Unreadable { .. } => "name a file that exists and that the agent's user may read",
            RequestError::TooLong | RequestError::NotText(_) | RequestError::NotJson { .. } => {
                "pass a request as `build_req` prints it"
            }
        };
        Self::new(ExitCode::Request, with_causes(&error), advice)
    }
}

impl From<ValidationErrors> for Failure {
    fn from(errors: ValidationErrors) -> Self {
        let text = errors.to_string();
        let advice = if let Some(advice) = errors.advice() {
            advice
        } else if text.starts_with("empty:") {
            "pipe one in: build_req | docker run -i --rm --net hcf stager (docker passes standard input on with -i only)"
        } else {
            "pass a request as `build_req` prints it: the taskDefinition from the log of CF's stager component"
        };
        Self::new(ExitCode::Request, format!("the request cannot be used\n{text}"), advice)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::new(ExitCode::Request, error.to_string(), "`cf push` or `cf restage` makes a new request")
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        let advice = match error {
            PlaceError::Io { .. } => {
                "run the agent as root in a container that it can write to (docker run without --user and --read-only)"
            }
            PlaceError::NotEmpty { .. } => "mount nothing there (docker run -v), and use a root file system without it",
        };
        Self::new(ExitCode::CommandLine, with_causes(&error), advice)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let advice = match error {
            ClientError::Trust(TrustError::Library { .. }) => "install the package ca-certificates in the container",
            ClientError::Trust(TrustError::BadBlocks { .. }) => {
                "mend the block or take it out; `openssl x509 -in FILE -text` shows a certificate"
            }
            ClientError::Trust(TrustError::Own(_)) => {
                "give PEM files with --cert and --key (or both in one with --cert), the key without passphrase; they must \
                 exist in the container (docker run -v)"
            }
            ClientError::Trust(_) => "give a PEM file with --ca; it must exist in the container (docker run -v)",
            ClientError::Proxy(_) => "only HTTP proxies are supported: http://HOST:PORT (docker run -e)",
        };
        Self::new(ExitCode::CommandLine, with_causes(&error), advice)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let advice = "Cloud Controller still waits for this staging; `cf push` or `cf restage` starts another";
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
                "the stager image is incomplete; rebuild it with docker/build",
            ),
            HandoffError::Silent { .. } => Self::new(ExitCode::Image, error.to_string(), ""),
        }
    }
}

impl From<HandoverError> for Failure {
    fn from(error: HandoverError) -> Self {
        let advice = match error {
            HandoverError::NotEmpty(_) | HandoverError::Anothers(_) => {
                "mount an empty folder of root's there, and a new one for each staging"
            }
            HandoverError::Io { .. } => "let the agent write there as root, and look whether the disk is full",
        };
        Self::new(ExitCode::Image, with_causes(&error), advice)
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        let advice = match &error {
            CacheError::Stopped(why) => return Self::from_stop(*why),
            CacheError::NoSuchKey { .. } => {
                return Self::new(ExitCode::CommandLine, error.to_string(), "`cache list` shows the keys");
            }
            CacheError::AmbiguousKey { .. } => {
                return Self::new(ExitCode::CommandLine, error.to_string(), "give more of the key");
            }
            CacheError::NotOurs { .. } => "run the agent as root (docker run --user root), with a Docker volume",
            CacheError::Unusable { .. } => "give --cache an empty directory, or an existing cache",
            CacheError::TooNew { .. } => "use a newer stager image, or remove the cache with `docker volume rm`",
            CacheError::TooLarge { .. } => "allow more with --cache-limit",
            CacheError::Io { .. } => "make room in the cache's volume, and let the agent write there",
        };
        Self::new(ExitCode::Fetch, with_causes(&error), advice)
    }
}

fn from_result(error: &ResultError) -> Failure {
    let advice = match error {
        ResultError::NotTaken { .. } => transfer::NOT_TAKEN,
        _ => "the builder writes it last; see the builder's output above",
    };
    Failure::new(ExitCode::Builder, with_causes(error), advice)
}

fn from_action(error: &ActionError, lifecycle: Lifecycle, now: Timestamp) -> Failure {
    match error {
        ActionError::Stopped(reason) => Failure::from_stop(*reason),
        ActionError::TimedOut { limit, during: _ } => from_time_limit(*limit),
        ActionError::Exited { path, status, exceeded } => builder::from_status(path, *status, *exceeded, lifecycle),
        ActionError::Run(error) => builder::from_run(error),
        ActionError::User(error) => builder::from_user(error),
        ActionError::Checksum { .. } => Failure::new(ExitCode::Request, error.to_string(), ""),
        ActionError::Expired(missing) => transfer::from_expired(missing),
        ActionError::NotKept => {
            Failure::new(ExitCode::Fetch, error.to_string(), "see the warning above; --cache-limit allows more")
        }
        ActionError::Fetch(error) => transfer::from_fetch(error, now),
        ActionError::Upload(error) => transfer::from_upload(error, now),
        ActionError::CodependentEnded => {
            Failure::new(ExitCode::Builder, "one of the codependent actions ended, so the others were stopped", "")
        }
        ActionError::NoThread(_) => Failure::new(
            ExitCode::Bug,
            error.to_string(),
            "allow the container more processes (docker run --pids-limit; in a cluster the nodes' podPidsLimit)",
        ),
        ActionError::Several(_) => Failure::new(ExitCode::Bug, error.to_string(), ""),
    }
}

fn from_time_limit(limit: std::time::Duration) -> Failure {
    Failure::new(
        ExitCode::Timeout,
        format!("staging took longer than the request's time limit of {}", size::go_duration(limit)),
        "see above what took so long; the limit is Cloud Controller's staging.timeout_in_seconds, and a new push makes a \
         request with it",
    )
}

#[cfg(test)]
mod tests;
