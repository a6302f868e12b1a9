//! The secrets: another text for every field that can hold one, so that a finding names its field; and all forms in which
//! each may show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// No secret: it is put where something is searched, and must be found there.
pub(crate) const CANARY: &str = "canary";

/// What the fields of a staging request and of a launch request are called here.
pub(crate) const OF_BOTH: [&str; 10] = [
    "file-server-login",
    "blobstore-login",
    "signed-url",
    "service",
    "variable",
    "container-variable",
    "image-user",
    "image-password",
    "mounted-file",
    "volume",
];
/// The same of staging requests alone.
pub(crate) const OF_STAGING: [&str; 5] =
    ["uploader-login", "upload-url", "annotation", "callback-login", "callback-query"];
/// The same of launch requests alone.
pub(crate) const OF_LAUNCH: [&str; 4] = ["ssh-key", "route-key", "route", "sidecar"];
/// The same of the command line's surroundings, and of registries.
const OF_OTHERS: [&str; 5] = ["buildpack-login", "proxy", "engine-login", "registry-token", "typed-login"];

/// All of them.
pub(crate) struct Marks(Vec<Mark>);

struct Mark {
    field: &'static str,
    value: String,
    forms: Vec<String>,
}

impl Marks {
    /// A secret for every field, and those that mini-HCF and the tests' registries have of their own.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let random = format!("{:x}{:x}", std::process::id(), since.as_nanos());
        let mut marks = Self(Vec::new());
        for field in [&[CANARY], &OF_BOTH[..], &OF_STAGING, &OF_LAUNCH, &OF_OTHERS].concat() {
            let plain = format!("s3cr3t-{field}-{random}");
            // With what URLs, JSON and engines write in another way. It stays whole up to there in each of them.
            marks.0.push(Mark { field, value: format!("{plain}/@\"&"), forms: forms(&plain) });
        }
        for (field, value) in [
            ("fixture-password", "FIXTURE-PASSWORD"),
            ("fixture-key", "FIXTURE-NOT-A-KEY"),
            ("fixture-callback", "internal_user:s3cret"),
            ("controller-password", "upload_user:up/pw"),
            ("controller-password", "up%2Fpw"),
            ("controller-password", "up%252Fpw"),
            ("registry-password", crate::registry::PASSWORD),
        ] {
            marks.also(field, value);
        }
        marks
    }

    /// Searches for one more secret of a field.
    pub(crate) fn also(&mut self, field: &'static str, value: &str) {
        self.0.push(Mark { field, value: value.to_owned(), forms: forms(value) });
    }

    /// The secret of a field.
    pub(crate) fn of(&self, field: &str) -> &str {
        &self.0.iter().find(|mark| mark.field == field).unwrap_or_else(|| panic!("no field {field}")).value
    }

    /// The same as a part of a URL.
    pub(crate) fn in_url(&self, field: &str) -> String {
        escaped(self.of(field))
    }

    /// The fields whose secrets are in there.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let text = String::from_utf8_lossy(bytes);
        let is_there = |mark: &&Mark| mark.forms.iter().any(|form| text.contains(form.as_str()));
        self.0.iter().filter(is_there).map(|mark| mark.field).collect()
    }

    /// All that is searched for, one a line, as `grep --file` takes it.
    pub(crate) fn patterns(&self) -> String {
        self.0.iter().flat_map(|mark| &mark.forms).fold(String::new(), |all, form| all + form + "\n")
    }

    /// The first finding with what stands around it.
    pub(crate) fn sample(&self, bytes: &[u8]) -> String {
        const AROUND: usize = 80;
        let text: Vec<char> = String::from_utf8_lossy(bytes).chars().collect();
        let whole: String = text.iter().collect();
        let secret = self.0.iter().filter(|mark| mark.field != CANARY).flat_map(|mark| &mark.forms);
        let Some(at) = secret.filter_map(|form| whole.find(form.as_str())).min() else { return String::new() };
        let at = whole[..at].chars().count();
        text[at.saturating_sub(AROUND)..(at + AROUND).min(text.len())].iter().collect()
    }
}

/// As it is, which it also is within percent-encoded and quoted text; in hexadecimal; in base64, wherever in the encoded
/// text it may begin. Of base64 only what the text alone decides, which is the same in both alphabets for these texts.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![
        text.to_owned(),
        text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    ];
    for (before, undecided) in [(0, 0), (1, 2), (2, 3)] {
        let encoded = STANDARD_NO_PAD.encode([&vec![0; before][..], text.as_bytes()].concat());
        forms.push(encoded[undecided..(before + text.len()) * 8 / 6].to_owned());
    }
    forms
}

/// Percent-encoded, as Go's `url.QueryEscape` does it.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte.into()),
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
        escaped
    })
}

/// The other way round.
pub(crate) fn unescaped(text: &str) -> String {
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default().as_bytes().to_vec();
    let bytes = pieces.fold(first, |mut bytes, piece| {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(&piece.as_bytes()[2..]);
        bytes
    });
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_secret_is_found_in_every_form() {
    let marks = Marks::new();
    let secret = marks.of("service");
    let basic = |user: &str| STANDARD_NO_PAD.encode(format!("{user}:{secret}"));
    let quoted = serde_json::json!(serde_json::json!(secret).to_string()).to_string();
    let twice = escaped(&escaped(secret));
    for form in [secret.to_owned(), basic("a"), basic("ab"), basic("abc"), quoted, twice] {
        assert_eq!(marks.found_in(format!("x{form}y").as_bytes()), BTreeSet::from(["service"]), "{form}");
    }
    assert_eq!(unescaped(&escaped(secret)), secret);
    assert!(marks.found_in(b"s3cr3t-service-").is_empty());
}
