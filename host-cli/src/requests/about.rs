//! Which app a request is for, however odd the request is. Looks at the document as plain JSON: what no type of ours
//! could take must still be found and listed.

use super::log_line::LogLine;
use serde_json::Value;
use serde_json::value::RawValue;
use shared_model::application::{self, Application};
use shared_model::environment::EnvironmentVariable;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;

/// Characters that a guid's start must have to be looked for.
const SHORTEST_GUID_START: usize = 8;
/// Characters of a whole guid.
const GUID: usize = 36;

/// Whose request it is. Any field may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// The app.
    pub(crate) application: Application,
    /// A launch request's process guid.
    pub(crate) process_guid: String,
    /// A staging request's guid.
    pub(crate) staging_guid: String,
    /// When the first of its signed URLs dies, in seconds since 1970; `None`: none is signed.
    pub(crate) expires: Option<i64>,
}

impl About {
    /// Reads a line's request.
    pub(crate) fn line(line: &LogLine<'_>) -> Self {
        let mut about = Self::document(line.document);
        if let Some(guid) = line.staging_guid.and_then(text) {
            about.staging_guid = guid;
        }
        if let Some(guid) = line.app_guid.and_then(text).filter(|_| about.application.guid.is_empty()) {
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
            "" => application::guid_of_process(process_guid).unwrap_or(process_guid),
            guid => guid,
        };
        let mut found = Found::default();
        found.look(&document);
        let vcap = found.vcap_application.map(|json| EnvironmentVariable::new("VCAP_APPLICATION", json));
        let callback = Some(SafeUrl::new(field("completion_callback_url")));
        let staging = TaskDefinition { completion_callback_url: callback, ..TaskDefinition::default() };
        Self {
            application: Application::found_in([vcap.as_slice()], guid),
            process_guid: process_guid.to_owned(),
            staging_guid: staging.staging_guid().unwrap_or_default().to_owned(),
            expires: found.expires,
        }
    }

    /// Whether the user's `app` means this request.
    pub(crate) fn answers_to(&self, app: &str) -> bool {
        answers_to(&self.application, app)
            || (!app.is_empty() && (self.process_guid == app || self.staging_guid == app))
    }
}

/// Whether the user's `app` means this application, by its name, its guid or the start of it.
pub(crate) fn answers_to(application: &Application, app: &str) -> bool {
    let guid = &application.guid;
    application.name == app
        || (!app.is_empty() && guid == app)
        || (app.len() >= SHORTEST_GUID_START && guid.starts_with(app))
}

/// True for a text that can mean one app only: a whole guid, or one with more behind it. Everything else may be a name
/// or the start of several guids, so that all logs must be looked through before it may be believed.
pub(crate) fn is_unmistakable(app: &str) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let is_guid_byte =
        |(at, byte): (usize, u8)| if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    app.len() >= GUID && app.bytes().take(GUID).enumerate().all(is_guid_byte)
}

/// What a walk through the whole document finds.
#[derive(Default)]
struct Found {
    vcap_application: Option<String>,
    expires: Option<i64>,
}

impl Found {
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

    const GUID_OF_APP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

    #[test]
    fn an_app_answers_to_its_name_its_guid_and_the_start_of_it() {
        let about = About {
            application: Application { name: "node-env".into(), guid: GUID_OF_APP.into(), ..Application::default() },
            process_guid: format!("{GUID_OF_APP}-v1"),
            staging_guid: "5a4f0a7e-1b4e-4f0c-9d65-0f1c9c6e7a11".into(),
            expires: None,
        };
        for app in ["node-env", GUID_OF_APP, "18c50a86", "18c50a86-b0", &about.process_guid, &about.staging_guid] {
            assert!(about.answers_to(app), "{app}");
        }
        for app in ["", "node", "18c50a8", "b045-5fed", "5a4f0a7e"] {
            assert!(!about.answers_to(app), "{app}");
        }
        assert!(!About::default().answers_to("x"));
    }

    #[test]
    fn only_a_whole_guid_is_unmistakable() {
        for app in [GUID_OF_APP.to_owned(), format!("{GUID_OF_APP}-9113e5012ad4561eb4e2fed4a292a667")] {
            assert!(is_unmistakable(&app), "{app}");
        }
        for app in
            ["node-env", "18c50a86", "18c50a86-b045-5fed-bae9-e6ea0338369", "18c50a86_b045_5fed_bae9_e6ea03383693"]
        {
            assert!(!is_unmistakable(app), "{app}");
        }
    }

    #[test]
    fn an_odd_request_is_still_somebodys() {
        let odd = r#"{"log_guid":"g","action":{"dance":{"env":[{"name":"VCAP_APPLICATION","value":"{\"name\":\"odd\"}"}],
            "from":"https://b/k?md5=x&expires=20","to":"https://b/l?md5=y&expires=10"}}}"#;
        let about = About::document(odd);
        assert_eq!((about.application.name.as_str(), about.application.guid.as_str()), ("odd", "g"));
        assert_eq!(about.expires, Some(10));
        assert_eq!(About::document("{"), About::default());
    }
}
