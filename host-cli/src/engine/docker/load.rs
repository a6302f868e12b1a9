//! An archive of images that is streamed to the engine, and whose answer is read to its end.

use super::link::Link;
use super::stream::body_from;
use super::told;
use crate::engine::EngineError;
use containers_api::conn::{Headers, Payload};
use std::io::Read;

const DOING: &str = "loading an image";

pub(super) async fn load(link: &Link, archive: Box<dyn Read + Send>) -> Result<(), EngineError> {
    let (body, reading) = body_from(archive);
    let path = link.endpoint("/images/load?quiet=1");
    let outcome = match link.client.post(path, Payload::XTar(body), Headers::none()).await {
        Ok(answer) => told::follow(link, answer, DOING, |_| {}).await,
        Err(error) => Err(link.error(DOING, error)),
    };
    let Err(error) = outcome else { return Ok(()) };
    match reading.await.unwrap_or(Ok(())) {
        Ok(()) => Err(error),
        Err(reason) => {
            let reason = format!("the layers cannot be read: {reason}");
            Err(EngineError::Refused { doing: DOING.to_owned(), reason })
        }
    }
}
