//! What a receiver's answer means.

use crate::clock;
use http_client::{TransferError, retry_after};
use percent_encoding::percent_decode_str;
use shared_model::safe_url::SafeUrl;
use std::io::Read as _;
use ureq::Body;
use ureq::http::Response;

/// As much of an error's text as is read and searched for secrets.
const LONGEST_TEXT: u64 = 4096;
/// As many characters of it as are shown: enough for a sentence.
const ENOUGH: usize = 300;

/// Fewer characters are no secret: `8080`, `900`, `api`.
const SHORTEST_SECRET: usize = 5;

/// Any 2xx took it: cc-uploader says 201 for droplets and 200 for caches. A page for people comes from somebody else in its
/// place, who took nothing. `to` is what was asked: a receiver may quote it.
pub(super) fn judge(answer: Response<Body>, to: &SafeUrl) -> Result<(), TransferError> {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        let is_page = answer.body().mime_type() == Some("text/html");
        return if is_page { Err(TransferError::Protocol { reason: "it is a web page" }) } else { Ok(()) };
    }
    let retry_after = retry_after(answer.headers(), clock::now());
    let mut text = Vec::new();
    let _ = answer.into_body().into_reader().take(LONGEST_TEXT).read_to_end(&mut text); // the status says enough
    let text = harmless(&String::from_utf8_lossy(&text), to);
    Err(TransferError::Status { status, text, retry_after })
}

/// The text in one line; empty where it could hold a secret: cc-uploader quotes Cloud Controller's URL, password and
/// all, when it cannot reach it.
fn harmless(text: &str, to: &SafeUrl) -> String {
    let lower = text.to_ascii_lowercase();
    let quotes_a_url = ["://", "%3a", "@", "//"].iter().any(|sign| lower.contains(sign));
    if quotes_a_url || secrets(to.reveal()).iter().any(|secret| text.contains(secret.as_str())) {
        return String::new();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(ENOUGH).collect()
}

/// Names and passwords in front of a URL's host and values behind it, as they are and decoded; with those of the URLs among
/// the values.
fn secrets(url: &str) -> Vec<String> {
    let (head, query) = url.split_once('?').unwrap_or((url, ""));
    let userinfo = head.rsplit_once('@').map_or("", |(before, _)| before.rsplit("://").next().unwrap_or(before));
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let mut secrets = Vec::new();
    for raw in userinfo.split(':').chain(values) {
        let decoded = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        if decoded.contains("://") {
            secrets.extend(self::secrets(&decoded));
        }
        secrets.extend([raw.to_owned(), decoded]);
    }
    secrets.retain(|secret| secret.len() >= SHORTEST_SECRET);
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: &str = "http://caller:OUT-ER@cc-uploader/v1/droplet/18c5?cc-droplet-upload-uri=http%3A%2F%2Fuser%3AIN%252FNER%40api%2Fx%3Ftoken%3DSIGNED&timeout=900";

    fn harmless(text: &str) -> String {
        super::harmless(text, &SafeUrl::new(TO))
    }

    #[test]
    fn a_text_that_quotes_a_url_is_not_passed_on() {
        assert_eq!(harmless("status code: 500\n{\"code\":1}"), "status code: 500 {\"code\":1}");
        for text in ["Post http://u:SECRET@api/x: refused", "bad uri http%3A%2F%2Fu%3ASECRET%40api", "u:SECRET@api"] {
            assert_eq!(harmless(text), "");
        }
    }

    #[test]
    fn a_text_that_quotes_a_secret_of_the_url_alone_is_not_passed_on() {
        for secret in ["OUT-ER", "IN/NER", "IN%2FNER", "SIGNED"] {
            assert_eq!(harmless(&format!("wrong password {secret}")), "", "{secret}");
        }
        assert_eq!(harmless("not taken within 900 s by api"), "not taken within 900 s by api");
    }
}
