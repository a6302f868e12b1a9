//! Reads what is small: a token, a manifest, the words of a refusal. It comes at once, or slowly enough to be left.

use http_client::{Answer, Client, TransferError};
use std::io::Read;
use std::time::{Duration, Instant};

/// How long it may take from its first byte to its last. Five tries of it are waited for with patience.
const WITHIN: Duration = Duration::from_secs(15);
/// Bytes that are read at once.
const PART: usize = 16 << 10;

/// The body of an answer that `client` got from `host`: what there is of it, and no more than `most` bytes.
///
/// # Errors
/// It broke off, or its time was up.
pub(super) fn read(answer: Answer, most: u64, (client, host): (&Client, &str)) -> Result<Vec<u8>, TransferError> {
    let began = Instant::now();
    let (mut reader, mut bytes, mut part) =
        (answer.http.into_body().into_reader().take(most), Vec::new(), vec![0; PART]);
    loop {
        match reader.read(&mut part).map_err(|error| client.broken(error, host))? {
            0 => return Ok(bytes),
            length => bytes.extend(&part[..length]),
        }
        if began.elapsed() > WITHIN {
            return Err(TransferError::TooSlow { within: WITHIN });
        }
    }
}
