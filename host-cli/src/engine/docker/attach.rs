//! Runs a container with its streams attached, and reads what one printed. Order matters: the wait is registered
//! first, then the streams are attached, then it starts; or a fast container's output and status are lost.

use super::containers::{self, path_of};
use super::frames::Frames;
use super::link::Link;
use crate::engine::{ContainerId, EngineError};
use containers_api::conn::Payload;
use containers_api::conn::hyper::Body;
use futures_util::future::join;
use futures_util::{AsyncRead, AsyncReadExt, AsyncWriteExt, StreamExt};
use serde::Deserialize;
use shared_model::event::Stream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Pieces of output that may wait for the reader.
const PIECES: usize = 8;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// The most bytes of a container's last lines that are kept.
const LONGEST_TAIL: usize = 256 << 10;

#[derive(Deserialize)]
struct Ended {
    #[serde(rename = "StatusCode")]
    status: i64,
}

/// Runs the container to its end. `output` is called on the caller's thread and may use the engine itself.
pub(super) fn run(
    runtime: &Runtime,
    link: &Link,
    container: &ContainerId,
    stdin: &[u8],
    output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<i64, EngineError> {
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let (task_link, id, stdin) = (link.clone(), container.clone(), stdin.to_vec());
    let task = runtime.spawn(async move { converse(&task_link, &id, &stdin, sender).await });
    let mut frames = Frames::default();
    while let Some(piece) = pieces.blocking_recv() {
        frames.feed(&piece, output);
    }
    runtime.block_on(task).map_err(|error| EngineError::Refused {
        doing: format!("running container {}", container.0),
        reason: error.to_string(),
    })?
}

async fn converse(
    link: &Link,
    container: &ContainerId,
    stdin: &[u8],
    pieces: mpsc::Sender<Vec<u8>>,
) -> Result<i64, EngineError> {
    let doing = format!("running container {}", container.0);
    let path = path_of(container);
    // The answer's head comes when the engine listens for the end, its body at the end.
    let end =
        link.post(&format!("{path}/wait?condition=next-exit")).await.map_err(|error| link.error(&doing, error))?;
    let attach = link.endpoint(&format!("{path}/attach?stream=1&stdin=1&stdout=1&stderr=1"));
    let streams = link.client.clone().post_upgrade_stream(attach, Payload::<Body>::empty()).await;
    let (reader, mut writer) = streams.map_err(|error| link.error(&doing, error))?.split();
    containers::start(link, container).await?;
    let write = async move {
        // A container that does not read its input, or has ended, is not our failure.
        if writer.write_all(stdin).await.is_ok() {
            let _ = writer.close().await;
        }
    };
    join(write, pass_on(reader, pieces)).await;
    link.read_json::<Ended>(end, &doing).await.map(|ended| ended.status)
}

async fn pass_on(mut reader: impl AsyncRead + Unpin, pieces: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if pieces.send(buffer[..length].to_vec()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The last lines, at most [`LONGEST_TAIL`] bytes of them.
pub(super) async fn last_lines(link: &Link, container: &ContainerId, count: usize) -> Result<Vec<u8>, EngineError> {
    let doing = format!("reading the log of container {}", container.0);
    let path = format!("{}/logs?stdout=1&stderr=1&tail={count}", path_of(container));
    let answer = link.client.get(link.endpoint(&path)).await.map_err(|error| link.error(&doing, error))?;
    let (mut body, mut frames, mut tail) = (answer.into_body(), Frames::default(), Vec::new());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| link.error(&doing, error.into()))?;
        frames.feed(&chunk, &mut |_, piece| tail.extend_from_slice(piece));
        let excess = tail.len().saturating_sub(LONGEST_TAIL);
        tail.drain(..excess);
    }
    Ok(tail)
}
