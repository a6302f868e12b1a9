//! JSON whose keys keep their order, printed as Go's `encoding/json` or as Ruby's `to_json` prints it.
//! The real components write their keys in struct order, and tests compare whole lines.

use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

/// A JSON value; an object keeps the order in which its keys were given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// Left out of the object that holds it, as Go's `omitempty` does; `null` elsewhere.
    Absent,
    /// `null`, where Go prints a nil that has no `omitempty`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; nothing else occurs in a request.
    Number(i64),
    /// A string, not escaped.
    Text(String),
    /// An array; the empty one is `[]`.
    List(Vec<Json>),
    /// An object, keys in the order given.
    Object(Vec<(String, Json)>),
}

/// `object! { "key": value, … }`; a value that is `None` leaves its key out.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::request::json::Json::Object(vec![
            $(($key.to_owned(), $crate::request::json::Json::from($value))),*
        ])
    };
}
pub(crate) use object;

impl Json {
    /// The text of an array of strings.
    pub(crate) fn texts<T: AsRef<str>>(texts: &[T]) -> Json {
        Json::List(texts.iter().map(|text| Json::from(text.as_ref())).collect())
    }

    /// What an object has under this key; `None` for everything else.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// An object with `value` under this key: in the place of the one that is there, else at its end.
    pub(crate) fn with(mut self, key: &str, value: Json) -> Json {
        if let Json::Object(entries) = &mut self {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
        self
    }

    /// An object with a new key behind another one, else at its end.
    pub(crate) fn with_behind(mut self, other: &str, key: &str, value: Json) -> Json {
        if let Json::Object(entries) = &mut self {
            let at = entries.iter().position(|(name, _)| name == other).map_or(entries.len(), |at| at + 1);
            entries.insert(at, (key.to_owned(), value));
        }
        self
    }

    /// As Go prints it: `<`, `>`, `&`, U+2028 and U+2029 escaped. This is what stands in a log.
    pub(crate) fn to_go(&self) -> String {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter);
        self.serialize(&mut serializer).expect("text keys and a vector cannot fail");
        String::from_utf8(out).expect("serde_json writes UTF-8")
    }

    /// As Cloud Controller prints it: without those escapes. This is what stands in `VCAP_APPLICATION`.
    pub(crate) fn to_ruby(&self) -> String {
        serde_json::to_string(self).expect("text keys and a string cannot fail")
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Absent | Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(value) => serializer.serialize_i64(*value),
            Json::Text(value) => serializer.serialize_str(value),
            Json::List(values) => serializer.collect_seq(values),
            Json::Object(entries) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in entries {
                    if *value != Json::Absent {
                        map.serialize_entry(key, value)?;
                    }
                }
                map.end()
            }
        }
    }
}

struct GoFormatter;

impl GoFormatter {
    fn write_escaped<W: ?Sized + io::Write>(writer: &mut W, text: &str) -> io::Result<()> {
        for character in text.chars() {
            match character {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    write!(writer, "\\u{:04x}", u32::from(character))?;
                }
                other => writer.write_all(other.encode_utf8(&mut [0; 4]).as_bytes())?,
            }
        }
        Ok(())
    }
}

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        GoFormatter::write_escaped(writer, fragment)
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: serde_json::ser::CharEscape,
    ) -> io::Result<()> {
        use serde_json::ser::CharEscape;
        // Go knows short forms of \n, \r and \t only, and of \b and \f since Go 1.22.
        match escape {
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            other => CompactFormatter.write_char_escape(writer, other),
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Json {
        Json::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Json {
        Json::Number(value)
    }
}

impl From<i32> for Json {
    fn from(value: i32) -> Json {
        Json::Number(value.into())
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Json {
        Json::Number(value.into())
    }
}

impl From<Vec<Json>> for Json {
    fn from(values: Vec<Json>) -> Json {
        Json::List(values)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Absent, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_escapes_what_html_would_read_and_ruby_does_not() {
        let json = Json::from("a<b>&\u{2028}\"\\\n\u{8}ü");
        assert_eq!(json.to_go(), r#""a\u003cb\u003e\u0026\u2028\"\\\n\u0008ü""#);
        assert_eq!(Json::from("a&b").to_ruby(), r#""a&b""#);
    }

    #[test]
    fn keys_keep_their_order_and_an_absent_value_takes_its_key_along() {
        let json = object! { "z": 1, "gone": None::<i64>, "nil": Json::Null, "a": Json::texts(&["x"]) };
        assert_eq!(json.to_go(), r#"{"z":1,"nil":null,"a":["x"]}"#);
    }
}
