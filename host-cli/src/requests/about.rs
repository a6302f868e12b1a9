//! Which app a request is for, however odd the request is. Looks at the document as plain JSON: what no type of ours
//! could take must still be found and listed.

use super::forms::Found;
use super::request::{Request, RequestKind};
use crate::app_ref::{AnswersBy, AppRef};
use serde_json::Value;
use serde_json::value::RawValue;
use shared_model::application::{self, Application};
use shared_model::environment::EnvironmentVariable;
use shared_model::process_type::{names_a_sidecar, process_type};
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;

/// Whose request it is. Any field may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// The app.
    pub(crate) application: Application,
    /// A launch request's process guid.
    pub(crate) process_guid: String,
    /// A launch request's process type; web's where nothing names one.
    pub(crate) process_type: String,
    /// A staging's guid, or that of a plain task.
    pub(crate) staging_guid: String,
    /// When the first of its signed URLs dies, in seconds since 1970; `None`: none is signed.
    pub(crate) expires: Option<i64>,
}

impl About {
    /// Reads a request where it was found.
    pub(crate) fn found(found: &Found<'_>) -> Self {
        let mut about = Self::document(found.document);
        if let Some(guid) = found.staging_guid.and_then(text) {
            about.staging_guid = guid;
        }
        if found.kind == RequestKind::Launch {
            about.staging_guid.clear();
        }
        if let Some(guid) = found.app_guid.and_then(text).filter(|_| about.application.guid.is_empty()) {
            about.application.guid = guid;
        }
        about
    }

    /// Reads a request alone. Anything is taken; what is no JSON is about nothing.
    pub(crate) fn document(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let field = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        let process_guid = field("process_guid");
        let guid = match field("log_guid") {
            "" => application::app_guid(process_guid).unwrap_or(process_guid),
            guid => guid,
        };
        let mut walk = Walk::default();
        walk.look(&document);
        let tags = document.get("metric_tags");
        let process_type = process_type(walk.vcap_application.as_deref(), tags, walk.log_source.as_deref());
        let vcap = walk.vcap_application.map(|json| EnvironmentVariable::new("VCAP_APPLICATION", json));
        let callback = Some(SafeUrl::new(field("completion_callback_url")));
        let staging = TaskDefinition { completion_callback_url: callback, ..TaskDefinition::default() };
        Self {
            application: Application::found_in([vcap.as_slice()], guid),
            process_guid: process_guid.to_owned(),
            process_type,
            staging_guid: staging.staging_guid().unwrap_or_default().to_owned(),
            expires: walk.expires,
        }
    }

    /// The request that this is about.
    pub(crate) fn of(self, found: &Found<'_>) -> Request {
        Request {
            kind: found.kind,
            document: found.document.to_owned(),
            time: found.time,
            staging_guid: Some(self.staging_guid).filter(|guid| !guid.is_empty()),
            application: self.application,
            warnings: Vec::new(),
        }
    }

    /// By what the user's `app` means this request; `None`: it does not.
    pub(crate) fn answers_to(&self, app: &AppRef) -> Option<AnswersBy> {
        app.means_one_of(&self.application, &[&self.process_guid, &self.staging_guid])
    }
}

/// What a walk through the whole document finds.
#[derive(Default)]
struct Walk {
    vcap_application: Option<String>,
    /// Of the first launcher that is no sidecar's.
    log_source: Option<String>,
    expires: Option<i64>,
}

impl Walk {
    fn look(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.starts_with("http") => {
                let expires = SafeUrl::new(text.as_str()).expires();
                self.expires = [self.expires, expires].into_iter().flatten().min();
            }
            Value::Array(list) => list.iter().for_each(|value| self.look(value)),
            Value::Object(object) => {
                let text = |key| object.get(key).and_then(Value::as_str);
                if self.vcap_application.is_none() && text("name") == Some("VCAP_APPLICATION") {
                    self.vcap_application = text("value").map(str::to_owned);
                }
                let is_launcher = text("path").is_some_and(|path| path.rsplit('/').next() == Some("launcher"));
                let source = text("log_source").filter(|source| is_launcher && !names_a_sidecar(source));
                if self.log_source.is_none() {
                    self.log_source = source.map(str::to_owned);
                }
                object.values().for_each(|value| self.look(value));
            }
            _ => {}
        }
    }
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_request_is_still_somebodys() {
        let odd = r#"{"log_guid":"g","action":{"dance":{"env":[{"name":"VCAP_APPLICATION","value":"{\"name\":\"odd\"}"}],
            "from":"https://b/k?md5=x&expires=20","to":"https://b/l?md5=y&expires=10"}}}"#;
        let about = About::document(odd);
        assert_eq!((about.application.name.as_str(), about.application.guid.as_str()), ("odd", "g"));
        assert_eq!(about.expires, Some(10));
        assert_eq!(About::document("{"), About { process_type: "web".to_owned(), ..About::default() });
    }

    #[test]
    fn an_odd_request_is_of_its_process_type_too() {
        let odd = r#"{"check_definition":{"checks":[{"grpc_check":{}}]},"ports":[-1],"action":{"codependent":{"actions":[
            {"run":{"path":"/l/launcher","log_source":"APP/PROC/CLOCK/SIDECAR/X"}},{"run":{"path":"/l/launcher","log_source":"APP/PROC/CLOCK"}}]}}}"#;
        assert_eq!(About::document(odd).process_type, "clock");
        let named = odd.replace(r#""ports":"#, r#""metric_tags":{"process_type":{"static":"worker"}},"ports":"#);
        assert_eq!(About::document(&named).process_type, "worker");
    }
}
