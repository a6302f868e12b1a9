//! A container's log as it grows. A stream that breaks off, or ends before its container has, is read again from the start: what was
//! taken already is left out, and where a node has begun a new file meanwhile, that is said.

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

/// By so much of its start a log is known again.
const START: usize = 4 << 10;
const PIECE: usize = 32 << 10;

/// What has been taken of a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    bytes: u64,
    start: Vec<u8>,
}

impl Taken {
    /// These bytes came next.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let room = START.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..room]);
        self.bytes += bytes.len() as u64;
    }
}

/// News of a log.
#[derive(Clone, Debug)]
pub(crate) enum LogNews {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// What follows is not what came next: the node has begun a new file, and removed what was not read yet. What counts as taken of
    /// the new one.
    Gap(Taken),
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
    /// Reads a container's log from its start, but for what was `taken`, and goes on while the container does.
    pub(crate) fn follow(
        &self,
        (pod, container): (&str, &str),
        taken: Taken,
        tell: impl FnMut(LogNews) + Send + 'static,
    ) -> Following {
        let params = LogParams { container: Some(container.to_owned()), follow: true, ..LogParams::default() };
        self.stream(pod, params, taken, tell)
    }

    /// Reads a log as `params` say, but for what was `taken` of it.
    pub(crate) fn stream(
        &self,
        pod: &str,
        params: LogParams,
        taken: Taken,
        mut tell: impl FnMut(LogNews) + Send + 'static,
    ) -> Following {
        let (api, pod, answer) = (self.api::<Pod>(), pod.to_owned(), self.patience.answer);
        Following(self.runtime.spawn(async move {
            let error = read(&api, (&pod, &params), answer, taken, &mut tell).await;
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
    mut taken: Taken,
    tell: &mut (impl FnMut(LogNews) + Send),
) -> Result<(), ClusterError> {
    let what = format!("the log of pods/{pod}");
    let stream = match timeout(answer, api.log_stream(pod, params)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(ClusterError::of(&what, error)),
        Err(_) => return Err(ClusterError::silent(&what, answer)),
    };
    let mut stream = pin!(stream);
    let mut again = Again::of(&taken);
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
        let (gap, new) = again.take(&mut taken, &piece[..read]);
        // Who is told may be slow; nobody else's answers wait for that.
        if let Some(before) = gap {
            block_in_place(|| tell(LogNews::Gap(before)));
        }
        if !new.is_empty() {
            block_in_place(|| tell(LogNews::Bytes(new.to_vec())));
        }
    }
}

/// How much of a log that is read again was taken before.
struct Again {
    /// Bytes that were read of this stream.
    read: u64,
    /// Bytes to be left out.
    skip: u64,
}

impl Again {
    fn of(taken: &Taken) -> Self {
        Self { read: 0, skip: taken.bytes }
    }

    /// What of `piece` is new; and where the log is another one than before, what counts as taken of it until then.
    fn take<'a>(&mut self, taken: &mut Taken, piece: &'a [u8]) -> (Option<Taken>, &'a [u8]) {
        let at = usize::try_from(self.read).unwrap_or(usize::MAX);
        let known = taken.start.get(at.min(taken.start.len())..).unwrap_or_default();
        let common = known.len().min(piece.len());
        let is_another = self.skip > 0 && known[..common] != piece[..common];
        let gap = is_another.then(|| {
            // A new file: none of it was taken. Its first pieces, which looked like the old one's, are few and lost.
            (self.skip, taken.bytes) = (self.read, self.read);
            taken.start.truncate(at);
            taken.clone()
        });
        let left_out = self.skip.saturating_sub(self.read);
        self.read += piece.len() as u64;
        let new = &piece[usize::try_from(left_out).unwrap_or(usize::MAX).min(piece.len())..];
        taken.add(new);
        if self.read >= self.skip {
            self.skip = 0;
        }
        (gap, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_again(taken: &mut Taken, log: &[u8], piece: usize) -> (bool, Vec<u8>) {
        let mut again = Again::of(taken);
        let (mut gaps, mut new) = (false, Vec::new());
        for piece in log.chunks(piece) {
            let (gap, bytes) = again.take(taken, piece);
            gaps |= gap.is_some();
            new.extend_from_slice(bytes);
        }
        (gaps, new)
    }

    #[test]
    fn a_log_that_a_node_has_begun_anew_is_taken_whole_and_said_to_be_another() {
        let mut taken = Taken::default();
        assert_eq!(read_again(&mut taken, b"hello, first file", 5), (false, b"hello, first file".to_vec()));
        assert_eq!(read_again(&mut taken, b"second", 6), (true, b"second".to_vec()));
        assert_eq!(read_again(&mut taken, b"second, more", 4), (false, b", more".to_vec()));
    }

    proptest! {
        #[test]
        fn what_was_taken_of_a_log_is_not_taken_again(
            log in proptest::collection::vec(any::<u8>(), 0..20_000),
            ends in proptest::collection::vec(0..20_000_usize, 0..6),
            piece in 1..9_000_usize,
        ) {
            let (mut taken, mut all) = (Taken::default(), Vec::new());
            for end in ends.into_iter().map(|end| end.min(log.len())).chain([log.len()]) {
                let (gap, new) = read_again(&mut taken, &log[..end], piece);
                prop_assert!(!gap);
                all.extend(new);
            }
            prop_assert_eq!(all, log);
        }
    }
}
