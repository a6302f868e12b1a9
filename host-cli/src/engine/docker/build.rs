//! A build whose context is streamed to the engine and whose answer is read to its end.

use super::images::remove_nameless;
use super::link::Link;
use super::stream::body_from;
use super::told::{self, Line};
use crate::engine::{EngineError, ImageId};
use containers_api::conn::{Headers, Payload};
use containers_api::url::encoded_pairs;
use std::io::Read;

const DOING: &str = "building an image";
/// Intermediate containers go, whatever happens; nothing is pulled and nothing needs a network, since our Dockerfiles
/// name an image that is here and run nothing. `layers` is Podman's, and no other engine's: one layer, or every step
/// leaves an image without a name that nothing hides and, where the build fails, nothing removes.
const OPTIONS: [(&str, &str); 4] = [("rm", "1"), ("forcerm", "1"), ("networkmode", "none"), ("layers", "0")];

/// Builds an image without a name; what a failed build made is removed again.
pub(super) async fn build(link: &Link, context: Box<dyn Read + Send>) -> Result<ImageId, EngineError> {
    let (body, reading) = body_from(context);
    let path = link.endpoint(&format!("/build?{}", encoded_pairs(OPTIONS)));
    let mut progress = Progress::default();
    let outcome = match link.client.post(path, Payload::XTar(body), Headers::none()).await {
        Ok(answer) => told::follow(link, answer, DOING, |line| progress.read(line)).await,
        Err(error) => Err(link.error(DOING, error)),
    };
    let Err(error) = outcome else {
        return progress.id.map(ImageId).ok_or_else(|| refused("the engine's answer ended without an image"));
    };
    for id in progress.made.iter().rev() {
        remove_nameless(link, &ImageId(id.clone())).await?;
    }
    match reading.await.unwrap_or(Ok(())) {
        Ok(()) => Err(error),
        Err(reason) => Err(refused(&format!("the layers cannot be read: {reason}"))),
    }
}

fn refused(reason: &str) -> EngineError {
    EngineError::Refused { doing: DOING.to_owned(), reason: reason.to_owned() }
}

/// What the lines of the answer have told so far.
#[derive(Default)]
struct Progress {
    id: Option<String>,
    /// Short ids of the images that this build made, in order; not those that it found ready.
    made: Vec<String>,
    found: bool,
}

impl Progress {
    fn read(&mut self, line: &Line) {
        if let Some(id) = line.aux.as_ref().and_then(|aux| aux.id.clone()) {
            self.id = Some(id);
        }
        let text = line.stream.trim();
        if let Some(step) = text.strip_prefix("Step ") {
            self.found = step.contains(" : FROM ");
        } else if text == "---> Using cache" {
            self.found = true;
        } else if let Some(id) = text.strip_prefix("---> ")
            && !self.found
            && id.chars().all(|c| c.is_ascii_hexdigit())
        {
            self.made.push(id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_made_is_told_apart_from_what_it_found() {
        let mut progress = Progress::default();
        for line in [
            r#"{"stream":"Step 1/4 : FROM sha256:aa"}"#,
            r#"{"stream":"\n"}"#,
            r#"{"stream":" ---\u003e aaaaaaaaaaaa\n"}"#,
            r#"{"stream":"Step 2/4 : LABEL a=b"}"#,
            r#"{"stream":" ---\u003e Using cache\n"}"#,
            r#"{"stream":" ---\u003e bbbbbbbbbbbb\n"}"#,
            r#"{"stream":"Step 3/4 : ADD a /"}"#,
            r#"{"stream":" ---\u003e cccccccccccc\n"}"#,
            r#"{"stream":"Step 4/4 : USER vcap"}"#,
            r#"{"stream":" ---\u003e Running in 123456789012\n"}"#,
            r#"{"stream":" ---\u003e dddddddddddd\n"}"#,
            r#"{"aux":{"ID":"sha256:dd"}}"#,
        ] {
            progress.read(&serde_json::from_str(line).unwrap());
        }
        assert_eq!(progress.made, ["cccccccccccc", "dddddddddddd"]);
        assert_eq!(progress.id.as_deref(), Some("sha256:dd"));
    }
}
