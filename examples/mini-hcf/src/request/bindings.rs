//! How an app is told of its services: in a variable, or in files, which the cell mounts.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::request::json::{Json, object};

/// Where the cell mounts the files.
const MOUNTED: &str = "/etc/cf-service-bindings";

/// Features of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bindings {
    /// `VCAP_SERVICES`.
    Variable,
    /// `file-based-vcap-services`: what would be in that variable is in one file.
    File,
    /// `service-binding-k8s`: a folder a binding, a file an entry.
    Folders,
}

impl FromStr for Bindings {
    type Err = String;

    fn from_str(text: &str) -> Result<Bindings, String> {
        match text {
            "file-based-vcap-services" => Ok(Bindings::File),
            "service-binding-k8s" => Ok(Bindings::Folders),
            other => {
                Err(format!("`{other}` is no feature; there are file-based-vcap-services and service-binding-k8s"))
            }
        }
    }
}

impl Bindings {
    /// The variable that tells of these services, the JSON text of `VCAP_SERVICES`.
    pub(crate) fn variable(self, services: &str) -> (String, String) {
        let (name, value) = match self {
            Bindings::Variable => ("VCAP_SERVICES", services.to_owned()),
            Bindings::File => ("VCAP_SERVICES_FILE_PATH", format!("{MOUNTED}/vcap_services")),
            Bindings::Folders => ("SERVICE_BINDING_ROOT", MOUNTED.to_owned()),
        };
        (name.to_owned(), value)
    }

    /// The files, in Cloud Controller's order; `null` where there are none.
    pub(crate) fn files(self, services: &str) -> Json {
        let file = |path: String, content: String| object! { "path": path, "content": content };
        let files: Vec<Json> = match self {
            Bindings::Variable => Vec::new(),
            Bindings::File => vec![file("vcap_services".to_owned(), services.to_owned())],
            Bindings::Folders => entries(services).into_iter().map(|(path, content)| file(path, content)).collect(),
        };
        if files.is_empty() { Json::Null } else { Json::List(files) }
    }
}

/// `<binding>/<key>` and text: the credentials, then the rest, then the type. What is empty is left out.
fn entries(services: &str) -> Vec<(String, String)> {
    let all: Map<String, Value> = serde_json::from_str(services).unwrap_or_default();
    let bindings = all.values().filter_map(Value::as_array).flatten().filter_map(Value::as_object);
    bindings.flat_map(of_one).collect()
}

fn of_one(binding: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    };
    let name = binding.get("name").map(text).unwrap_or_default();
    let label = binding.get("label").map(text).unwrap_or_default();
    let credentials = binding.get("credentials").and_then(Value::as_object).into_iter().flatten();
    let rest = binding.iter().filter(|(key, value)| *key != "credentials" && !is_empty(value));
    let kind = ["type", "provider"].map(|key| (key.to_owned(), label.clone()));
    let given = credentials.chain(rest).map(|(key, value)| (key.clone(), text(value)));
    given.chain(kind).map(|(key, value)| (format!("{name}/{key}"), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_of_a_binding_is_a_file() {
        let services = r#"{"user-provided":[{"name":"db","label":"user-provided","tags":[],"credentials":{"uri":"u&p","port":5432},"syslog_drain_url":""}]}"#;
        let Json::List(files) = Bindings::Folders.files(services) else { panic!("no files") };
        let mut paths: Vec<String> = files
            .iter()
            .map(|file| match (file.get("path"), file.get("content")) {
                (Some(Json::Text(path)), Some(Json::Text(content))) => format!("{path}={content}"),
                _ => panic!("{file:?}"),
            })
            .collect();
        paths.sort();
        let label = "user-provided";
        let expected =
            [("label", label), ("name", "db"), ("port", "5432"), ("provider", label), ("type", label), ("uri", "u&p")];
        assert_eq!(paths, expected.map(|(key, content)| format!("db/{key}={content}")));
    }

    #[test]
    fn without_the_feature_there_is_a_variable_and_no_file() {
        assert_eq!(Bindings::Variable.files("{}"), Json::Null);
        assert_eq!(Bindings::Folders.files("{}"), Json::Null);
        assert_eq!(Bindings::File.variable("{}").1, "/etc/cf-service-bindings/vcap_services");
        assert_eq!(Bindings::Variable.variable("{}"), ("VCAP_SERVICES".to_owned(), "{}".to_owned()));
    }
}
