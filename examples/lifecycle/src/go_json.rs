//! JSON as Go's `encoding/json` writes it: keys of a map sorted, `<`, `>` and `&` escaped, every number of a decoded
//! document a 64-bit float. Apps compare `VCAP_APPLICATION` and Cloud Controller stores results in this form.

use serde_json::Value;
use std::fmt::Write as _;

const EXPONENT_FROM: f64 = 1e21; // Go writes larger numbers, and those below the next, with an exponent
const EXPONENT_BELOW: f64 = 1e-6;

/// The document in Go's form, without a line end.
#[must_use]
pub fn encode(value: &Value) -> String {
    let mut text = String::new();
    append(value, &mut text);
    text
}

/// One string, quoted.
#[must_use]
pub fn quote(value: &str) -> String {
    let mut text = String::new();
    append_quoted(value, &mut text);
    text
}

fn append(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&float(number.as_f64().unwrap_or_default())),
        Value::String(string) => append_quoted(string, text),
        Value::Array(items) => append_list(text, ['[', ']'], items, append),
        Value::Object(fields) => {
            // Sorted here: whether serde_json's map sorts depends on a feature that any crate may switch on.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            append_list(text, ['{', '}'], fields, |(key, value), text| {
                append_quoted(key, text);
                text.push(':');
                append(value, text);
            });
        }
    }
}

fn append_list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut append_one: impl FnMut(T, &mut String),
) {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        append_one(item, text);
    }
    text.push(close);
}

fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(EXPONENT_BELOW..EXPONENT_FROM).contains(&size) {
        let text = format!("{number:e}");
        if text.contains("e-") { text } else { text.replace('e', "e+") }
    } else {
        format!("{number}")
    }
}

fn append_quoted(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character)); // a String takes everything
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(json: &str) -> String {
        encode(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn keys_are_sorted_and_markup_is_escaped() {
        assert_eq!(
            again(r#"{"b":[1,{"z":null,"a":true}],"a":"<&>\u2028\u0007\n/é"}"#),
            r#"{"a":"\u003c\u0026\u003e\u2028\u0007\n/é","b":[1,{"a":true,"z":null}]}"#
        );
    }

    #[test]
    fn numbers_go_through_a_float() {
        let cases = [
            ("12345678901234567", "12345678901234568"),
            ("16384", "16384"),
            ("0.50", "0.5"),
            ("-0", "-0"),
            ("1e21", "1e+21"),
            ("100000000000000000000", "100000000000000000000"),
            ("0.0000001", "1e-7"),
            ("1.5E3", "1500"),
        ];
        for (given, written) in cases {
            assert_eq!(again(given), written);
        }
    }
}
