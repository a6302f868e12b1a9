//! What the builder tells others: the result file for Cloud Controller, `metadata.toml` for the launcher.

use super::build::Built;
use super::layers::{ProcessFile, Words};
use crate::go_json::quote;
use std::fmt::Write as _;

/// One JSON object.
pub(super) fn result_json(built: &Built) -> String {
    let buildpacks = built.buildpacks.iter().map(|(one, _)| {
        let (id, version) = &one.name;
        // The name holds the version already; so does the real one's.
        format!("{{\"key\":{},\"name\":{},\"version\":{}}}", quote(id), quote(&one.full_name()), quote(version))
    });
    let types = built.processes().into_iter().map(|(_, process)| {
        format!("{}:{}", quote(&process.kind), quote(&[command(process), process.args.clone()].concat().join(" ")))
    });
    format!(
        "{{\"lifecycle_metadata\":{{\"buildpacks\":[{}]}},\"process_types\":{{{}}},\"execution_metadata\":\"\",\"lifecycle_type\":\"cnb\"}}",
        joined(buildpacks),
        joined(types)
    )
}

/// The file that the launcher starts from.
pub(super) fn metadata_toml(built: &Built) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(default) = built.default_process() {
        let _ = writeln!(text, "buildpack-default-process-type = {}", basic(&default));
    }
    for (one, _) in &built.buildpacks {
        let (id, version) = &one.name;
        let (id, version, api) = (basic(id), basic(version), basic(&one.api));
        let _ = writeln!(text, "[[buildpacks]]\n  id = {id}\n  version = {version}\n  api = {api}");
        if !one.homepage.is_empty() {
            let _ = writeln!(text, "  homepage = {}", basic(&one.homepage));
        }
    }
    for (one, process) in built.processes() {
        let kind = basic(&process.kind);
        let _ = writeln!(text, "[[processes]]\n  type = {kind}\n  command = {}", list(&command(process)));
        if !process.args.is_empty() {
            let _ = writeln!(text, "  args = {}", list(&process.args));
        }
        let _ = writeln!(text, "  direct = {}\n  buildpack-id = {}", process.direct, basic(&one.name.0));
        if !process.working_dir.is_empty() {
            let _ = writeln!(text, "  working-dir = {}", basic(&process.working_dir));
        }
    }
    text
}

fn command(process: &ProcessFile) -> Vec<String> {
    match &process.command {
        Words::One(command) => vec![command.clone()],
        Words::List(words) => words.clone(),
    }
}

/// A TOML string between double quotes, whose escapes are JSON's.
fn basic(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| basic(word)).collect::<Vec<_>>().join(", "))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}
