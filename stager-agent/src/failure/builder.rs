//! Words for what goes wrong with the builder.

use super::unhappy_end::Failure;
use crate::actions::LimitExceeded;
use crate::build::process::RunError;
use crate::build::user::UserError;
use crate::causes::with_causes;
use shared_model::exit_code::ExitCode;
use shared_model::lifecycle::Lifecycle;
use shared_model::plain_line::escape_control;

/// What SIGKILL makes of an exit status.
const KILLED: i32 = 137;

/// A program of this lifecycle that ended with another status than 0.
pub(super) fn from_status(path: &str, status: i32, exceeded: Option<LimitExceeded>, lifecycle: Lifecycle) -> Failure {
    let program = path.rsplit('/').next().unwrap_or(path);
    let code = ExitCode::from_builder_status(status, lifecycle);
    if exceeded == Some(LimitExceeded::Disk) {
        let text =
            format!("{program} and its programs wrote more than the request's disk_mb allows: disk quota exceeded");
        return Failure::new(code, text, DISK);
    }
    let (what, advice) = match (code, status) {
        (ExitCode::BuildersOwn(own), _) => (lifecycle.builder_failure(own).unwrap_or_default(), advice(own)),
        (_, KILLED) => ("the builder was killed, most likely because memory ran out", MEMORY),
        _ => ("", ABOVE),
    };
    let advice = if exceeded == Some(LimitExceeded::Memory) { MEMORY } else { advice };
    let ended = format!("{program} ended with status {status}{}", LimitExceeded::behind_status(exceeded));
    let text = if what.is_empty() { ended } else { format!("{what} ({ended})") };
    Failure::new(code, text, advice)
}

/// The docker lifecycle's builder, where it does not get at its image; `None` for its other statuses.
pub(super) fn from_docker_status(path: &str, status: i32, image: &str) -> Option<Failure> {
    const NO_IMAGE: i32 = 2;
    let program = path.rsplit('/').next().unwrap_or(path);
    let named = if image.is_empty() { String::new() } else { format!(" {}", escape_control(image)) };
    let text = format!(
        "the builder cannot read the app's image{named} in its registry ({program} ended with status {status})"
    );
    let advice = "see its output above: is the image there, does it need a login (cf push --docker-username), and does the \
                  container reach the registry (--add-host, --dns; on an engine --network)?";
    (status == NO_IMAGE).then(|| Failure::new(ExitCode::Builder, text, advice))
}

/// What to try after one of the builders' own codes.
fn advice(code: u8) -> &'static str {
    match code {
        222 | 233 => {
            "name a buildpack (cf push -b), or look whether the package holds what it looks for: package.json, Gemfile, Staticfile, …"
        }
        232 => {
            "see the builder's output above; the login for a private registry is what CNB_REGISTRY_CREDS held for `cf push`: \
             {\"HOST\":{\"username\":…,\"password\":…}} or {\"HOST\":{\"token\":…}}"
        }
        236 => {
            "give the instance identity that you have (`host-cli restage --instance-cert --instance-key`), or set the app's \
             variable CREDHUB_SKIP_INTERPOLATION=true"
        }
        _ => ABOVE,
    }
}

const MEMORY: &str = "give the container more memory: with host-cli raise memory_mb in the request (`host-cli build-req APP >r.json`, \
     `host-cli restage --request r.json`), else docker run --memory";
/// For whoever runs into `disk_mb`.
pub(super) const DISK: &str =
    "raise disk_mb in the request (`host-cli build-req APP >r.json`, `host-cli restage --request r.json`)";
const ABOVE: &str = "see the builder's output above";

/// A program that could not be run.
pub(super) fn from_run(error: &RunError) -> Failure {
    let advice = match error {
        RunError::Missing(_) => "check that the request's lifecycle comes from the right file server",
        RunError::NoInterpreter(_) | RunError::Start { .. } => {
            "it must be made for this processor and root file system, and be executable by the user; the container needs \
             the capabilities SETUID and SETGID"
        }
        RunError::NoDirectory { .. } => {
            "use a root file system with this directory; the request names it, or it is the user's home"
        }
        RunError::LeftBehind(_) => {
            "its results are not used, because these processes could change them; they end with the container \
             (`docker rm -f`, `kubectl delete job`)"
        }
        RunError::Watch { .. } | RunError::Immortal(_) => "",
    };
    Failure::new(ExitCode::Builder, with_causes(error), advice)
}

/// A user that cannot be had.
pub(super) fn from_user(error: &UserError) -> Failure {
    let advice = match error {
        UserError::Unknown(_) => {
            "use a root file system that knows the user (docker/build makes one with vcap)".to_owned()
        }
        UserError::Unreadable(_) => String::new(),
        UserError::OutOfReach { name, .. } => format!("start the container as root, or with --user {name}"),
    };
    Failure::new(ExitCode::Builder, with_causes(error), advice)
}
