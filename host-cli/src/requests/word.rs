//! The user's word for an app, as it is searched for among bytes: most records are somebody else's, and reading them as JSON to
//! find that out takes a hundred times as long.

use crate::app_ref::AppRef;
use memchr::memmem::Finder;

/// See the module.
pub(crate) struct Word(Option<Finder<'static>>);

impl Word {
    /// A word that JSON may write in several ways is not searched for; neither is none.
    pub(crate) fn of(app: Option<&AppRef>) -> Self {
        let is_plain = |word: &&str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self(app.map(|app| app.word.as_str()).filter(is_plain).map(|word| Finder::new(word).into_owned()))
    }

    /// False for a record that cannot be about the app.
    pub(crate) fn may_be_in(&self, record: &[u8]) -> bool {
        self.finder().is_none_or(|word| word.find(record).is_some())
    }

    /// What to search for; `None`: every record may be about it.
    pub(crate) fn finder(&self) -> Option<&Finder<'static>> {
        self.0.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_json_writes_in_one_way_is_searched_for() {
        let may_be_in = |word: &str, record: &str| Word::of(Some(&AppRef::word(word))).may_be_in(record.as_bytes());
        assert!(may_be_in("node-env", "…\"node-env\"…") && !may_be_in("node-env", "node_env"));
        assert!(may_be_in("a&b", r"a\u0026b") && may_be_in("ä", r"\u00e4") && may_be_in("", ""));
        assert!(Word::of(None).may_be_in(b""));
    }
}
