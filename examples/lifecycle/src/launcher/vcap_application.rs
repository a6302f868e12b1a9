//! What Cloud Controller cannot know when it writes `VCAP_APPLICATION`: which instance this is, and its port.

use crate::go_json;
use serde_json::{Map, Value};

/// The document with host, instance and port added, or `None` where it is no JSON object and stays as it is.
/// `INSTANCE_INDEX` and `INSTANCE_GUID` feed it in every version, not `CF_INSTANCE_…`.
pub(super) fn complete(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    fields.insert("host".to_owned(), "0.0.0.0".into());
    fields.insert("instance_id".to_owned(), variable("INSTANCE_GUID").unwrap_or_default().into());
    for (field, name) in [("port", "PORT"), ("instance_index", "INSTANCE_INDEX")] {
        if let Some(number) = variable(name).and_then(|text| text.parse::<i64>().ok()) {
            fields.insert(field.to_owned(), number.into());
        }
    }
    Some(go_json::encode(&Value::Object(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_and_port_are_added_and_keys_sorted() {
        let variable = |name: &str| match name {
            "INSTANCE_GUID" => Some("guid-1".to_owned()),
            "INSTANCE_INDEX" => Some("3".to_owned()),
            "PORT" => Some("8080".to_owned()),
            "CF_INSTANCE_INDEX" => Some("7".to_owned()),
            _ => None,
        };
        assert_eq!(
            complete(r#"{"name":"a<b","limits":{"mem":32,"fds":12345678901234567}}"#, &variable).unwrap(),
            r#"{"host":"0.0.0.0","instance_id":"guid-1","instance_index":3,"limits":{"fds":12345678901234568,"mem":32},"name":"a\u003cb","port":8080}"#
        );
    }

    #[test]
    fn what_is_missing_or_not_numeric_is_left_out() {
        let variable = |name: &str| (name == "PORT").then(|| "http".to_owned());
        assert_eq!(complete("{}", &variable).unwrap(), r#"{"host":"0.0.0.0","instance_id":""}"#);
        for text in ["", "[]", "null", "{", "3"] {
            assert_eq!(complete(text, &variable), None);
        }
    }
}
