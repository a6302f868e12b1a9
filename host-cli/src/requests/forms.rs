//! A record → the requests in it, and when each was made. Knows lager's lines, what `cfdot` prints, and bare requests, also
//! as elements of an array; text may stand in front of the JSON. Everything else is noise.

use super::request::RequestKind;
use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A request where it was found.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Which request.
    pub(crate) kind: RequestKind,
    /// In which form it stands there.
    pub(crate) form: Form,
    /// When it was logged or made; `None` where nothing says so.
    pub(crate) time: Option<Timestamp>,
    /// The request, byte for byte.
    pub(crate) document: &'a str,
    /// `data."staging-guid"` beside a logged one, `task_guid` in a printed one.
    pub(crate) staging_guid: Option<&'a RawValue>,
    /// `data."app-id"`; the stager's lines have it.
    pub(crate) app_guid: Option<&'a RawValue>,
}

/// In which form a request stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In a line of a log: lines stand in the order of their time.
    Logged,
    /// As `cfdot` prints it, or bare: in no order, and as often as somebody asked.
    Printed,
}

/// What a record turned out to hold.
pub(crate) enum Content<'a> {
    /// A request; a record may hold several.
    Request(Found<'a>),
    /// A request's words, but nothing that can be read. These bytes stand in front of the first brace.
    Unreadable(&'a [u8]),
}

/// Tells records that may hold a request from noise before anything is parsed.
#[derive(Debug)]
pub(crate) struct RequestFilter {
    kinds: Vec<RequestKind>,
    words: Vec<Finder<'static>>,
}

impl RequestFilter {
    /// For requests of these kinds.
    pub(crate) fn new(kinds: &[RequestKind]) -> Self {
        let logged = kinds.iter().filter_map(|kind| match kind {
            RequestKind::Staging => Some("taskDefinition"),
            RequestKind::Launch => Some("desiredLRP"),
            RequestKind::Task => None,
        });
        // Every request names a root file system: the one word that all printed ones have.
        Self { kinds: kinds.to_vec(), words: logged.chain(["rootfs"]).map(Finder::new).collect() }
    }

    /// Whether the record has the words of a request.
    pub(crate) fn may_match(&self, record: &[u8]) -> bool {
        self.words.iter().any(|word| word.find(record).is_some())
    }

    /// Gives what the record holds to `visit`; nothing for noise: no words, or the words in another place than a form has
    /// them, or with something else than an object behind them.
    pub(crate) fn contents<'a>(&self, record: &'a [u8], visit: &mut dyn FnMut(Content<'a>)) {
        if !self.may_match(record) {
            return;
        }
        let (in_front, json) = split(record);
        let array = record.trim_ascii_start();
        let of_array = if array.starts_with(b"[") { objects(array) } else { None };
        match of_array.or_else(|| objects(json)) {
            Some(objects) => {
                let found = objects.into_iter().filter_map(|object| self.request(object));
                found.for_each(|found| visit(Content::Request(found)));
            }
            None if self.has_a_key(record) => visit(Content::Unreadable(in_front)),
            None => {}
        }
    }

    fn request<'a>(&self, object: &'a str) -> Option<Found<'a>> {
        let outer: Outer<'_> = parse(object)?;
        let found = match outer.data.and_then(|data| parse::<Data<'_>>(data.get())) {
            Some(data) => self.logged(&data, outer.timestamp).or_else(|| event(&data, outer.event?))?,
            None => printed(object)?,
        };
        self.kinds.contains(&found.kind).then_some(found)
    }

    fn logged<'a>(&self, data: &Data<'a>, timestamp: Option<&RawValue>) -> Option<Found<'a>> {
        let of_kind = |kind: &RequestKind| match kind {
            RequestKind::Staging => Some((RequestKind::Staging, data.task_definition?)),
            RequestKind::Launch => Some((RequestKind::Launch, data.desired_lrp?)),
            RequestKind::Task => None,
        };
        let (kind, document) = self.kinds.iter().find_map(of_kind)?;
        document.get().starts_with('{').then_some(Found {
            kind,
            form: Form::Logged,
            time: timestamp.and_then(|timestamp| time(timestamp.get())),
            document: document.get(),
            staging_guid: data.staging_guid,
            app_guid: data.app_id,
        })
    }

    /// Whether one of the words is a key, as it stands or in a string.
    fn has_a_key(&self, record: &[u8]) -> bool {
        let is_key = |word: &Finder<'_>, at: usize| {
            let behind = record.get(at + word.needle().len()..).unwrap_or_default();
            let behind = behind.strip_prefix(b"\\").unwrap_or(behind);
            behind.strip_prefix(b"\"").is_some_and(|behind| behind.trim_ascii_start().starts_with(b":"))
        };
        self.words.iter().any(|word| word.find_iter(record).any(|at| is_key(word, at)))
    }
}

/// What may stand in front, and the JSON: it begins with the first brace, or with the bracket directly in front of that.
fn split(record: &[u8]) -> (&[u8], &[u8]) {
    let brace = memchr::memchr(b'{', record).unwrap_or(record.len());
    let in_front = record[..brace].trim_ascii_end();
    match in_front.strip_suffix(b"[") {
        Some(in_front) => record.split_at(in_front.len()),
        None => record.split_at(brace),
    }
}

/// The objects of a record; `None`: it is no JSON.
fn objects(json: &[u8]) -> Option<Vec<&str>> {
    let json = std::str::from_utf8(json).ok()?;
    if json.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        return Some(elements.into_iter().map(RawValue::get).collect());
    }
    let object: &RawValue = serde_json::from_str(json).ok()?;
    Some(vec![object.get()])
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    event: Option<&'a RawValue>,
}

/// What stands under `data` in a lager line or in an event of the BBS.
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
    #[serde(borrow)]
    task: Option<&'a RawValue>,
    #[serde(borrow, rename = "desired_lrp")]
    lrp: Option<&'a RawValue>,
    #[serde(borrow)]
    before: Option<&'a RawValue>,
    #[serde(borrow)]
    after: Option<&'a RawValue>,
}

/// `task_created`, `task_changed`, `task_removed`, and the same of a desired LRP. Of a change what came of it is taken.
fn event<'a>(data: &Data<'a>, name: &RawValue) -> Option<Found<'a>> {
    let name = name.get().trim_matches('"');
    let inner = [data.after, data.task, data.lrp, data.before].into_iter().flatten().next()?;
    (name.starts_with("task_") || name.starts_with("desired_lrp_")).then(|| printed(inner.get()))?
}

/// A task or a desired LRP as the BBS has it; what is no task of its own is a bare request.
#[derive(Deserialize)]
struct Printed<'a> {
    #[serde(borrow)]
    process_guid: Option<&'a RawValue>,
    #[serde(borrow)]
    task_guid: Option<&'a RawValue>,
    #[serde(borrow)]
    rootfs: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    domain: Option<&'a RawValue>,
    #[serde(borrow)]
    log_source: Option<&'a RawValue>,
    #[serde(borrow)]
    result_file: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_callback_url: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    annotation: Option<&'a RawValue>,
}

/// Without an action it is something else, such as the scheduling info of an LRP.
fn printed(object: &str) -> Option<Found<'_>> {
    let printed: Printed<'_> = parse(object)?;
    printed.rootfs?;
    printed.action.filter(|action| action.get().starts_with('{'))?;
    let (kind, time) = if printed.process_guid.is_some() {
        (RequestKind::Launch, printed.annotation.and_then(|annotation| time(annotation.get())))
    } else {
        (task_kind(&printed), printed.created_at.and_then(|created| nanoseconds(created.get())))
    };
    Some(Found { kind, form: Form::Printed, time, document: object, staging_guid: printed.task_guid, app_guid: None })
}

/// A staging, or a task of `cf run-task`, which has the same form: its domain tells, or what only a staging has.
fn task_kind(task: &Printed<'_>) -> RequestKind {
    let text = |value: Option<&RawValue>| value.map_or("", |value| value.get().trim_matches('"')).to_owned();
    let is_staging = match &*text(task.domain) {
        "cf-app-staging" => true,
        "cf-tasks" => false,
        _ => {
            text(task.log_source) == "STG"
                || !matches!(&*text(task.result_file), "" | "null")
                || text(task.completion_callback_url).contains("/staging/")
        }
    };
    if is_staging { RequestKind::Staging } else { RequestKind::Task }
}

/// Reads an object; serde would take an array for a structure too.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// When any line of lager's was logged, request or noise. Cheap: looks at the beginning of its JSON only, where both forms
/// have it; `None` for everything else.
pub(crate) fn time_of_line(line: &[u8]) -> Option<Timestamp> {
    let json = &line[memchr::memchr(b'{', line)?..];
    let rest = json.strip_prefix(b"{\"timestamp\":\"")?;
    let end = memchr::memchr(b'"', rest)?;
    time(std::str::from_utf8(&rest[..end]).ok()?)
}

/// Lager's time: seconds since 1970 with decimals (read exactly: a float loses the last ones), or RFC 3339. An annotation of an
/// LRP has the first form.
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

/// The BBS's time: nanoseconds since 1970; 0 is none.
fn nanoseconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(text.parse().ok().filter(|nanoseconds| *nanoseconds != 0)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, form and time of each request in a record; `unreadable: …` for what is none.
    fn contents(kinds: &[RequestKind], record: &str) -> Vec<String> {
        let mut found = Vec::new();
        RequestFilter::new(kinds).contents(record.as_bytes(), &mut |content| {
            found.push(match content {
                Content::Request(Found { kind, form, time, .. }) => {
                    let time = time.map_or_else(|| "—".to_owned(), |time| time.to_string());
                    format!("{kind:?} {form:?} {time}")
                }
                Content::Unreadable(in_front) => format!("unreadable: {}", String::from_utf8_lossy(in_front)),
            });
        });
        found
    }

    const ALL: [RequestKind; 3] = [RequestKind::Staging, RequestKind::Launch, RequestKind::Task];

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
        assert_eq!(nanoseconds("1466017043123456789"), Some(exact));
        assert_eq!([nanoseconds("0"), nanoseconds("-"), nanoseconds("1e9")], [None; 3]);
    }

    #[test]
    fn the_document_is_taken_byte_for_byte() {
        let line = r#"{"timestamp":"1.5","data":{"staging-guid":"s","taskDefinition":{"a": 1.0,"b":12345678901234567890,"u":"\u0026"} }}"#;
        let mut documents = Vec::new();
        RequestFilter::new(&[RequestKind::Staging]).contents(line.as_bytes(), &mut |content| {
            let Content::Request(found) = content else { panic!() };
            documents.push((found.document.to_owned(), found.staging_guid.unwrap().get().to_owned()));
        });
        assert_eq!(documents, [(r#"{"a": 1.0,"b":12345678901234567890,"u":"\u0026"}"#.to_owned(), "\"s\"".to_owned())]);
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
            r#"{"rootfs":"x"}"#,
            r#"{"rootfs":"x","action":null}"#,
            r#"{"process_guid":"p","rootfs":"scheduling info"}"#,
            r#"{"type":"actual_lrp_created","data":{"task":{"rootfs":"x","action":{}}}}"#,
            "goroutine 1: no rootfs",
        ] {
            assert_eq!(contents(&ALL, noise), [""; 0], "{noise}");
        }
        assert_eq!(contents(&ALL, r#"{"data":{"taskDefinition":{}}}"#), ["Staging Logged —"]);
    }

    #[test]
    fn a_kind_that_was_not_asked_for_is_noise() {
        let line = r#"{"data":{"desiredLRP":{}}}"#;
        assert_eq!(contents(&[RequestKind::Staging], line), [""; 0]);
        assert_eq!(contents(&[RequestKind::Staging, RequestKind::Launch], line), ["Launch Logged —"]);
    }

    #[test]
    fn every_form_of_cfdot_is_known() {
        const TASK: &str =
            r#"{"rootfs":"x","action":{},"task_guid":"t","domain":"cf-app-staging","created_at":1466017043000000000}"#;
        const LRP: &str = r#"{"process_guid":"p","rootfs":"x","action":{},"annotation":"1466017043.5"}"#;
        let staging = "Staging Printed 2016-06-15T18:57:23Z";
        let launch = "Launch Printed 2016-06-15T18:57:23.5Z";
        for (record, expected) in [
            (TASK.to_owned(), &[staging][..]),
            (LRP.to_owned(), &[launch]),
            (format!("[{TASK},{LRP}, 7]"), &[staging, launch]),
            (format!("diego-api/0: stdout | [ {TASK}]"), &[staging]),
            (format!("\u{feff}{TASK}\r"), &[staging]),
            (format!("diego-api/0: stdout | {TASK}"), &[staging]),
            (format!(r#"{{"type":"task_created","data":{{"task":{TASK}}}}}"#), &[staging]),
            (format!(r#"{{"type":"task_changed","data":{{"before":{TASK},"after":{TASK}}}}}"#), &[staging]),
            (format!(r#"{{"type":"desired_lrp_changed","data":{{"before":null,"after":{LRP}}}}}"#), &[launch]),
            (format!(r#"{{"type":"desired_lrp_removed","data":{{"desired_lrp":{LRP}}},"trace_id":""}}"#), &[launch]),
        ] {
            assert_eq!(contents(&ALL, &record), expected, "{record}");
        }
    }

    #[test]
    fn a_plain_task_is_told_from_a_staging_by_its_domain_or_by_what_only_a_staging_has() {
        for (more, kind) in [
            (r#""domain":"cf-tasks","log_source":"STG""#, "Task"),
            (r#""domain":"cf-app-staging""#, "Staging"),
            (r#""log_source":"STG""#, "Staging"),
            (r#""result_file":"/tmp/result.json""#, "Staging"),
            (r#""result_file":"","log_source":"APP/TASK/X""#, "Task"),
            (r#""completion_callback_url":"https://cc:9023/internal/v3/staging/g/build_completed?start=""#, "Staging"),
        ] {
            let record = format!(r#"{{"rootfs":"x","action":{{}},{more}}}"#);
            assert_eq!(contents(&ALL, &record), [format!("{kind} Printed —")], "{more}");
        }
    }

    #[test]
    fn what_has_the_words_and_is_no_json_is_said_with_what_stands_in_front() {
        for (record, expected) in [
            (r#"svc[1]: {"timestamp":"1","data":{"taskDefinition":{"#, "unreadable: svc[1]: "),
            (r#"{"timestamp":"1","data":{"taskDefinition":{}}}{"#, "unreadable: "),
            (r#""rootfs": "x","#, r#"unreadable: "rootfs": "x","#),
            (r#"#011{\"data\":{\"taskDefinition\":{}}}"#, "unreadable: #011"),
        ] {
            assert_eq!(contents(&ALL, record), [expected], "{record}");
        }
    }

    #[test]
    fn the_time_of_noise_is_read_from_its_beginning() {
        assert_eq!(time_of_line(br#"{"timestamp":"5.000000000","source":"x"#), Timestamp::new(5, 0).ok());
        assert_eq!(time_of_line(br#"stager_1 | {"timestamp":"5.0","source":"x"#), Timestamp::new(5, 0).ok());
        assert_eq!(time_of_line(b"panic: runtime error"), None);
    }
}
