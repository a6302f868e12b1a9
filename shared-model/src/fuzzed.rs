//! Requests and URLs, with what has to hold whatever the bytes are: a panic tells that it does not. The targets of
//! `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`.
#![allow(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a target tells")]

use crate::event::Event;
use crate::plain_line::{plain_line, visible};
use crate::safe_url::SafeUrl;
use crate::validate::{self, Complaints};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A staging request, a launch request or an event: what was read and written is read back as the same.
pub fn requests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    is_the_same_again(text, validate::task);
    is_the_same_again(text, validate::desired_lrp);
    is_the_same_again(text, |text| read::<Event>(text).ok_or(()));
    if let Some(line) = read::<Event>(text).as_ref().and_then(plain_line) {
        for line in line.text.split('\n') {
            assert_eq!(visible(line), line, "a terminal obeys something in it");
        }
    }
    let complaints = [validate::task(text).err(), validate::desired_lrp(text).err()];
    for Complaints(complaints) in complaints.into_iter().flatten() {
        assert!(!complaints.is_empty());
        for complaint in complaints {
            let text = complaint.to_string();
            assert!(!text.chars().any(char::is_control), "what a terminal obeys in {text:?}");
        }
    }
}

/// A URL: what is shown has neither its userinfo nor its query.
pub fn urls(bytes: &[u8]) {
    const SECRET: &str = "zqsecretqz";
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let url = SafeUrl::new(text);
    let _ = (url.scheme(), url.host(), url.path(), url.expires(), url.query_parameter("expires"));
    assert_eq!(url.reveal(), text);
    for behind in ["?", "#", "?a=", "?a=b&md5="] {
        let signed = SafeUrl::new(format!("{text}{behind}{SECRET}"));
        assert!(!signed.to_string().contains(SECRET), "{signed}");
        assert!(!format!("{signed:?}").contains(SECRET), "{signed:?}");
    }
    let host: String = text.chars().filter(|c| !"/?#".contains(*c)).collect();
    for credentials in [format!("https://{SECRET}@{host}"), format!("http://user:{SECRET}@{host}/x?y")] {
        let url = SafeUrl::new(credentials);
        assert!(!url.to_string().contains(SECRET), "{url}");
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn is_the_same_again<T: Serialize + PartialEq + Debug, E: Debug>(text: &str, read: impl Fn(&str) -> Result<T, E>) {
    let Ok(value) = read(text) else { return };
    let written = serde_json::to_string(&value).expect("a model can be written");
    let again = read(&written).expect("what was written can be read");
    assert_eq!(again, value, "from {written}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
    fn what_has_to_hold_holds_for_the_corpus() {
        for (target, judge) in [("requests", super::requests as fn(&[u8])), ("urls", super::urls)] {
            let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/fuzz/corpus").join(target);
            let files: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(!files.is_empty(), "nothing is kept in {}", kept.display());
            for file in files {
                judge(&std::fs::read(&file).unwrap());
            }
        }
    }
}
