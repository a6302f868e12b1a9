//! A build whose context is streamed to the engine and whose answer is read to its end.

use super::images::{labels_json, remove_nameless};
use super::link::Link;
use super::refusal::one_line;
use super::stream::body_from;
use crate::engine::{BuildOptions, EngineError, ImageId};
use containers_api::conn::hyper::{Body, Response};
use containers_api::conn::{Headers, Payload};
use containers_api::url::encoded_pairs;
use futures_util::StreamExt;
use serde::Deserialize;
use std::io::Read;

const DOING: &str = "building an image";
/// The most bytes of one line of the answer that are looked at.
const LONGEST_LINE: usize = 1 << 20;

/// Builds; what a failed build made is removed again.
pub(super) async fn build(
    link: &Link,
    context: Box<dyn Read + Send>,
    options: &BuildOptions,
) -> Result<ImageId, EngineError> {
    let (body, reading) = body_from(context);
    let path = link.endpoint(&format!("/build?{}", query(options)));
    let answer = link.client.post(path, Payload::XTar(body), Headers::none()).await;
    let mut progress = Progress::default();
    let outcome = match answer {
        Ok(answer) => follow(link, answer, &mut progress).await,
        Err(error) => Err(link.error(DOING, error)),
    };
    let read = if outcome.is_ok() { Ok(()) } else { reading.await.unwrap_or(Ok(())) };
    if outcome.is_err() {
        for id in progress.made.iter().rev() {
            remove_nameless(link, &ImageId(id.clone())).await?;
        }
    }
    match read {
        Ok(()) => outcome,
        Err(error) => Err(refused(&format!("the layers cannot be read: {error}"))),
    }
}

/// The build's options in the URL. Intermediate containers go, whatever happens; nothing is pulled and nothing needs a
/// network, since our Dockerfiles name an image that is here and run nothing.
fn query(options: &BuildOptions) -> String {
    let mut pairs: Vec<(&str, String)> = options.tags.iter().map(|tag| ("t", tag.clone())).collect();
    if !options.labels.is_empty() {
        pairs.push(("labels", labels_json(&options.labels)));
    }
    pairs
        .extend([("rm", "1"), ("forcerm", "1"), ("networkmode", "none")].map(|(name, value)| (name, value.to_owned())));
    encoded_pairs(pairs)
}

async fn follow(link: &Link, answer: Response<Body>, progress: &mut Progress) -> Result<ImageId, EngineError> {
    let mut body = answer.into_body();
    let mut unfinished = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| link.error(DOING, error.into()))?;
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            if unfinished.len() < LONGEST_LINE {
                unfinished.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                progress.read(&unfinished);
                unfinished.clear();
            }
        }
    }
    progress.read(&unfinished);
    match (progress.error.take(), progress.id.take()) {
        (Some(error), _) => Err(refused(&error)),
        (None, Some(id)) => Ok(ImageId(id)),
        (None, None) => Err(refused("the engine's answer ended without an image")),
    }
}

fn refused(reason: &str) -> EngineError {
    EngineError::Refused { doing: DOING.to_owned(), reason: one_line(reason) }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    stream: String,
    aux: Option<Aux>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Aux {
    #[serde(rename = "ID")]
    id: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    message: Option<String>,
}

/// What the lines of the answer have told so far.
#[derive(Default)]
struct Progress {
    id: Option<String>,
    error: Option<String>,
    /// Short ids of the images that this build made, in order; not those that it found ready.
    made: Vec<String>,
    found: bool,
}

impl Progress {
    fn read(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return };
        if let Some(text) = line.detail.and_then(|detail| detail.message).or(line.error) {
            self.error.get_or_insert(text);
        }
        if let Some(id) = line.aux.and_then(|aux| aux.id) {
            self.id = Some(id);
        }
        let text = line.stream.trim();
        if let Some(step) = text.strip_prefix("Step ") {
            self.found = step.contains(" : FROM ");
        } else if text == "---> Using cache" {
            self.found = true;
        } else if let Some(id) = text.strip_prefix("---> ")
            && !self.found
            && id.chars().all(|c| c.is_ascii_hexdigit())
        {
            self.made.push(id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Progress {
        let mut progress = Progress::default();
        for line in lines {
            progress.read(line.as_bytes());
        }
        progress
    }

    #[test]
    fn what_a_build_made_is_told_apart_from_what_it_found() {
        let progress = read(&[
            r#"{"stream":"Step 1/4 : FROM sha256:aa"}"#,
            r#"{"stream":"\n"}"#,
            r#"{"stream":" ---\u003e aaaaaaaaaaaa\n"}"#,
            r#"{"stream":"Step 2/4 : LABEL a=b"}"#,
            r#"{"stream":" ---\u003e Using cache\n"}"#,
            r#"{"stream":" ---\u003e bbbbbbbbbbbb\n"}"#,
            r#"{"stream":"Step 3/4 : ADD a /"}"#,
            r#"{"stream":" ---\u003e cccccccccccc\n"}"#,
            r#"{"stream":"Step 4/4 : USER vcap"}"#,
            r#"{"stream":" ---\u003e Running in 123456789012\n"}"#,
            r#"{"stream":" ---\u003e dddddddddddd\n"}"#,
            r#"{"aux":{"ID":"sha256:dd"}}"#,
        ]);
        assert_eq!(progress.made, ["cccccccccccc", "dddddddddddd"]);
        assert_eq!((progress.id.as_deref(), progress.error), (Some("sha256:dd"), None));
    }

    #[test]
    fn an_error_in_the_stream_is_an_error_whatever_else_it_says() {
        let line = r#"{"errorDetail":{"code":1,"message":"no space left"},"error":"no space left"}"#;
        assert_eq!(read(&[line, r#"{"aux":{"ID":"sha256:dd"}}"#]).error.as_deref(), Some("no space left"));
        assert_eq!(read(&["garbage", "{}", r#"{"error":"e"}"#]).error.as_deref(), Some("e"));
    }
}
