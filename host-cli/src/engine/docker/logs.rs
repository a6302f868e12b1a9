//! What a container printed, as the engine kept it, and what it prints from now on. Each entry of the log is a frame that begins
//! with its time; what an entry is the engine's log driver decides: a line, or up to 16 KiB of a longer one.

use super::api_client::ApiClient;
use super::paths::{container_path, seconds};
use super::refusal::is_missing;
use super::stdcopy::{Of, StdCopy};
use crate::engine::timed_entry::TimedEntry;
use crate::engine::{ContainerId, EngineError, LogPiece, LogRange};
use containers_api::url::encoded_pairs;
use futures_util::StreamExt;
use std::ops::ControlFlow;

pub(super) async fn logs(
    api: &ApiClient,
    container: &ContainerId,
    range: &LogRange,
    output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
) -> Result<(), EngineError> {
    let doing = format!("reading the log of container {}", container.0);
    let answer = match api.client.get(api.endpoint(&path(container, range))).await {
        Err(error) if is_missing(&error) => return Ok(()),
        answer => answer.map_err(|error| api.error(&doing, error))?,
    };
    let (mut body, mut streams, mut entry) = (answer.into_body(), StdCopy::default(), TimedEntry::default());
    let mut flow = ControlFlow::Continue(());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| api.error(&doing, error.into()))?;
        streams.feed_frames(&chunk, &mut |stream, of, piece| {
            if flow.is_continue() {
                if of == Of::Beginning {
                    entry.begin();
                }
                flow = entry.feed(stream, piece, output);
            }
        });
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// The question for it.
fn path(container: &ContainerId, range: &LogRange) -> String {
    let tail = range.tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    let follow = if range.follow { "1" } else { "0" };
    let mut pairs = vec![("stdout", "1"), ("stderr", "1"), ("timestamps", "1"), ("follow", follow), ("tail", &tail)];
    let since = range.since.map(seconds);
    pairs.extend(since.as_ref().map(|since| ("since", since.as_str())));
    format!("{}/logs?{}", container_path(container), encoded_pairs(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use shared_model::event::Stream;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, text.as_bytes()].concat()
    }

    /// Times, streams and texts of the entries, put together again.
    fn read(bytes: &[u8], size: usize) -> Vec<(Option<Timestamp>, Stream, String)> {
        let (mut streams, mut entry) = (StdCopy::default(), TimedEntry::default());
        let mut said: Vec<(Option<Timestamp>, Stream, String)> = Vec::new();
        for chunk in bytes.chunks(size) {
            streams.feed_frames(chunk, &mut |stream, of, piece| {
                if of == Of::Beginning {
                    entry.begin();
                }
                let _ = entry.feed(stream, piece, &mut |piece| {
                    let text = String::from_utf8_lossy(piece.bytes).into_owned();
                    match said.last_mut() {
                        Some((_, last, before)) if piece.time.is_none() && *last == piece.stream => {
                            before.push_str(&text);
                        }
                        _ => said.push((piece.time, piece.stream, text)),
                    }
                    ControlFlow::Continue(())
                });
            });
        }
        said
    }

    #[test]
    fn each_entry_loses_its_time_wherever_the_bytes_are_cut() {
        let whole = [
            frame(1, "2026-11-30T01:02:03.450000000Z hello\n"),
            frame(2, "2026-11-30T02:02:04+01:00 oh no\n"),
            frame(1, "no time at all, and longer than any time is\n"),
        ]
        .concat();
        let time = |text: &str| text.parse().ok();
        for size in 1..=whole.len() {
            let expected = [
                (time("2026-11-30T01:02:03.45Z"), Stream::Out, "hello\n".to_owned()),
                (time("2026-11-30T01:02:04Z"), Stream::Err, "oh no\n".to_owned()),
                (None, Stream::Out, "no time at all, and longer than any time is\n".to_owned()),
            ];
            assert_eq!(read(&whole, size), expected, "cut every {size} bytes");
        }
    }

    #[test]
    fn the_question_names_the_time_to_the_nanosecond() {
        let range = LogRange { tail: Some(5), since: "2026-11-30T01:02:03.45Z".parse().ok(), follow: true };
        let asked = path(&ContainerId("4f".into()), &range);
        assert_eq!(
            asked,
            "/containers/4f/logs?stdout=1&stderr=1&timestamps=1&follow=1&tail=5&since=1796000523.450000000"
        );
        assert!(path(&ContainerId("4f".into()), &LogRange::default()).ends_with("follow=0&tail=all"));
    }
}
