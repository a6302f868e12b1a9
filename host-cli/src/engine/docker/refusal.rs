//! What an engine's refusal means: nobody there, not for us, not found, or its own words made safe for a line of text.

use crate::engine::EngineError;
use containers_api::conn::hyper::{Body, Response, StatusCode};
use futures_util::StreamExt;
use serde::Deserialize;
use shared_model::plain_line::escape_control;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;

/// The most bytes of a refusal's body that are read.
const LONGEST_REFUSAL: usize = 64 << 10;
/// The header in which an engine describes a path of a container.
pub(super) const PATH_STAT: &str = "x-docker-container-path-stat";
/// The most characters of an engine's words that become part of an error.
const LONGEST_REASON: usize = 1000;

/// An answer that is none of the good ones becomes an error with the engine's message. The type is containers-api's.
pub(super) fn check(
    answer: Response<Body>,
) -> Pin<Box<dyn Future<Output = Result<Response<Body>, docker_api::Error>> + Send + Sync>> {
    let (parts, body) = answer.into_parts();
    let code = parts.status;
    if code.is_success() || code == StatusCode::SWITCHING_PROTOCOLS {
        return Box::pin(std::future::ready(Ok(Response::from_parts(parts, body))));
    }
    // A path that is not there may be a link all the same; where it leads is worth more than that.
    let path = parts.headers.get(PATH_STAT).and_then(|stat| stat.to_str().ok()).map(str::to_owned);
    Box::pin(async move {
        let message = match path.filter(|_| code == StatusCode::NOT_FOUND) {
            Some(path) => path,
            None => message(code, body).await,
        };
        Err(docker_api::Error::Fault { code, message })
    })
}

/// Podman answers a push that has failed with a line of the stream that it might have begun.
#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(alias = "error")]
    message: String,
}

async fn message(code: StatusCode, mut body: Body) -> String {
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = body.next().await {
        bytes.extend_from_slice(&chunk[..chunk.len().min(LONGEST_REFUSAL - bytes.len())]);
        if bytes.len() == LONGEST_REFUSAL {
            break;
        }
    }
    match serde_json::from_slice::<ErrorResponse>(&bytes) {
        Ok(refusal) => refusal.message,
        Err(_) if bytes.is_empty() => code.to_string(),
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Whether the engine says that what was asked about is not there.
pub(super) fn is_missing(error: &docker_api::Error) -> bool {
    has_code(error, StatusCode::NOT_FOUND)
}

/// Whether the engine could not answer since something was gone when it looked: `content digest …: not found`, with 404 or 500.
pub(super) fn names_what_is_gone(error: &docker_api::Error) -> bool {
    is_missing(error) || matches!(error, docker_api::Error::Fault { message, .. } if message.ends_with("not found"))
}

/// Whether the engine answered with this code.
pub(super) fn has_code(error: &docker_api::Error, wanted: StatusCode) -> bool {
    matches!(error, docker_api::Error::Fault { code, .. } if *code == wanted)
}

/// The error of a call as ours.
pub(super) fn engine_error(address: &str, doing: &str, error: docker_api::Error) -> EngineError {
    let (address, doing) = (address.to_owned(), doing.to_owned());
    match error {
        docker_api::Error::Fault { code, message } if matches!(code.as_u16(), 401 | 403) => {
            EngineError::Forbidden { address, reason: one_line(&message) }
        }
        docker_api::Error::Fault { message, .. } => EngineError::Refused { doing, reason: one_line(&message) },
        other => match io_cause(&other) {
            Some(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                EngineError::Forbidden { address, reason: "permission denied".to_owned() }
            }
            Some(cause) if is_absence(cause.kind()) => {
                EngineError::Unreachable { address, reason: one_line(&cause.to_string()) }
            }
            Some(cause) => EngineError::Refused { doing, reason: format!("the connection broke: {cause}") },
            None if is_cut(&other) => {
                EngineError::Refused { doing, reason: "the connection broke: the engine closed it".to_owned() }
            }
            None => EngineError::Refused { doing, reason: one_line(&other.to_string()) },
        },
    }
}

/// Whether the engine went away without an answer.
fn is_cut(error: &docker_api::Error) -> bool {
    use containers_api::conn::Error as Inner;
    match error {
        docker_api::Error::Hyper(cause) | docker_api::Error::Error(Inner::Hyper(cause)) => {
            cause.is_incomplete_message() || cause.is_closed() || cause.is_canceled()
        }
        _ => false,
    }
}

fn is_absence(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    // `Other` and `Uncategorized` are what a name that does not resolve gives.
    !matches!(kind, Kind::ConnectionReset | Kind::BrokenPipe | Kind::UnexpectedEof | Kind::ConnectionAborted)
}

fn io_cause(error: &docker_api::Error) -> Option<&io::Error> {
    // These two pass their inner error's source on, and not the inner error itself.
    if let docker_api::Error::IO(cause) | docker_api::Error::Error(containers_api::conn::Error::IO(cause)) = error {
        return Some(cause);
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// Foreign words as one line, harmless for a terminal and bounded.
pub(super) fn one_line(text: &str) -> String {
    let joined = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let safe = escape_control(&joined);
    match safe.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &safe[..end]),
        None => safe.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_let_in_is_told_apart_from_nobody_at_home_and_from_a_refusal() {
        let of = |kind: io::ErrorKind| engine_error("unix:///s", "doing this", docker_api::Error::IO(kind.into()));
        assert!(matches!(of(io::ErrorKind::PermissionDenied), EngineError::Forbidden { .. }));
        assert!(matches!(of(io::ErrorKind::NotFound), EngineError::Unreachable { .. }));
        assert!(matches!(of(io::ErrorKind::ConnectionRefused), EngineError::Unreachable { .. }));
        let broke = of(io::ErrorKind::ConnectionReset).to_string();
        assert!(broke.starts_with("doing this: the connection broke"), "{broke}");
        let fault = |code, message: &str| {
            engine_error("unix:///s", "doing this", docker_api::Error::Fault { code, message: message.to_owned() })
        };
        assert!(matches!(fault(StatusCode::FORBIDDEN, "plugin"), EngineError::Forbidden { .. }));
        assert_eq!(fault(StatusCode::CONFLICT, "in\nuse\u{1b}[2J").to_string(), "doing this: in; use\\u{1b}[2J");
    }

    #[test]
    fn the_reason_is_found_in_each_form_of_a_refusal() {
        for body in [r#"{"message":"why"}"#, r#"{"errorDetail":{"message":"why"},"error":"why"}"#, "why"] {
            let message = futures_util::future::FutureExt::now_or_never(message(StatusCode::CONFLICT, body.into()));
            assert_eq!(message.as_deref(), Some("why"), "{body}");
        }
    }

    #[test]
    fn an_engines_words_become_one_safe_bounded_line() {
        assert_eq!(one_line("bad\n  worse\r\n\n\u{7}bell\n"), "bad; worse; \\u{7}bell");
        assert_eq!(one_line(&"é".repeat(5000)).chars().count(), LONGEST_REASON + 1);
    }
}
