//! A program that is run in a container beside its main process, and what it says.

use super::api_client::ApiClient;
use super::models::{CreatedId, ExecDetails};
use super::paths::container_path;
use super::refusal::{is_missing, one_line};
use super::stdcopy::StdCopy;
use crate::engine::{ContainerId, EngineError, ExecResult};
use containers_api::conn::hyper::Body;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The most bytes of output that are kept; engines keep as much of a health check's.
const LONGEST_OUTPUT: usize = 4 << 10;
/// How long an engine may take to notice the end of a program whose output has ended.
pub(super) const NOTICE: Duration = Duration::from_secs(2);
/// Between two looks at that.
const POLL: Duration = Duration::from_millis(20);

pub(super) async fn exec(
    api: &ApiClient,
    container: &ContainerId,
    command: &[String],
    patience: Duration,
) -> Result<ExecResult, EngineError> {
    let deadline = Instant::now() + patience;
    let doing = format!("running {} in container {}", one_line(&command.join(" ")), container.0);
    let wanted = json!({ "Cmd": command, "AttachStdout": true, "AttachStderr": true });
    let path = make(api, container, &wanted, &doing).await?;
    let started = api.post_json(&format!("{path}/start"), &json!({ "Detach": false, "Tty": false })).await;
    let started = started.map_err(|error| refused(api, container, &doing, error))?;
    let mut output = Vec::new();
    // What has not ended in time stays as it is: no engine offers to end it.
    let _ = timeout_at(deadline, listen(started.into_body(), &mut output)).await;
    let status = status(api, &path, &doing, deadline.min(Instant::now() + NOTICE)).await?;
    Ok(ExecResult { status, output })
}

/// Makes what is `wanted`, which does not run yet, and gives its path in the API.
pub(super) async fn make(
    api: &ApiClient,
    container: &ContainerId,
    wanted: &Value,
    doing: &str,
) -> Result<String, EngineError> {
    let made = api.post_json(&format!("{}/exec", container_path(container)), wanted).await;
    let made = made.map_err(|error| refused(api, container, doing, error))?;
    let id = api.read_json::<CreatedId>(made, doing).await?.id;
    Ok(format!("/exec/{}", id.chars().filter(char::is_ascii_alphanumeric).collect::<String>()))
}

/// Its exit status; `None` where it still runs at `deadline`, or the engine does not tell.
pub(super) async fn status(
    api: &ApiClient,
    path: &str,
    doing: &str,
    deadline: Instant,
) -> Result<Option<i64>, EngineError> {
    loop {
        let now: ExecDetails = api.get_json(&format!("{path}/json"), doing).await?;
        if !now.running || Instant::now() >= deadline {
            return Ok(now.exit_code.filter(|_| !now.running));
        }
        sleep(POLL).await;
    }
}

/// The engine's refusal, of which a container that is not there is a kind of its own.
pub(super) fn refused(api: &ApiClient, container: &ContainerId, doing: &str, error: docker_api::Error) -> EngineError {
    if is_missing(&error) {
        return EngineError::NotFound { what: format!("container {}", one_line(&container.0)) };
    }
    api.error(doing, error)
}

/// Reads to the end, or as far as the connection lasts; what is too much is left out.
async fn listen(mut body: Body, output: &mut Vec<u8>) {
    let mut streams = StdCopy::default();
    while let Some(Ok(chunk)) = body.next().await {
        streams.feed(&chunk, &mut |_, piece| {
            let room = LONGEST_OUTPUT - output.len();
            output.extend_from_slice(&piece[..piece.len().min(room)]);
        });
    }
}
