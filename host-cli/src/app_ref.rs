//! What a user calls an app. Guids are the system's and names are the tenants': what could be a guid is looked for as one
//! first, a whole guid is never a name, and the start of one only where it begins nobody's. So nobody gets another's request
//! by a name.

use shared_model::application::Application;

/// Characters that a guid's start must have to be looked for.
const SHORTEST_GUID_START: usize = 8;
/// Characters of a whole guid.
const GUID: usize = 36;

/// An app as the user typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppRef {
    /// The word, as it was typed.
    pub(crate) word: String,
    /// It is a name and nothing else: `--app=NAME`.
    pub(crate) is_name: bool,
}

/// Why what was typed names no app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppRefError {
    /// As APP and behind `--app`.
    #[error("APP and --app cannot go together")]
    Twice,
    /// `push` got something else than an image and its name elsewhere.
    #[error("push needs an image and its name in the registry")]
    Push,
    /// A command that is about one app got none.
    #[error("{command} needs an app")]
    Missing { command: &'static str },
}

impl AppRefError {
    /// What to try.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Twice => "leave one of them out",
            Self::Push => {
                "`host-cli push IMAGE REGISTRY/REPO[:TAG]`, or `host-cli push --app=NAME REGISTRY/REPO[:TAG]`"
            }
            Self::Missing { .. } => "`host-cli apps` lists those that run",
        }
    }
}

/// By what an app answers to a reference, the strongest first: whoever answers by something weaker is not meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AnswersBy {
    /// Its guid, or that of a process or a staging of it.
    Id,
    /// The start of its guid.
    IdStart,
    /// The name that its owner gave it.
    Name,
}

impl AppRef {
    /// What was typed as APP and behind `--app`; `None`: neither was.
    ///
    /// # Errors
    /// Both were.
    pub(crate) fn typed(word: Option<&str>, name: Option<&str>) -> Result<Option<Self>, AppRefError> {
        match (word, name) {
            (Some(_), Some(_)) => Err(AppRefError::Twice),
            (Some(word), None) => Ok(Some(Self::word(word))),
            (None, Some(name)) => Ok(Some(Self::name(name))),
            (None, None) => Ok(None),
        }
    }

    /// A guid, the start of one, or a name.
    pub(crate) fn word(word: &str) -> Self {
        Self { word: word.to_owned(), is_name: false }
    }

    /// A name, whatever else it could be.
    pub(crate) fn name(name: &str) -> Self {
        Self { word: name.to_owned(), is_name: true }
    }

    /// By what this application is meant; `None`: it is not.
    pub(crate) fn means(&self, application: &Application) -> Option<AnswersBy> {
        self.means_one_of(application, &[])
    }

    /// As [`Self::means`], where `ids` are more of the system's guids for it; empty ones are none.
    pub(crate) fn means_one_of(&self, application: &Application, ids: &[&str]) -> Option<AnswersBy> {
        let (word, guid) = (self.word.as_str(), application.guid.as_str());
        let is_id = || !word.is_empty() && (guid == word || ids.contains(&word));
        let is_start = || word.len() >= SHORTEST_GUID_START && guid.starts_with(word);
        if !self.is_name && is_id() {
            Some(AnswersBy::Id)
        } else if !self.is_name && is_start() {
            Some(AnswersBy::IdStart)
        } else {
            (application.name == word && !self.is_whole_guid()).then_some(AnswersBy::Name)
        }
    }

    /// Whether it could be the start of a guid, and is not said to be a name.
    pub(crate) fn could_be_a_guid(&self) -> bool {
        !self.is_name && self.word.len() >= SHORTEST_GUID_START && begins_like_a_guid(&self.word)
    }

    /// True for a word that, once it is found to be a guid, cannot be several apps': a whole guid, or one with more behind
    /// it. Everything else may be a name or the start of several guids, so that all logs must be looked through before it
    /// may be believed.
    pub(crate) fn is_whole_guid(&self) -> bool {
        !self.is_name && self.word.len() >= GUID && begins_like_a_guid(&self.word)
    }
}

/// Whether a text's characters are a guid's, as far as a guid goes.
fn begins_like_a_guid(text: &str) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let is_guid_byte =
        |(at, byte): (usize, u8)| if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.bytes().take(GUID).enumerate().all(is_guid_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID_OF_APP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

    fn app(name: &str, guid: &str) -> Application {
        Application { name: name.into(), guid: guid.into(), ..Application::default() }
    }

    #[test]
    fn a_guid_is_never_a_name_and_a_name_on_request_nothing_else() {
        let (app, thief) = (app("node-env", GUID_OF_APP), app(GUID_OF_APP, "28c50a86"));
        for (word, by) in [
            (GUID_OF_APP, Some(AnswersBy::Id)),
            ("process", Some(AnswersBy::Id)),
            ("18c50a86", Some(AnswersBy::IdStart)),
            ("node-env", Some(AnswersBy::Name)),
            ("18c50a8", None),
            ("b045-5fed", None),
            ("node", None),
            ("", None),
        ] {
            assert_eq!(AppRef::word(word).means_one_of(&app, &["process", ""]), by, "{word}");
            let by_name = AppRef::name(word).means_one_of(&app, &["process", ""]);
            assert_eq!(by_name, by.filter(|by| *by == AnswersBy::Name), "--app={word}");
        }
        assert_eq!(AppRef::word(GUID_OF_APP).means(&thief), None);
        assert_eq!(AppRef::name(GUID_OF_APP).means(&thief), Some(AnswersBy::Name));
        assert_eq!(AppRef::word("x").means(&Application::default()), None);
    }

    #[test]
    fn only_a_whole_guid_ends_a_search_early() {
        for word in [GUID_OF_APP.to_owned(), format!("{GUID_OF_APP}-9113e5012ad4561eb4e2fed4a292a667")] {
            assert!(AppRef::word(&word).is_whole_guid(), "{word}");
            assert!(!AppRef::name(&word).is_whole_guid(), "{word}");
        }
        for word in
            ["node-env", "18c50a86", "18c50a86-b045-5fed-bae9-e6ea0338369", "18c50a86_b045_5fed_bae9_e6ea03383693"]
        {
            assert!(!AppRef::word(word).is_whole_guid(), "{word}");
        }
    }

    #[test]
    fn an_app_is_said_once() {
        assert_eq!(AppRef::typed(Some("a"), Some("b")).unwrap_err(), AppRefError::Twice);
        assert_eq!(AppRef::typed(None, Some("-rf")).unwrap(), Some(AppRef::name("-rf")));
        assert_eq!(AppRef::typed(None, None).unwrap(), None);
    }
}
