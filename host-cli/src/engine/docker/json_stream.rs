//! What an engine tells while it works: one JSON object a line, over an answer whose status was good before the work
//! began. Whether it went well stands in the lines, so all of them are read.

use super::api_client::ApiClient;
use super::refusal::one_line;
use crate::engine::EngineError;
use containers_api::conn::hyper::{Body, Response};
use futures_util::StreamExt;
use serde::Deserialize;

/// The most bytes of one line that are looked at.
const LONGEST_LINE: usize = 1 << 20;

/// How the containerd store tells that an image cannot be unpacked: as a text for people, after it has said that it is
/// loaded. Seen in 28.5.
const NOT_UNPACKED: &str = "Error unpacking image ";

/// A line, as far as we read it: Docker's `jsonmessage`.
#[derive(Deserialize)]
pub(super) struct JsonMessage {
    /// Text for people.
    #[serde(default)]
    pub(super) stream: String,
    pub(super) aux: Option<Aux>,
    /// What happens to a layer, or to the whole.
    #[serde(default)]
    pub(super) status: String,
    /// The short id of the layer.
    pub(super) id: Option<String>,
    #[serde(rename = "progressDetail")]
    pub(super) progress: Option<ProgressDetail>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    detail: Option<ErrorDetail>,
}

#[derive(Deserialize)]
pub(super) struct Aux {
    /// The image that a build made.
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    /// The manifest that a push ended with.
    #[serde(rename = "Digest")]
    pub(super) digest: Option<String>,
}

/// How far something is; negative or absent where an engine does not know.
#[derive(Default, Deserialize)]
pub(super) struct ProgressDetail {
    pub(super) current: Option<i64>,
    pub(super) total: Option<i64>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    message: Option<String>,
}

impl JsonMessage {
    /// What went wrong, if this line tells that.
    pub(super) fn error(&self) -> Option<&str> {
        let detail = self.detail.as_ref().and_then(|detail| detail.message.as_deref());
        let not_unpacked = || self.stream.starts_with(NOT_UNPACKED).then(|| self.stream.trim_end());
        detail.or(self.error.as_deref()).or_else(not_unpacked)
    }
}

/// Reads the answer to its end and shows every line to `hear`; the first error in it is the outcome. `doing` is what
/// errors call the work.
pub(super) async fn follow(
    api: &ApiClient,
    answer: Response<Body>,
    doing: &str,
    mut hear: impl FnMut(&JsonMessage),
) -> Result<(), EngineError> {
    let mut lines = LineSplitter::default();
    let mut body = answer.into_body();
    let mut wrong = None;
    let mut read = |bytes: &[u8]| {
        let Ok(told) = serde_json::from_slice::<JsonMessage>(bytes) else { return };
        if wrong.is_none() {
            wrong = told.error().map(one_line);
        }
        hear(&told);
    };
    while let Some(chunk) = body.next().await {
        lines.push(&chunk.map_err(|error| api.error(doing, error.into()))?, &mut read);
    }
    read(&lines.unfinished);
    match wrong {
        Some(reason) => Err(EngineError::Refused { doing: doing.to_owned(), reason }),
        None => Ok(()),
    }
}

/// Cuts chunks into lines; of a line that is too long only the start is kept.
#[derive(Default)]
pub(super) struct LineSplitter {
    unfinished: Vec<u8>,
}

impl LineSplitter {
    pub(super) fn push(&mut self, chunk: &[u8], read: &mut impl FnMut(&[u8])) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE - self.unfinished.len();
            self.unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                read(&self.unfinished);
                self.unfinished.clear();
            }
        }
    }
}

/// The lines that chunks are cut into, with what is left.
#[cfg(any(fuzzing, test))]
pub(super) fn lines_of(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut lines, mut all) = (LineSplitter::default(), Vec::new());
    for chunk in chunks {
        lines.push(chunk, &mut |line| all.push(line.to_vec()));
    }
    all.push(lines.unfinished);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_in_its_newer_form_its_older_form_and_not_where_there_is_none() {
        for (line, error) in [
            (r#"{"errorDetail":{"code":1,"message":"no space left"},"error":"no space"}"#, Some("no space left")),
            (r#"{"error":"e"}"#, Some("e")),
            (r#"{"stream":"error: not one"}"#, None),
            (r#"{"stream":"Error unpacking image a:b: no\n"}"#, Some("Error unpacking image a:b: no")),
        ] {
            assert_eq!(serde_json::from_str::<JsonMessage>(line).unwrap().error(), error, "{line}");
        }
    }

    #[test]
    fn lines_are_whole_however_the_chunks_fall_and_none_fills_the_memory() {
        let mut lines = LineSplitter::default();
        let mut read = Vec::new();
        for chunk in ["{\"a\"", ":1}\n{}\n{", "}"] {
            lines.push(chunk.as_bytes(), &mut |line| read.push(String::from_utf8(line.to_vec()).unwrap()));
        }
        assert_eq!((read.join("|").as_str(), lines.unfinished.as_slice()), ("{\"a\":1}\n|{}\n", &b"{}"[..]));
        for _ in 0..5 {
            lines.push(&vec![b'x'; LONGEST_LINE], &mut |_| {});
        }
        assert_eq!(lines.unfinished.len(), LONGEST_LINE);
    }
}
