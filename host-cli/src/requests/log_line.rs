//! One line of a log → the request in it, and when it was logged. Knows lager's two forms; everything else is noise.

use super::request::RequestKind;
use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A line that holds a request.
#[derive(Clone, Copy)]
pub(crate) struct LogLine<'a> {
    /// Which request.
    pub(crate) kind: RequestKind,
    /// When it was logged; `None` where the line does not say so in a form of lager's.
    pub(crate) time: Option<Timestamp>,
    /// The request, byte for byte.
    pub(crate) document: &'a str,
    /// `data."staging-guid"`; the stager's lines have it.
    pub(crate) staging_guid: Option<&'a RawValue>,
    /// `data."app-id"`; the stager's lines have it.
    pub(crate) app_guid: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Lager<'a> {
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "taskDefinition")]
    task_definition: Option<&'a RawValue>,
    #[serde(borrow, rename = "desiredLRP")]
    desired_lrp: Option<&'a RawValue>,
    #[serde(borrow, rename = "staging-guid")]
    staging_guid: Option<&'a RawValue>,
    #[serde(borrow, rename = "app-id")]
    app_id: Option<&'a RawValue>,
}

/// Tells lines that may hold a request from noise before anything is parsed.
#[derive(Debug)]
pub(crate) struct LineFilter(Vec<(RequestKind, Finder<'static>)>);

impl LineFilter {
    /// For requests of these kinds.
    pub(crate) fn new(kinds: &[RequestKind]) -> Self {
        let finder = |kind: &RequestKind| match kind {
            RequestKind::Staging => Finder::new("\"taskDefinition\""),
            RequestKind::Launch => Finder::new("\"desiredLRP\""),
        };
        Self(kinds.iter().map(|kind| (*kind, finder(kind))).collect())
    }

    /// The request that the line holds; `None` for noise: no JSON, cut off, or the words in another place than
    /// `data`, or with something else than an object behind them.
    pub(crate) fn request<'a>(&self, line: &'a [u8]) -> Option<LogLine<'a>> {
        self.0.iter().filter(|(_, finder)| finder.find(line).is_some()).find_map(|(kind, _)| read(*kind, line))
    }
}

fn read(kind: RequestKind, line: &[u8]) -> Option<LogLine<'_>> {
    let line: Lager<'_> = object(std::str::from_utf8(line).ok()?)?;
    let data: Data<'_> = object(line.data.get())?;
    let payload = match kind {
        RequestKind::Staging => data.task_definition,
        RequestKind::Launch => data.desired_lrp,
    };
    let document = payload?.get();
    document.starts_with('{').then_some(LogLine {
        kind,
        time: line.timestamp.and_then(|timestamp| time(timestamp.get())),
        document,
        staging_guid: data.staging_guid,
        app_guid: data.app_id,
    })
}

/// Reads an object; serde would take an array for a structure too.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// When any line of lager's was logged, request or noise. Cheap: looks at the line's beginning only, where both forms
/// have it; `None` for everything else.
pub(crate) fn time_of_line(line: &[u8]) -> Option<Timestamp> {
    let rest = line.strip_prefix(b"{\"timestamp\":\"")?;
    let end = memchr::memchr(b'"', rest)?;
    time(std::str::from_utf8(&rest[..end]).ok()?)
}

/// Lager's time: seconds since 1970 with decimals (read exactly: a float loses the last ones), or RFC 3339.
fn time(text: &str) -> Option<Timestamp> {
    const NANOSECOND_DIGITS: usize = 9;
    let text = text.trim_matches('"');
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    match seconds.parse::<i64>() {
        Ok(seconds) if fraction.len() <= NANOSECOND_DIGITS && fraction.bytes().all(|digit| digit.is_ascii_digit()) => {
            let nanoseconds = format!("{fraction:0<NANOSECOND_DIGITS$}").parse().ok()?;
            Timestamp::new(seconds, nanoseconds).ok()
        }
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staging(line: &str) -> Option<LogLine<'_>> {
        LineFilter::new(&[RequestKind::Staging]).request(line.as_bytes())
    }

    #[test]
    fn both_forms_of_lager_time_are_read_to_the_nanosecond() {
        let exact = Timestamp::new(1_466_017_043, 123_456_789).unwrap();
        assert_eq!(time("\"1466017043.123456789\""), Some(exact));
        assert_eq!(time("\"2016-06-15T18:57:23.123456789Z\""), Some(exact));
        assert_eq!(time("1466017043"), Timestamp::new(1_466_017_043, 0).ok());
        assert_eq!(time("\"1466017043.5\""), Timestamp::new(1_466_017_043, 500_000_000).ok());
        for odd in ["", "\"\"", "null", "1.2.3", "99999999999999999999", "1466017043.1234567891", "tomorrow", "1.-5"] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_document_is_taken_byte_for_byte() {
        let line = r#"{"timestamp":"1.5","data":{"staging-guid":"s","taskDefinition":{"a": 1.0,"b":12345678901234567890,"u":"\u0026"} }}"#;
        let found = staging(line).unwrap();
        assert_eq!(found.document, r#"{"a": 1.0,"b":12345678901234567890,"u":"\u0026"}"#);
        assert_eq!(found.staging_guid.unwrap().get(), "\"s\"");
    }

    #[test]
    fn only_an_object_in_its_place_counts() {
        for noise in [
            r#"{"timestamp":"1","data":{"taskDefinition":null}}"#,
            r#"{"timestamp":"1","data":{"taskDefinition":"{}"}}"#,
            r#"{"timestamp":"1","data":{"taskDefinition":[{}]}}"#,
            r#"{"timestamp":"1","data":{"request":{"taskDefinition":{}}}}"#,
            r#"{"timestamp":"1","taskDefinition":{},"data":{}}"#,
            r#"{"timestamp":"1","data":{"message":"\"taskDefinition\":{}"}}"#,
            r#"{"timestamp":"1","data":[{"taskDefinition":{}}]}"#,
            r#"["1",{"taskDefinition":{}}]"#,
            r#"{"timestamp":"1","data":{"taskDefinition":{"#,
            r#"{"timestamp":"1","data":{"taskDefinition":{}}}{"#,
            r#""taskDefinition""#,
        ] {
            assert!(staging(noise).is_none(), "{noise}");
        }
        assert!(staging(r#"{"data":{"taskDefinition":{}}}"#).is_some_and(|line| line.time.is_none()));
    }

    #[test]
    fn a_kind_that_was_not_asked_for_is_noise() {
        assert!(staging(r#"{"data":{"desiredLRP":{}}}"#).is_none());
        let both = LineFilter::new(&[RequestKind::Staging, RequestKind::Launch]);
        assert!(both.request(br#"{"data":{"desiredLRP":{}}}"#).is_some_and(|line| line.kind == RequestKind::Launch));
    }

    #[test]
    fn the_time_of_noise_is_read_from_its_beginning() {
        assert_eq!(time_of_line(br#"{"timestamp":"5.000000000","source":"x"#), Timestamp::new(5, 0).ok());
        assert_eq!(time_of_line(b"panic: runtime error"), None);
    }
}
