//! A program that is run in a container beside its main process, and talked to. The connection that starts it is its streams'.

use super::api_client::ApiClient;
use super::attach::read_output;
use super::exec::{NOTICE, make, refused, status};
use super::stdcopy::StdCopy;
use crate::engine::{ContainerId, EngineError, ExecInput, ExecSpec, WindowSize};
use containers_api::conn::Payload;
use futures_util::future::{Either, select};
use futures_util::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use serde_json::{Value, json};
use shared_model::event::Stream;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Pieces of input or output that may wait.
const PIECES: usize = 8;
/// The API in which a terminal has its size from the start.
const CONSOLE_SIZE: (usize, usize) = (1, 42);
/// Tries to give a terminal its size: an engine refuses until the program runs, a moment after the connection is there.
const TRIES: usize = 10;
/// Between two of them.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Runs it to the end of its output. `output` is called on the caller's thread and may use the engine itself.
pub(super) fn exec(
    runtime: &Runtime,
    api: &ApiClient,
    container: &ContainerId,
    spec: &ExecSpec,
    input: Receiver<ExecInput>,
    output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
) -> Result<Option<i64>, EngineError> {
    // Neither the command nor its variables: they may be secret.
    let doing = format!("running a command in container {}", container.0);
    let path = runtime.block_on(make(api, container, &wanted(api, spec), &doing))?;
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let conversation = Conversation {
        api: api.clone(),
        container: container.clone(),
        doing,
        path,
        terminal: spec.terminal,
        input: forwarded(input),
    };
    let task = runtime.spawn(conversation.hold(sender));
    let mut streams = StdCopy::default();
    while let Some(piece) = pieces.blocking_recv() {
        let mut flow = ControlFlow::Continue(());
        if spec.terminal.is_some() {
            flow = output(Stream::Out, &piece);
        } else {
            streams.feed(&piece, &mut |stream, piece| {
                if flow.is_continue() {
                    flow = output(stream, piece);
                }
            });
        }
        if flow.is_break() {
            task.abort();
            return Ok(None);
        }
    }
    runtime.block_on(task).map_err(|error| EngineError::Refused {
        doing: format!("running a command in container {}", container.0),
        reason: error.to_string(),
    })?
}

fn wanted(api: &ApiClient, spec: &ExecSpec) -> Value {
    let environment: Vec<String> = spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut wanted = json!({
        "Cmd": spec.command,
        "Env": environment,
        "AttachStdin": true,
        "AttachStdout": true,
        "AttachStderr": true,
        "Tty": spec.terminal.is_some(),
    });
    if let Some(size) = console_size(api, spec.terminal) {
        wanted["ConsoleSize"] = size;
    }
    wanted
}

fn console_size(api: &ApiClient, terminal: Option<WindowSize>) -> Option<Value> {
    let size = terminal.filter(|size| size.columns > 0 && size.rows > 0 && api.speaks(CONSOLE_SIZE))?;
    Some(json!([size.rows, size.columns]))
}

/// The input on the runtime's side. The thread ends with the input, or with its next piece once nobody takes it any more.
fn forwarded(input: Receiver<ExecInput>) -> mpsc::Receiver<ExecInput> {
    let (sender, receiver) = mpsc::channel(PIECES);
    thread::spawn(move || {
        for one in input {
            if sender.blocking_send(one).is_err() {
                return;
            }
        }
    });
    receiver
}

struct Conversation {
    api: ApiClient,
    container: ContainerId,
    doing: String,
    path: String,
    terminal: Option<WindowSize>,
    input: mpsc::Receiver<ExecInput>,
}

impl Conversation {
    async fn hold(mut self, pieces: mpsc::Sender<Vec<u8>>) -> Result<Option<i64>, EngineError> {
        let mut start = json!({ "Detach": false, "Tty": self.terminal.is_some() });
        if let Some(size) = console_size(&self.api, self.terminal) {
            start["ConsoleSize"] = size;
        }
        let endpoint = self.api.endpoint(&format!("{}/start", self.path));
        let streams = self.api.client.clone().post_upgrade_stream(endpoint, Payload::Json(start.to_string())).await;
        let streams = streams.map_err(|error| refused(&self.api, &self.container, &self.doing, error))?;
        let (reader, writer) = streams.split();
        {
            let (write, read) = (pin!(self.write(writer)), pin!(read_output(reader, pieces)));
            if let Either::Left(((), read)) = select(write, read).await {
                read.await;
            }
        }
        status(&self.api, &self.path, &self.doing, Instant::now() + NOTICE).await
    }

    /// A program that does not read its input, or has ended, is not our failure. The size of its terminal changes as long as anybody
    /// tells, also behind the end of the input.
    async fn write(&mut self, mut writer: impl AsyncWrite + Unpin) {
        if let Some(size) = self.terminal {
            for _ in 0..TRIES {
                if self.resize(size).await {
                    break;
                }
                sleep(BETWEEN_TRIES).await;
            }
        }
        let mut is_open = true;
        while let Some(input) = self.input.recv().await {
            match input {
                ExecInput::Bytes(bytes) if is_open => {
                    is_open = writer.write_all(&bytes).await.is_ok() && writer.flush().await.is_ok();
                }
                ExecInput::End if is_open => {
                    is_open = false;
                    let _ = writer.close().await;
                }
                ExecInput::Resize(size) => {
                    self.resize(size).await;
                }
                ExecInput::Bytes(_) | ExecInput::End => {}
            }
        }
        if is_open {
            let _ = writer.close().await;
        }
    }

    /// Whether the terminal has this size now; one that nobody knows is left as it is.
    async fn resize(&self, size: WindowSize) -> bool {
        let WindowSize { columns, rows } = size;
        columns == 0 || rows == 0 || self.api.post(&format!("{}/resize?h={rows}&w={columns}", self.path)).await.is_ok()
    }
}
