//! The launcher: the image's own entrypoint and command, or the app's start command in the image's shell.

use super::metadata::ExecutionMetadata;
use crate::launcher::complete_vcap_application;
use std::path::PathBuf;

/// The shell of an image, wherever its PATH has it.
const SHELL: &str = "/bin/sh";

/// What the launcher is started with.
pub struct Launch<'a> {
    /// All arguments, the program's name first: `launcher <ignored> <start command> <metadata>`.
    pub arguments: &'a [String],
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// The app's process.
#[derive(Debug, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments; the program is looked for in PATH.
    pub words: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables to set over the inherited ones.
    pub environment: Vec<(&'static str, String)>,
}

impl Launch<'_> {
    /// What to run.
    ///
    /// # Errors
    /// The text for stderr, after which the launcher ends with 1: too few arguments, metadata that are no JSON, or no
    /// start command anywhere.
    pub fn process(&self) -> Result<Process, String> {
        let [program, _, command, metadata, ..] = self.arguments else {
            let program = self.arguments.first().map_or("launcher", String::as_str);
            let count = self.arguments.len().saturating_sub(1);
            return Err(format!(
                "{program}: received only {count} arguments\nUsage: {program} <ignored> <start command> <metadata>"
            ));
        };
        let metadata: ExecutionMetadata = match metadata.as_str() {
            "" => ExecutionMetadata::default(),
            text => serde_json::from_str(text).map_err(|why| format!("Invalid metadata - {why}"))?,
        };
        let words = if command.is_empty() {
            metadata.entrypoint.into_iter().chain(metadata.cmd).collect()
        } else {
            vec![SHELL.to_owned(), "-c".to_owned(), command.clone()]
        };
        if words.is_empty() {
            return Err("No start command found or specified".to_owned());
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(format!("{program}: the start command holds a NUL byte"));
        }
        let directory = if metadata.workdir.is_empty() { "/".into() } else { metadata.workdir.into() };
        let completed = (self.variable)("VCAP_APPLICATION")
            .and_then(|text| complete_vcap_application(&text, self.variable))
            .map(|text| ("VCAP_APPLICATION", text));
        Ok(Process { words, directory, environment: completed.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(arguments: &[&str]) -> Result<Process, String> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Launch { arguments: &arguments, variable: &|_| None }.process()
    }

    #[test]
    fn without_a_start_command_the_image_is_started_as_docker_does() {
        let metadata =
            r#"{"entrypoint":["/e"],"cmd":["a","b c"],"workdir":"/srv","ports":[{"Port":1,"Protocol":"tcp"}]}"#;
        let started = process(&["launcher", "app", "", metadata]).unwrap();
        assert_eq!((started.words, started.directory), (vec!["/e".into(), "a".into(), "b c".into()], "/srv".into()));
        let started = process(&["launcher", "app", "x $PORT", metadata]).unwrap();
        assert_eq!(started.words, ["/bin/sh", "-c", "x $PORT"]);
        assert_eq!(process(&["launcher", "app", "x", ""]).unwrap().directory, PathBuf::from("/"));
    }

    #[test]
    fn what_cannot_be_started_is_said() {
        assert_eq!(process(&["launcher", "app", "", "{}"]).unwrap_err(), "No start command found or specified");
        assert!(process(&["launcher", "app", "", "{"]).unwrap_err().starts_with("Invalid metadata - "));
        let text = "launcher: received only 2 arguments\nUsage: launcher <ignored> <start command> <metadata>";
        assert_eq!(process(&["launcher", "app", "x"]).unwrap_err(), text);
    }
}
