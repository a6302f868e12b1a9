//! Words for what goes wrong on the wire.

use super::builder;
use super::unhappy_end::Failure;
use crate::causes::with_causes;
use crate::dependencies::Missing;
use crate::fetch::{FetchError, TransferError};
use crate::unpack::UnpackError;
use crate::upload::UploadError;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;

const NEW_REQUEST: &str = "a new push or `cf restage` writes a request with fresh URLs";

/// Downloads that nobody gives any more, known before anything was done.
pub(super) fn from_expired(missing: &[Missing]) -> Failure {
    let line = |it: &Missing| {
        let name = match (it.name.as_str(), it.key.as_str()) {
            ("", "") => return format!("{}{}", it.from, expired_at(it.expired)),
            ("", one) | (one, "") => one.to_owned(),
            (name, key) => format!("{name} ({key})"),
        };
        format!("{name} from {}{}", it.from, expired_at(it.expired))
    };
    let lines: Vec<String> = missing.iter().map(line).collect();
    let text =
        format!("the URLs of the request have expired, and the cache has nothing for them\n{}", lines.join("\n"));
    let advice = format!("{NEW_REQUEST}; what `host-cli cache-up` fetched before they expire can be staged after that");
    Failure::new(ExitCode::Fetch, text, advice)
}

pub(super) fn from_fetch(error: &FetchError, now: Timestamp) -> Failure {
    let text = with_causes(error);
    let (text, advice) = match error {
        FetchError::Transfer { cause, from: _ } => {
            (text + &expiry(cause, now), from_transfer(cause, Direction::Down).to_owned())
        }
        FetchError::Checksum { .. } => {
            let advice = "it was changed after the request was written, or on its way: `cf restage` writes a new one";
            (text, advice.to_owned())
        }
        FetchError::Unpack { cause, .. } => (text, from_archive(cause)),
        FetchError::Copy { .. } => (text, "is there room in the cache's volume? --no-cache does without it".to_owned()),
        FetchError::Stopped { .. } => (text, String::new()),
    };
    Failure::new(ExitCode::Fetch, text, advice)
}

/// Of a file that is there, but is not what the builder was to write.
pub(super) const NOT_TAKEN: &str =
    "a builder leaves a file of its own there; a buildpack that puts something else in its place is not to be trusted";

pub(super) fn from_upload(error: &UploadError, now: Timestamp) -> Failure {
    let text = with_causes(error);
    let (text, advice) = match error {
        UploadError::File { .. } | UploadError::Empty { .. } => {
            (text, "the builder should have written it: what did it say?")
        }
        UploadError::NotTaken { .. } => (text, NOT_TAKEN),
        UploadError::Transfer { cause, .. } => (text + &expiry(cause, now), from_transfer(cause, Direction::Up)),
        UploadError::Stopped { .. } => (text, ""),
    };
    Failure::new(ExitCode::Upload, text, advice)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Down,
    Up,
}

/// ` (its signature expired at 2016-06-15 18:37:24 UTC)`; empty where that is not the reason.
fn expiry(cause: &TransferError, now: Timestamp) -> String {
    let TransferError::Refused { expires: Some(expires), status: _ } = cause else { return String::new() };
    if *expires <= now.as_second() { expired_at(*expires) } else { String::new() }
}

/// `second` is since 1970; empty where there is no such time.
fn expired_at(second: i64) -> String {
    let text = |end: Timestamp| format!(" (its signature expired at {})", end.strftime("%F %T UTC"));
    Timestamp::from_second(second).map_or(String::new(), text)
}

fn from_transfer(cause: &TransferError, direction: Direction) -> &'static str {
    let up = direction == Direction::Up;
    match cause {
        TransferError::Refused { .. } if !up => NEW_REQUEST,
        TransferError::NotFound if !up => {
            "it is gone from there, or another server answers under that name; a new push uploads it again"
        }
        TransferError::Refused { .. } | TransferError::NotFound | TransferError::Status { .. } if up => {
            "cc-uploader or Cloud Controller does not take it: their logs say why; a new push or `cf restage` writes a \
             request with new URLs"
        }
        TransferError::UnknownHost { .. } => {
            "a network that knows this name: restage --network NAME, or docker run --net NAME"
        }
        TransferError::Connect { .. } => {
            "is the service running, and on the container's network? restage --network NAME, or docker run --net NAME"
        }
        TransferError::Proxy { .. } => {
            "HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the container's environment say what goes through which proxy \
             (docker run -e; Docker takes them from ~/.docker/config.json)"
        }
        TransferError::OwnCertificate { .. }
        | TransferError::Downgrade { .. }
        | TransferError::UnknownAuthority { .. }
        | TransferError::WrongHost { .. }
        | TransferError::CertificateExpired { .. } => from_distrust(cause),
        TransferError::BadUrl => NEW_REQUEST,
        TransferError::TooLong { .. } => {
            "it moved, but slowly: --transfer-timeout gives it more time \
             (host-cli restage APP -- --transfer-timeout 2h)"
        }
        TransferError::Idle { .. } => {
            "is the server busy? its own log may say why; --idle-timeout waits longer \
             (host-cli restage APP -- --idle-timeout 2m)"
        }
        TransferError::Encoded { .. } => "the server, or a proxy before it, has to send archives as they are",
        TransferError::Refused { .. }
        | TransferError::NotFound
        | TransferError::Status { .. }
        | TransferError::Tls { .. }
        | TransferError::CutOff { .. }
        | TransferError::NotResumed { .. }
        | TransferError::Surplus { .. }
        | TransferError::Damaged { .. }
        | TransferError::Protocol { .. } => "restage once more; the server's own log may say why",
    }
}

/// Where one end does not know the other.
fn from_distrust(cause: &TransferError) -> &'static str {
    match cause {
        TransferError::OwnCertificate { .. } => {
            "restage --cert FILE --key FILE; docker run needs the files mounted, and both options behind the image"
        }
        TransferError::Downgrade { .. } => {
            "the server has to redirect to https; only requests that check no certificates follow it to http"
        }
        TransferError::UnknownAuthority { .. } => {
            "give the authority's certificate: restage --ca FILE; docker run needs the file mounted, \
             and --ca FILE behind the image"
        }
        TransferError::CertificateExpired { .. } => {
            "the server needs a new certificate; is this machine's clock right?"
        }
        _ => "another server answers under that name: is the container on the right network?",
    }
}

fn from_archive(cause: &UnpackError) -> String {
    let advice = match cause {
        UnpackError::Empty | UnpackError::NotAnArchive { .. } | UnpackError::Corrupt { .. } => {
            "it is broken where it comes from: upload it there anew (cf push, or cf update-buildpack)"
        }
        UnpackError::Escapes { .. } | UnpackError::Forbidden { .. } => {
            "such an archive is not unpacked: whoever made it has to make it anew"
        }
        UnpackError::LimitExceeded { bound, .. } => {
            let option = bound.option();
            return format!("{option} with more, if you trust its source (host-cli restage APP -- {option} …)");
        }
        UnpackError::DiskFull(_) => builder::DISK,
        UnpackError::Disk { .. } => "is there room, and may the agent's user write there?",
    };
    advice.to_owned()
}
