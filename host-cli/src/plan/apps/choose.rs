//! Which app, process and instance is meant: `APP`, `APP/worker`, `APP/1`. An app of exactly that name goes first, then what stands
//! behind the last `/` is a process type or an index. Guids are the system's and go before names, as everywhere. Pure.

use super::{AppInstance, AppProcess, RunningApp};
use crate::app_ref::{AnswersBy, AppRef};
use shared_model::names::{listed, shortened};
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;

/// What part of an app is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// A process type; `None`: all.
    pub(crate) process: Option<String>,
    /// An instance's index; `None`: all.
    pub(crate) index: Option<u32>,
}

/// An app, and what part of it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selected {
    /// All of the app.
    pub(crate) app: RunningApp,
    /// What of it is meant: there is such a process, and such an instance.
    pub(crate) part: Part,
}

/// Why what was typed means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChooseError {
    /// There is no such app.
    #[error("no app \"{}\"", escape_control(&shortened(.word)))]
    NoApp { word: String },
    /// There are several.
    #[error("\"{}\" could be several apps: {}", escape_control(&shortened(.word)), escape_control(.guids))]
    Several { word: String, guids: String },
    /// There is one, and what runs of it calls it by several names: it may be another's than this name's.
    #[error("app {} has several names: {}", escape_control(&shortened(.guid)), escape_control(.names))]
    SeveralNames { guid: String, names: String },
    /// It has no such process.
    #[error("{} has no process \"{}\"; it has {}", escape_control(&shortened(.app)), escape_control(&shortened(.process)), escape_control(.has))]
    NoProcess { app: String, process: String, has: String },
    /// It has no such instance.
    #[error("{} has no instance {index}; it has {has}", escape_control(&shortened(.app)))]
    NoInstance { app: String, index: u32, has: String },
    /// A part behind the `/`, and another one as an option.
    #[error("\"{}\" names a part of the app already", escape_control(&shortened(.word)))]
    Twice { word: String },
}

impl ChooseError {
    /// What to try.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::NoApp { .. } | Self::NoInstance { .. } => "`host-cli apps` lists what runs",
            Self::Several { .. } | Self::SeveralNames { .. } => {
                "name it by its guid, or the start of it (8 characters or more)"
            }
            Self::NoProcess { .. } => "`host-cli apps` lists each app's processes",
            Self::Twice { .. } => "leave out --process and -i, or what stands behind the last /",
        }
    }
}

/// What `wanted` and the options mean among `apps`.
pub(crate) fn choose(apps: &[RunningApp], wanted: &AppRef, options: &Part) -> Result<Selected, ChooseError> {
    let word = || wanted.word.clone();
    if let Some(app) = one(apps, wanted)? {
        return part(app, options.clone());
    }
    let Some((name, behind)) = wanted.word.rsplit_once('/').filter(|(name, _)| !name.is_empty()) else {
        return Err(ChooseError::NoApp { word: word() });
    };
    let name = AppRef { word: name.to_owned(), is_name: wanted.is_name };
    let app = one(apps, &name)?.ok_or_else(|| ChooseError::NoApp { word: word() })?;
    if *options != Part::default() {
        return Err(ChooseError::Twice { word: word() });
    }
    let is_process = app.processes.iter().any(|process| process.process_type == behind);
    match behind.parse() {
        Ok(index) if !is_process => part(app, Part { process: None, index: Some(index) }),
        _ => part(app, Part { process: Some(behind.to_owned()), index: None }),
    }
}

/// The one app that is meant; `None`: there is none.
fn one<'a>(apps: &'a [RunningApp], wanted: &AppRef) -> Result<Option<&'a RunningApp>, ChooseError> {
    let by = |answers: AnswersBy| apps.iter().filter(move |app| app.is_meant(wanted) == Some(answers)).collect();
    for answers in [AnswersBy::Id, AnswersBy::IdStart, AnswersBy::Name] {
        let found: Vec<&RunningApp> = by(answers);
        match found[..] {
            [] => {}
            [app] if answers == AnswersBy::Name && !app.names.is_empty() => {
                let names = listed(app.names.iter().filter(|name| !name.is_empty()));
                return Err(ChooseError::SeveralNames { guid: app.guid.clone(), names });
            }
            [app] => return Ok(Some(app)),
            _ => {
                let guids = listed(found.iter().map(|app| &app.guid));
                return Err(ChooseError::Several { word: wanted.word.clone(), guids });
            }
        }
    }
    Ok(None)
}

/// The part, if the app has it.
fn part(app: &RunningApp, part: Part) -> Result<Selected, ChooseError> {
    let selected = Selected { app: app.clone(), part };
    let subject = || app.subject().to_owned();
    if let Some(process) = &selected.part.process
        && selected.processes().next().is_none()
    {
        let has = listed(app.processes.iter().map(|process| &process.process_type));
        return Err(ChooseError::NoProcess { app: subject(), process: process.clone(), has });
    }
    if let Some(index) = selected.part.index
        && selected.instances().next().is_none()
    {
        let has: BTreeSet<u32> =
            selected.processes().flat_map(|process| &process.instances).map(|one| one.index).collect();
        let has = if has.is_empty() { "none".to_owned() } else { listed(has.iter().map(u32::to_string)) };
        return Err(ChooseError::NoInstance { app: subject(), index, has });
    }
    Ok(selected)
}

impl Part {
    /// Whether an instance of this process is meant.
    pub(crate) fn means(&self, process_type: &str, index: u32) -> bool {
        self.process.as_ref().is_none_or(|process| process == process_type)
            && self.index.is_none_or(|wanted| wanted == index)
    }
}

impl Selected {
    /// The processes that are meant, wholly or in part.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &AppProcess> {
        let is_meant =
            |process: &&AppProcess| self.part.process.as_ref().is_none_or(|one| *one == process.process_type);
        self.app.processes.iter().filter(is_meant)
    }

    /// The instances that are meant, each with its process.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&AppProcess, &AppInstance)> {
        let of = |process| AppProcess::instances_of(process);
        self.processes().flat_map(of).filter(|(_, one)| self.part.index.is_none_or(|index| index == one.index))
    }
}

impl AppProcess {
    fn instances_of(&self) -> impl Iterator<Item = (&Self, &AppInstance)> {
        self.instances.iter().map(move |one| (self, one))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::seen;
    use super::super::{InstanceState, apps};
    use super::*;

    const SHOP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";
    const TWIN: &str = "28c50a86-b045-5fed-bae9-e6ea03383693";

    const RENAMED: &str = "48c50a86-b045-5fed-bae9-e6ea03383693";

    fn all() -> Vec<RunningApp> {
        let run =
            |name: &str, guid: &str, process: &str, index| seen(name, guid, process, index, InstanceState::Running);
        apps([
            run("shop", SHOP, "web", 0),
            run("shop", SHOP, "web", 1),
            run("shop", SHOP, "worker", 0),
            run("shop/worker", "g-3", "web", 0),
            run("team/shop", "g-4", "web", 0),
            run("team/shop", "g-4", "1", 7),
            run("twin", TWIN, "web", 0),
            run("twin", "38c50a86-b045-5fed-bae9-e6ea03383693", "web", 0),
            run(SHOP, "g-5", "web", 0),
            run("victim", RENAMED, "web", 0),
            run("mine", RENAMED, "worker", 0),
        ])
    }

    fn chosen(word: &str, process: Option<&str>, index: Option<u32>) -> Result<(String, Vec<String>), String> {
        let options = Part { process: process.map(str::to_owned), index };
        let selected = choose(&all(), &AppRef::word(word), &options).map_err(|error| error.to_string())?;
        let instances = selected.instances().map(|(process, one)| format!("{}/{}", process.process_type, one.index));
        Ok((selected.app.guid.clone(), instances.collect()))
    }

    #[test]
    fn an_exact_name_goes_first_and_then_the_last_slash() {
        let is = |word: &str, guid: &str, instances: &[&str]| {
            let instances = instances.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(chosen(word, None, None), Ok((guid.to_owned(), instances)), "{word}");
        };
        is("shop", SHOP, &["web/0", "web/1", "worker/0"]);
        is("shop/worker", "g-3", &["web/0"]);
        is("shop/web", SHOP, &["web/0", "web/1"]);
        is("shop/1", SHOP, &["web/1"]);
        is("shop/0", SHOP, &["web/0", "worker/0"]);
        is("shop/worker/0", "g-3", &["web/0"]);
        is("team/shop", "g-4", &["web/0", "1/7"]);
        is("team/shop/1", "g-4", &["1/7"]);
        is(SHOP, SHOP, &["web/0", "web/1", "worker/0"]);
        is("18c50a86/worker", SHOP, &["worker/0"]);
    }

    #[test]
    fn one_of_several_names_of_an_app_is_nobodys_and_its_guid_is_wanted() {
        for word in ["mine", "victim", "mine/worker"] {
            let said = chosen(word, None, None).unwrap_err();
            assert_eq!(said, format!("app {RENAMED} has several names: mine, victim"), "{word}");
        }
        for word in [RENAMED, "48c50a86"] {
            assert_eq!(chosen(word, None, None).unwrap().1, ["web/0", "worker/0"], "{word}");
        }
    }

    #[test]
    fn options_say_the_same_and_not_twice() {
        assert_eq!(chosen("shop", Some("web"), Some(1)).unwrap().1, ["web/1"]);
        assert_eq!(chosen("shop", None, Some(0)).unwrap().1, ["web/0", "worker/0"]);
        assert_eq!(chosen("shop/web", Some("web"), None).unwrap_err(), "\"shop/web\" names a part of the app already");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        for (word, said) in [
            ("nope", "no app \"nope\""),
            ("/web", "no app \"/web\""),
            ("nope/web", "no app \"nope/web\""),
            ("", "no app \"\""),
            ("shop/clock", "shop has no process \"clock\"; it has web, worker"),
            ("shop/7", "shop has no instance 7; it has 0, 1"),
            ("shop/-1", "shop has no process \"-1\"; it has web, worker"),
            (
                "twin",
                "\"twin\" could be several apps: 28c50a86-b045-5fed-bae9-e6ea03383693, 38c50a86-b045-5fed-bae9-e6ea03383693",
            ),
            ("a\u{1b}[2J\n", "no app \"a\\u{1b}[2J\\n\""),
        ] {
            assert_eq!(chosen(word, None, None).unwrap_err(), said, "{word}");
        }
        assert!(choose(&all(), &AppRef::name(SHOP), &Part::default()).unwrap().app.guid == "g-5");
    }
}
