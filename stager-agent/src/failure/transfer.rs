//! Words for what goes wrong on the wire.

use super::builder;
use super::unhappy_end::Failure;
use crate::causes::with_causes;
use crate::dependencies::Missing;
use crate::fetch::FetchError;
use crate::unpack::UnpackError;
use crate::upload::UploadError;
use http_client::TransferError;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;

const NEW_REQUEST: &str = "`cf push` or `cf restage` makes a request with new URLs";

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
    let text = format!("the request's URLs have expired, and the files are not in the cache\n{}", lines.join("\n"));
    let advice = format!("{NEW_REQUEST}; `host-cli cache-up` keeps files so that they can be staged later");
    Failure::new(ExitCode::Fetch, text, advice)
}

pub(super) fn from_fetch(error: &FetchError, now: Timestamp) -> Failure {
    let text = with_causes(error);
    let (text, advice) = match error {
        FetchError::Transfer { cause, from: _ } => {
            (text + &expiry(cause, now), from_transfer(cause, Direction::Down).to_owned())
        }
        FetchError::Checksum { .. } => {
            let advice =
                "the file has changed since the request was made, or on its way; `cf restage` makes a new request";
            (text, advice.to_owned())
        }
        FetchError::Unpack { cause, .. } => (text, from_archive(cause)),
        FetchError::Copy { .. } => (text, "make room in the cache's volume, or use --no-cache".to_owned()),
        FetchError::Stopped { .. } => (text, String::new()),
    };
    Failure::new(ExitCode::Fetch, text, advice)
}

/// Of a file that is there, but is not what the builder was to write.
pub(super) const NOT_TAKEN: &str = "the builder writes a regular file there; do not trust a buildpack that replaces it";

pub(super) fn from_upload(error: &UploadError, now: Timestamp) -> Failure {
    let text = with_causes(error);
    let (text, advice) = match error {
        UploadError::File { .. } | UploadError::Empty { .. } => {
            (text, "the builder writes it; see the builder's output above")
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

/// ` (the URL expired at 2016-06-15 18:37:24 UTC)`; empty where that is not the reason.
fn expiry(cause: &TransferError, now: Timestamp) -> String {
    let TransferError::Refused { expires, token_expired, status: _ } = cause else { return String::new() };
    match expires {
        Some(end) if *end <= now.as_second() => expired_at(*end),
        _ if *token_expired => " (the server says that the URL has expired)".to_owned(),
        _ => String::new(),
    }
}

/// `second` is since 1970; empty where there is no such time.
fn expired_at(second: i64) -> String {
    let text = |end: Timestamp| format!(" (the URL expired at {})", end.strftime("%F %T UTC"));
    Timestamp::from_second(second).map_or(String::new(), text)
}

fn from_transfer(cause: &TransferError, direction: Direction) -> &'static str {
    let up = direction == Direction::Up;
    match cause {
        TransferError::Refused { .. } if !up => NEW_REQUEST,
        TransferError::NotFound if !up => {
            "the file is gone, or another server answers under that name; a new push uploads it again"
        }
        TransferError::Refused { .. } | TransferError::NotFound | TransferError::Status { .. } if up => {
            "the logs of cc-uploader and Cloud Controller say why; `cf push` or `cf restage` makes a request with new URLs"
        }
        TransferError::UnknownHost { .. } => {
            "give its address with --add-host HOST=IP, or a name server that knows it with --dns IP; on an engine --network NAME \
             chooses a network where it is known (docker run: --add-host, --dns, --net)"
        }
        TransferError::Connect { .. } => {
            "start the service; on an engine --network NAME chooses its network (docker run: --net NAME), in a cluster a network \
             policy may be in the way"
        }
        TransferError::Proxy { .. } => {
            "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the container's environment (docker run -e; Docker sets them \
             from ~/.docker/config.json; in a cluster the stager image has them, or none)"
        }
        TransferError::OwnCertificate { .. }
        | TransferError::Downgrade { .. }
        | TransferError::UnknownAuthority { .. }
        | TransferError::WrongHost { .. }
        | TransferError::CertificateExpired { .. } => from_distrust(cause),
        TransferError::BadUrl => NEW_REQUEST,
        TransferError::TooLong { .. } => {
            "allow more time with --transfer-timeout 2h (with host-cli behind --: `-- --transfer-timeout 2h`)"
        }
        TransferError::Idle { .. } => {
            "see the server's log, or wait longer with --idle-timeout 2m (with host-cli behind --: `-- --idle-timeout 2m`)"
        }
        TransferError::Encoded { .. } => {
            "the server, or a proxy before it, must send archives without Content-Encoding"
        }
        TransferError::Refused { .. }
        | TransferError::NotFound
        | TransferError::Status { .. }
        | TransferError::Tls { .. }
        | TransferError::CutOff { .. }
        | TransferError::NotResumed { .. }
        | TransferError::Surplus { .. }
        | TransferError::Damaged { .. }
        | TransferError::TooSlow { .. }
        | TransferError::Protocol { .. } => "stage again; the server's log may say why",
    }
}

/// Where one end does not know the other.
fn from_distrust(cause: &TransferError) -> &'static str {
    match cause {
        TransferError::OwnCertificate { .. } => {
            "give a client certificate with --cert FILE and --key FILE (docker run: mount the files)"
        }
        TransferError::Downgrade { .. } => {
            "the server must redirect to https; only a request with -skipCertVerify follows to http"
        }
        TransferError::UnknownAuthority { .. } => {
            "give the authority's certificate with --ca FILE (docker run: mount the file)"
        }
        TransferError::CertificateExpired { .. } => "renew the server's certificate, or set this machine's clock",
        _ => {
            "another server answers under that name; --add-host HOST=IP names the right one, and on an engine --network NAME its \
             network (docker run: --add-host, --net)"
        }
    }
}

fn from_archive(cause: &UnpackError) -> String {
    let advice = match cause {
        UnpackError::Empty | UnpackError::NotAnArchive { .. } | UnpackError::Corrupt { .. } => {
            "the file is broken on the server; upload it again (`cf push`, or `cf update-buildpack`)"
        }
        UnpackError::Escapes { .. } | UnpackError::Forbidden { .. } => {
            "do not trust this archive; ask its maker for another one"
        }
        UnpackError::LimitExceeded { bound, .. } => {
            let option = bound.option();
            return format!(
                "if you trust its source, allow more with {option} (with host-cli behind --: `-- {option} …`)"
            );
        }
        UnpackError::DiskFull(_) => builder::DISK,
        UnpackError::Disk { .. } => "make room there, and let the agent's user write there",
    };
    advice.to_owned()
}
