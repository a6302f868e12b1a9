//! A container's log as it comes: told of beside all else, or read to its end. What breaks off is for others to read again.

use super::{Cluster, ClusterError};
use futures_util::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::timeout;

const PIECE: usize = 32 << 10;

/// News of a log.
#[derive(Clone, Debug)]
pub(crate) enum LogNews {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// No more comes from this stream; the error that ended it, if one did.
    Ended(Option<ClusterError>),
}

/// A log that is read until this is dropped.
pub(crate) struct Following(JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Cluster {
    /// Reads a log as `params` say, and goes on while its container does where that is wanted.
    pub(crate) fn stream(
        &self,
        pod: &str,
        params: LogParams,
        mut tell: impl FnMut(LogNews) + Send + 'static,
    ) -> Following {
        let (api, pod, answer) = (self.api::<Pod>(), pod.to_owned(), self.patience.answer);
        Following(self.runtime.spawn(async move {
            let error = read(&api, (&pod, &params), answer, &mut tell).await;
            block_in_place(|| tell(LogNews::Ended(error.err())));
        }))
    }
}

impl Cluster {
    /// Gives a log as `params` say to `output` as it comes, until that says that it is enough. Unlike [`Self::stream`] it waits for
    /// `output`, and so does the cluster. A log that is followed and says nothing for a while ends as if that were all: whether its
    /// container is as quiet, or the connection was lost without a word, nobody can tell but by reading on anew.
    pub(crate) fn read_log(
        &self,
        pod: &str,
        params: &LogParams,
        output: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), ClusterError> {
        let (api, what) = (self.api::<Pod>(), format!("the log of pods/{pod}"));
        let bound = if params.follow { self.patience.silent } else { self.patience.answer };
        let silent = || if params.follow { Ok(()) } else { Err(ClusterError::silent(&what, bound)) };
        self.runtime.block_on(async {
            // A node says nothing at all, not even that it will, until there is a first byte.
            let Ok(stream) = timeout(bound, api.log_stream(pod, params)).await else { return silent() };
            let stream = stream.map_err(|error| ClusterError::of(&what, error))?;
            let (mut stream, mut piece) = (pin!(stream), vec![0; PIECE]);
            loop {
                let Ok(read) = timeout(bound, stream.read(&mut piece)).await else { return silent() };
                match read {
                    Ok(0) => return Ok(()),
                    Ok(read) if output(&piece[..read]).is_break() => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(ClusterError::of(&what, kube::Error::ReadEvents(error))),
                }
            }
        })
    }
}

async fn read(
    api: &Api<Pod>,
    (pod, params): (&str, &LogParams),
    answer: Duration,
    tell: &mut (impl FnMut(LogNews) + Send),
) -> Result<(), ClusterError> {
    let what = format!("the log of pods/{pod}");
    let stream = match timeout(answer, api.log_stream(pod, params)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(ClusterError::of(&what, error)),
        Err(_) => return Err(ClusterError::silent(&what, answer)),
    };
    let mut stream = pin!(stream);
    let mut piece = vec![0; PIECE];
    loop {
        // It may be silent as long as its container is, where it is followed; who waits for it looks at the pod beside it.
        let bound = if params.follow { Duration::MAX } else { answer };
        let Ok(read) = timeout(bound, stream.read(&mut piece)).await else {
            return Err(ClusterError::silent(&what, answer));
        };
        let read = match read {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) => return Err(ClusterError::of(&what, kube::Error::ReadEvents(error))),
        };
        // Who is told may be slow; nobody else's answers wait for that.
        let bytes = piece.get(..read).unwrap_or_default().to_vec();
        block_in_place(|| tell(LogNews::Bytes(bytes)));
    }
}
