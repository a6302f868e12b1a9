//! What a receiver's answer means.

use crate::fetch::{TransferError, retry_after};
use jiff::Timestamp;
use std::io::Read as _;
use ureq::Body;
use ureq::http::Response;

/// As much of an error's text as is read and searched for secrets.
const LONGEST_TEXT: u64 = 4096;
/// As many characters of it as are shown: enough for a sentence.
const ENOUGH: usize = 300;

/// Any 2xx took it: cc-uploader says 201 for droplets and 200 for caches.
pub(super) fn judge(answer: Response<Body>) -> Result<(), TransferError> {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return Ok(());
    }
    let retry_after = retry_after(answer.headers(), Timestamp::now());
    let mut text = Vec::new();
    let _ = answer.into_body().into_reader().take(LONGEST_TEXT).read_to_end(&mut text); // the status says enough
    let text = harmless(&String::from_utf8_lossy(&text));
    Err(TransferError::Status { status, text, retry_after })
}

/// The text in one line; empty where it could hold a secret: cc-uploader quotes Cloud Controller's URL, password and
/// all, when it cannot reach it.
fn harmless(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if ["://", "%3a", "@", "//"].iter().any(|sign| lower.contains(sign)) {
        return String::new();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(ENOUGH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_quotes_a_url_is_not_passed_on() {
        assert_eq!(harmless("status code: 500\n{\"code\":1}"), "status code: 500 {\"code\":1}");
        for text in ["Post http://u:SECRET@api/x: refused", "bad uri http%3A%2F%2Fu%3ASECRET%40api", "u:SECRET@api"] {
            assert_eq!(harmless(text), "");
        }
    }
}
