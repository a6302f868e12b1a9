//! What a build tells of the images that it makes. Pure.

use super::json_stream::JsonMessage;

/// What the lines of the answer have told so far.
#[derive(Default)]
pub(super) struct BuildLog {
    /// The image that the build made; `None` until it has said so.
    pub(super) id: Option<String>,
    /// Short ids of the images that this build made, in order; not those that it found ready.
    pub(super) made: Vec<String>,
    /// Whether the step that runs is one that made nothing.
    found: bool,
}

impl BuildLog {
    /// Takes one more line of the answer in.
    pub(super) fn read(&mut self, line: &JsonMessage) {
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
        let mut log = BuildLog::default();
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
            log.read(&serde_json::from_str(line).unwrap());
        }
        assert_eq!(log.made, ["cccccccccccc", "dddddddddddd"]);
        assert_eq!(log.id.as_deref(), Some("sha256:dd"));
    }
}
