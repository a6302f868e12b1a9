//! The run action of a request, as it was logged: wherever it stands in the tree, byte for byte.

use serde_json::Value;
use serde_json::value::RawValue;
use shared_model::process_type::names_a_sidecar;
use std::collections::BTreeMap;

/// Deeper trees are not looked into; serde itself takes no deeper document.
const DEEPEST: usize = 128;

/// The builder's run of a staging request: the first whose program is called `builder`.
pub(crate) fn builder(document: &str) -> Option<&str> {
    first(document, &|run| program(run) == Some("builder"))
}

/// The launcher's run of a launch request: the first whose log source does not name a sidecar.
pub(crate) fn launcher(document: &str) -> Option<&str> {
    let is_sidecar = |run: &Value| {
        let source = run.get("log_source").and_then(Value::as_str).unwrap_or_default();
        names_a_sidecar(source)
    };
    first(document, &|run| program(run) == Some("launcher") && !is_sidecar(run))
}

fn program(run: &Value) -> Option<&str> {
    run.get("path")?.as_str()?.rsplit('/').next()
}

fn first<'a>(document: &'a str, wanted: &dyn Fn(&Value) -> bool) -> Option<&'a str> {
    let document: BTreeMap<String, &RawValue> = serde_json::from_str(document).ok()?;
    search(document.get("action")?.get(), wanted, DEEPEST)
}

fn search<'a>(text: &'a str, wanted: &dyn Fn(&Value) -> bool, depth: usize) -> Option<&'a str> {
    let depth = depth.checked_sub(1)?;
    if text.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return list.into_iter().find_map(|item| search(item.get(), wanted, depth));
    }
    if !text.starts_with('{') {
        return None;
    }
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    object.into_iter().find_map(|(key, value)| match key.as_str() {
        "run" => serde_json::from_str(value.get()).is_ok_and(|run: Value| wanted(&run)).then_some(value.get()),
        _ => search(value.get(), wanted, depth),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_at_any_depth_and_given_as_it_stands() {
        let request = r#"{"action":{"timeout":{"action":{"serial":{"actions":[{"run":{"path":"/a"}},
            {"try":{"action":{"run": {"path" : "/tmp/lifecycle/builder","n":1.0} }}}]}}}}}"#;
        assert_eq!(builder(request), Some(r#"{"path" : "/tmp/lifecycle/builder","n":1.0}"#));
        assert_eq!(launcher(request), None);
    }

    #[test]
    fn a_sidecar_is_not_taken_for_the_app() {
        let request = r#"{"action":{"codependent":{"actions":[
            {"run":{"path":"/l/launcher","log_source":"APP/PROC/WEB/SIDECAR/X"}},{"run":{"path":"/l/launcher","args":["app"]}}]}}}"#;
        assert_eq!(launcher(request), Some(r#"{"path":"/l/launcher","args":["app"]}"#));
    }

    #[test]
    fn a_process_type_called_sidecar_is_an_app() {
        let request = r#"{"action":{"run":{"path":"/l/launcher","log_source":"APP/PROC/SIDECAR"}}}"#;
        assert_eq!(launcher(request), Some(r#"{"path":"/l/launcher","log_source":"APP/PROC/SIDECAR"}"#));
    }

    #[test]
    fn odd_documents_have_no_run() {
        let deep = format!("{{\"action\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        for document in ["", "[]", "{}", r#"{"action":null}"#, r#"{"action":{"run":7}}"#, &deep] {
            assert_eq!(builder(document), None);
        }
    }
}
