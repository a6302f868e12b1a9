//! What it means that a server does not give what it is asked for. A signature that is out of date has no status of its
//! own: nginx says 410, S3 and Azure 403, Swift 401, Google 400; so the URL's own end decides, and what the server says.

use http_client::{TransferError, retry_after};
use jiff::Timestamp;
use std::io::Read as _;
use ureq::Body;
use ureq::http::Response;

/// As much of an answer's text as is searched: the code stands at its beginning.
const LONGEST_TEXT: u64 = 4096;
/// What S3 and Google's blobstore call it in their XML.
const EXPIRED_TOKEN: &[u8] = b"ExpiredToken";

/// What `answer` says, whose status is not one that was hoped for. `expires` is the URL's end in seconds since 1970,
/// where it has one.
pub(super) fn refusal(answer: Response<Body>, expires: Option<i64>, now: Timestamp) -> TransferError {
    let status = answer.status();
    let past_its_end = expires.is_some_and(|end| end <= now.as_second());
    let retry_after = retry_after(answer.headers(), now);
    match status.as_u16() {
        code @ (403 | 410) => TransferError::Refused { status: code, expires, token_expired: false },
        code if status.is_client_error() && past_its_end => {
            TransferError::Refused { status: code, expires, token_expired: false }
        }
        400 if says_expired_token(answer) => TransferError::Refused { status: 400, expires, token_expired: true },
        404 => TransferError::NotFound,
        code => TransferError::Status { status: code, text: String::new(), retry_after },
    }
}

fn says_expired_token(answer: Response<Body>) -> bool {
    let mut text = Vec::new();
    // A body that breaks off says what it said until then.
    let _ = answer.into_body().into_reader().take(LONGEST_TEXT).read_to_end(&mut text);
    text.windows(EXPIRED_TOKEN.len()).any(|part| part == EXPIRED_TOKEN)
}
