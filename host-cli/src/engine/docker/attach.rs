//! Starts a container, and runs one with its streams attached. Order matters: the wait is registered first, then the
//! streams are attached, then it starts; or a fast container's output and status are lost.

use super::api_client::ApiClient;
use super::paths::container_path;
use super::refusal::has_code;
use super::stdcopy::StdCopy;
use crate::engine::{ContainerId, EngineError, Input};
use containers_api::conn::Payload;
use containers_api::conn::hyper::{Body, StatusCode};
use futures_util::future::{Either, select};
use futures_util::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use serde::Deserialize;
use shared_model::event::Stream;
use shared_model::lease::{BEAT, BETWEEN_BEATS, END_OF_REQUEST};
use std::pin::pin;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Pieces of output that may wait for the reader.
const PIECES: usize = 8;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

#[derive(Deserialize)]
struct WaitResponse {
    #[serde(rename = "StatusCode")]
    status: i64,
}

/// Starts the container and returns at once.
pub(super) async fn start(api: &ApiClient, container: &ContainerId) -> Result<(), EngineError> {
    match api.container(container).start().await {
        // It runs already.
        Err(error) if has_code(&error, StatusCode::NOT_MODIFIED) => Ok(()),
        outcome => outcome.map_err(|error| api.error(&format!("starting container {}", container.0), error)),
    }
}

/// Runs the container to its end. `output` is called on the caller's thread and may use the engine itself.
pub(super) fn run(
    runtime: &Runtime,
    api: &ApiClient,
    container: &ContainerId,
    input: Input<'_>,
    output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<i64, EngineError> {
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let (task_api, id) = (api.clone(), container.clone());
    let stdin = match input {
        Input::Whole(bytes) => Stdin { first: bytes.to_vec(), then: AfterInput::End },
        Input::Leased(bytes) => Stdin { first: [bytes, &[END_OF_REQUEST]].concat(), then: AfterInput::Beats },
    };
    let task = runtime.spawn(async move { converse(&task_api, &id, stdin, sender).await });
    let mut streams = StdCopy::default();
    while let Some(piece) = pieces.blocking_recv() {
        streams.feed(&piece, output);
    }
    runtime.block_on(task).map_err(|error| EngineError::Refused {
        doing: format!("running container {}", container.0),
        reason: error.to_string(),
    })?
}

/// What a container is given on its standard input.
struct Stdin {
    /// What is written at once.
    first: Vec<u8>,
    /// What comes behind it.
    then: AfterInput,
}

enum AfterInput {
    /// The end of the input.
    End,
    /// A beat of the lease every few seconds, for as long as it is taken.
    Beats,
}

async fn converse(
    api: &ApiClient,
    container: &ContainerId,
    stdin: Stdin,
    pieces: mpsc::Sender<Vec<u8>>,
) -> Result<i64, EngineError> {
    let doing = format!("running container {}", container.0);
    let path = container_path(container);
    // The answer's head comes when the engine listens for the end, its body at the end.
    let end = api.post(&format!("{path}/wait?condition=next-exit")).await.map_err(|error| api.error(&doing, error))?;
    let attach = api.endpoint(&format!("{path}/attach?stream=1&stdin=1&stdout=1&stderr=1"));
    let streams = api.client.clone().post_upgrade_stream(attach, Payload::<Body>::empty()).await;
    let (reader, writer) = streams.map_err(|error| api.error(&doing, error))?.split();
    start(api, container).await?;
    let (write, read) = (pin!(write_input(writer, stdin)), pin!(read_output(reader, pieces)));
    if let Either::Left(((), read)) = select(write, read).await {
        read.await;
    }
    api.read_json::<WaitResponse>(end, &doing).await.map(|ended| ended.status)
}

/// A container that does not read its input, or has ended, is not our failure.
async fn write_input(mut writer: impl AsyncWrite + Unpin, stdin: Stdin) {
    let mut taken = writer.write_all(&stdin.first).await;
    if let AfterInput::End = stdin.then {
        let _ = writer.close().await;
        return;
    }
    while taken.is_ok() {
        tokio::time::sleep(BETWEEN_BEATS).await;
        taken = writer.write_all(&[BEAT]).await;
    }
}

/// Gives what comes to `pieces`, to the end, or until nobody takes it.
pub(super) async fn read_output(mut reader: impl AsyncRead + Unpin, pieces: mpsc::Sender<Vec<u8>>) {
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
