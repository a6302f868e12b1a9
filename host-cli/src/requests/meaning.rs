//! What answers to the user's word among all requests of a kind, and which of it is meant.

use super::about::About;
use super::error::{Candidate, RequestError};
use super::forms::{Form, Found};
use super::history::Rank;
use super::request::Request;
use crate::app_ref::AppRef;
use shared_model::plain_line::escape_control;
use shared_model::process_type::WEB;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Which of an app's launch requests is meant. Of staging requests there is one kind only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process<'a> {
    /// That of web; of an app without web, that of its only process.
    Usual,
    /// That of this process type.
    Type(&'a str),
    /// The same; web's serves for a type that has none.
    TypeOrWeb(&'a str),
}

impl Process<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Usual => WEB,
            Self::Type(process) | Self::TypeOrWeb(process) => process,
        }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Meaning {
    /// The newest of each app, by its guid, and process type.
    newest: BTreeMap<(String, String), Newest>,
    /// The apps, by guid.
    candidates: BTreeMap<String, Candidate>,
}

struct Newest {
    rank: Rank,
    form: Form,
    request: Request,
}

impl Meaning {
    /// A request that answers to the word.
    pub(crate) fn add(&mut self, found: &Found<'_>, about: About, rank: Rank) {
        let guid = about.application.guid.clone();
        let candidate = self.candidates.entry(guid.clone()).or_insert_with(|| Candidate::new(&about.application));
        candidate.time = found.time.max(candidate.time);
        let key = (guid, about.process_type.clone());
        if self.newest.get(&key).is_none_or(|known| known.rank < rank) {
            self.newest.insert(key, Newest { rank, form: found.form, request: about.of(found) });
        }
    }

    /// A request where all apps are meant: the newest alone is kept.
    pub(crate) fn add_of_any(&mut self, found: &Found<'_>, rank: Rank) {
        if self.newest.values().any(|known| known.rank >= rank) {
            return;
        }
        let about = About::found(found);
        let (candidate, process) = (Candidate::new(&about.application), about.process_type.clone());
        let (guid, request) = (candidate.guid.clone(), about.of(found));
        self.candidates = BTreeMap::from([(guid.clone(), candidate)]);
        self.newest = BTreeMap::from([((guid, process), Newest { rank, form: found.form, request })]);
    }

    /// The newest request of the process, where all are one app's, if it was logged. `None`: something newer may stand anywhere.
    pub(crate) fn newest_logged(&self, process: Option<Process<'_>>) -> Option<&Request> {
        let is_wanted = |of: &str| process.is_none_or(|process| process.name() == of);
        let wanted = self.newest.iter().filter(|((_, of), _)| is_wanted(of)).map(|(_, newest)| newest);
        let newest = wanted.max_by_key(|newest| newest.rank)?;
        (newest.form == Form::Logged).then_some(&newest.request)
    }

    /// The newest of all.
    pub(crate) fn newest_of_all(self) -> Option<Request> {
        self.newest.into_values().max_by_key(|newest| newest.rank).map(|newest| newest.request)
    }

    /// The one request that is meant. Its warnings say how it was chosen, where there was a choice.
    pub(crate) fn newest(self, app: &AppRef, process: Process<'_>) -> Result<Request, RequestError> {
        let (mut by_type, mut warnings) = self.of_one_app(app)?;
        let known: Vec<String> = by_type.keys().cloned().collect();
        let serves = if matches!(process, Process::TypeOrWeb(_)) { by_type.remove(WEB) } else { None };
        if let Some(request) = by_type.remove(process.name()).or(serves) {
            return Ok(Request { warnings, ..request });
        }
        let rest = by_type.into_values().next();
        match (process, &known[..], rest) {
            (Process::Usual, [only], Some(request)) => {
                let (name, only) = (escape_control(&request.application.name), escape_control(only));
                warnings
                    .push(format!("app \"{name}\" has no launch request for web; its only one, for {only}, is used"));
                Ok(Request { warnings, ..request })
            }
            (_, _, rest) => {
                let name = rest.map(|request| request.application.name).filter(|name| !name.is_empty());
                let app = name.unwrap_or_else(|| app.word.clone());
                Err(RequestError::NoProcess { app, wanted: process.name().to_owned(), known })
            }
        }
    }

    /// The newest of each process type of the one app that is meant, web's first.
    pub(crate) fn newest_of_each_process(self, app: &AppRef) -> Result<Vec<Request>, RequestError> {
        let (mut by_type, warnings) = self.of_one_app(app)?;
        let web = by_type.remove(WEB);
        let mut requests: Vec<Request> = web.into_iter().chain(by_type.into_values()).collect();
        if let Some(first) = requests.first_mut() {
            first.warnings = warnings;
        }
        Ok(requests)
    }

    /// The newest of each process type of the app that is meant, and how it was chosen.
    fn of_one_app(self, app: &AppRef) -> Result<(BTreeMap<String, Request>, Vec<String>), RequestError> {
        let mut warnings = Vec::new();
        let mut candidates: Vec<Candidate> = self.candidates.into_values().collect();
        candidates.sort_by_key(|candidate| Reverse(candidate.time));
        if let [newest, others @ ..] = &candidates[..]
            && !others.is_empty()
        {
            // In a space a name is unique at any time: the others were deleted, or called otherwise since.
            let in_one_space =
                newest.has_name(&app.word) && others.iter().all(|other| other.is_in_the_space_of(newest));
            if !in_one_space {
                return Err(RequestError::Ambiguous { app: app.word.clone(), candidates });
            }
            warnings.push(format!(
                "\"{}\" was {} apps of one space; the one with the newest request is meant, {}",
                escape_control(&app.word),
                candidates.len(),
                escape_control(&newest.guid)
            ));
        }
        let guid = candidates.into_iter().next().map_or_else(String::new, |newest| newest.guid);
        let of_app = self.newest.into_iter().filter(|((of, _), _)| *of == guid);
        Ok((of_app.map(|((_, process), newest)| (process, newest.request)).collect(), warnings))
    }
}
