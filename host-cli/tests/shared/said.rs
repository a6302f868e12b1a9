//! What a command said and how it ended. No command of any test may say a secret.

use shared_model::event::Event;
use std::process::Output;

/// Of what mini-HCF's requests and the tests' registries hold: passwords, keys, signatures and tokens, as they are, in a URL, and
/// in a header.
const SECRETS: [&str; 9] = [
    "FIXTURE-PASSWORD",
    "FIXTURE-NOT-A-KEY",
    "internal_user:s3cret",
    "up%2Fpw",
    "up%252Fpw",
    "md5=",
    "s3cret-of-the-push-tests",
    "cHVzaGVyOnMzY3JldC",
    "eyJhbGci",
];

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit status; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl From<Output> for Said {
    #[track_caller]
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} is shown:\n{text}");
            }
            text
        };
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// It went well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// It failed with this code, said each of the words on standard error, and told of one error only.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in:\n{}", self.err);
        }
        assert_eq!(self.err.matches("error: ").count(), 1, "{}", self.err);
        self
    }

    /// Standard output as a stream of events.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Event> {
        let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(event).collect()
    }
}
