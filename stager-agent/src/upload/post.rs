//! One try of an upload, in a thread of its own, so that a stop need not wait for the network.

use super::body::{BodyReader, UploadDigests};
use super::error::UploadError;
use super::response;
use crate::fetch::{AttemptError, Http, Retries};
use crate::untrusted_file::UntrustedFile;
use http_client::Address;
use http_client::TransferError;
use shared_model::safe_url::SafeUrl;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How soon a stop is noticed.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How long the receiver may think where its URL does not say. Diego: 10 min, whatever the URL says.
const ANSWER: Duration = Duration::from_secs(600);
/// However much time the URL gives.
const LONGEST_ANSWER: Duration = Duration::from_secs(24 * 3600);

/// Waits for its turn, and sends `file`, which has these `digests`, to `to`.
///
/// # Errors
/// The receiver did not take it, or it took too long, or the scope was stopped.
pub(super) fn post(
    http: &Http,
    file: &UntrustedFile,
    digests: &UploadDigests,
    to: &SafeUrl,
    retries: &Retries,
) -> Result<(), AttemptError<UploadError>> {
    let address = Address::parse(to).map_err(TransferError::from)?;
    let _permit = retries.enter(http.semaphore())?;
    let (bytes, body, answer_within) = (file.bytes, BodyReader::new(file), answers_within(to));
    let (md5, digest) = (digests.content_md5.clone(), digests.content_digest.clone());
    let state = body.state();
    let (tell, told) = sync_channel(1);
    let (http, host, to) = (http.clone(), address.host.clone(), to.clone());
    let thread = thread::Builder::new().name("upload".to_owned());
    let spawned = thread.spawn(move || {
        let length = bytes.to_string();
        // Without Content-Length the HTTP library would send chunks, which cc-uploader answers with 411.
        let headers = [
            ("content-type", "application/octet-stream"),
            ("content-length", &length),
            ("content-md5", &md5),
            ("content-digest", &digest),
        ];
        let answered = http.post(&address, &headers, body, answer_within);
        let _ = tell.send(answered.and_then(|answer| response::judge(answer, &to))); // nobody may be waiting
    });
    spawned.map_err(|cause| TransferError::Connect { host, cause })?;

    loop {
        match told.recv_timeout(LOOK_UP) {
            Ok(result) => return result.map_err(AttemptError::Transfer),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(TransferError::CutOff { received: 0, expected: None }.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        match retries.ended() {
            // All of it is sent: how long its receiver may think is another matter.
            Some(AttemptError::Transfer(_)) if state.gone() == bytes => {}
            Some(error) => {
                state.give_up();
                return Err(error);
            }
            None => {}
        }
    }
}

/// The receiver's own limit, which stands in the URL (`timeout`, seconds). It counts from the beginning and we count
/// from the end of the body, so it is the receiver who gives up first and says why.
fn answers_within(to: &SafeUrl) -> Duration {
    let seconds = to.query_parameter("timeout").and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0);
    seconds.map_or(ANSWER, Duration::from_secs).min(LONGEST_ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_think_as_long_as_its_url_says() {
        for (query, seconds) in [
            ("?timeout=900", 900),
            ("?cc-droplet-upload-uri=http%3A%2F%2Fapi%3Ftimeout%3D7&timeout=60", 60),
            ("", 600),
            ("?timeout=", 600),
            ("?timeout=0", 600),
            ("?timeout=soon", 600),
            ("?timeout=18446744073709551615", 86_400),
        ] {
            let to = SafeUrl::new(format!("http://cc-uploader/v1/droplet/18c5{query}"));
            assert_eq!(answers_within(&to), Duration::from_secs(seconds), "{query}");
        }
    }
}
