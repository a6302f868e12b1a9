//! What answers to the user's word among all requests of a kind, and which of it is meant.

use super::about::About;
use super::error::{Candidate, RequestError};
use super::forms::{Form, Found};
use super::history::Rank;
use super::request::{Request, RequestKind};
use crate::app_ref::AppRef;
use jiff::Timestamp;
use shared_model::desired_lrp::DesiredLrp;
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
}

impl<'a> Process<'a> {
    /// What was typed as the process type.
    pub(crate) fn typed(process: Option<&'a str>) -> Self {
        process.map_or(Self::Usual, Self::Type)
    }
}

/// See the module.
pub(crate) struct Meaning {
    /// The process type that is wanted where all apps are meant.
    wanted: String,
    /// The newest of each app, by its guid, and process type. Where all apps are meant they have no guid.
    newest: BTreeMap<(String, String), Newest>,
    /// The apps, by guid. Empty where all apps are meant.
    candidates: BTreeMap<String, Candidate>,
}

struct Newest {
    rank: Rank,
    form: Form,
    request: Request,
}

impl Meaning {
    /// Nothing yet, for somebody who wants that process.
    pub(crate) fn new(process: Process<'_>) -> Self {
        let wanted = if let Process::Type(process) = process { process } else { WEB };
        Self { wanted: wanted.to_owned(), newest: BTreeMap::new(), candidates: BTreeMap::new() }
    }

    /// A request that answers to the word; `is_of_an_app`: not all apps are meant.
    pub(crate) fn add(&mut self, found: &Found<'_>, about: About, rank: Rank, is_of_an_app: bool) {
        let mut guid = String::new();
        if is_of_an_app {
            guid.clone_from(&about.application.guid);
            let new = || Candidate::new(&about.application);
            let candidate = self.candidates.entry(guid.clone()).or_insert_with(new);
            candidate.time = found.time.max(candidate.time);
        }
        let mut process = process_type(found);
        if !is_of_an_app && process != self.wanted {
            process.clear(); // Of all apps only the wanted type is told from the rest, or this would grow with the log.
        }
        let key = (guid, process);
        if self.newest.get(&key).is_none_or(|known| known.rank < rank) {
            self.newest.insert(key, Newest { rank, form: found.form, request: about.of(found) });
        }
    }

    /// The time of the newest request that is surely meant; `None`: something newer may stand anywhere.
    pub(crate) fn newest_logged(&self) -> Option<Option<Timestamp>> {
        let wanted = self.newest.iter().filter(|((_, process), _)| *process == self.wanted).map(|(_, newest)| newest);
        let newest = wanted.max_by_key(|newest| newest.rank)?;
        (newest.form == Form::Logged).then_some(newest.request.time)
    }

    /// The one request that is meant. Its warnings say how it was chosen, where there was a choice.
    pub(crate) fn newest(self, app: Option<&AppRef>, process: Process<'_>) -> Result<Request, RequestError> {
        let (mut by_type, mut warnings) = self.of_one_app(app)?;
        let usual = || {
            by_type.keys().find(|known| *known == WEB).or_else(|| by_type.keys().next().filter(|_| by_type.len() == 1))
        };
        let chosen = match process {
            Process::Usual => usual().cloned(),
            Process::Type(process) => Some(process.to_owned()),
        };
        let wanted = chosen.as_deref().unwrap_or(WEB).to_owned();
        let Some(mut request) = by_type.remove(&wanted) else {
            let app = app.map_or_else(String::new, |app| app.word.clone());
            return Err(RequestError::NoSuchProcess { app, wanted, known: by_type.into_keys().collect() });
        };
        if process == Process::Usual && wanted != WEB && app.is_some() {
            let name = escape_control(&wanted);
            warnings.push(format!("The app has no launch request for web; that of {name}, its only process, is used"));
        }
        request.warnings = warnings;
        Ok(request)
    }

    /// The newest of each process type of the one app that is meant, web's first.
    pub(crate) fn newest_of_each_process(self, app: &AppRef) -> Result<Vec<Request>, RequestError> {
        let (mut by_type, warnings) = self.of_one_app(Some(app))?;
        let web = by_type.remove(WEB);
        let mut requests: Vec<Request> = web.into_iter().chain(by_type.into_values()).collect();
        if let Some(first) = requests.first_mut() {
            first.warnings = warnings;
        }
        Ok(requests)
    }

    /// The newest of each process type of the app that is meant, and how it was chosen.
    fn of_one_app(self, app: Option<&AppRef>) -> Result<(BTreeMap<String, Request>, Vec<String>), RequestError> {
        let mut warnings = Vec::new();
        let mut candidates: Vec<Candidate> = self.candidates.into_values().collect();
        candidates.sort_by_key(|candidate| Reverse(candidate.time));
        if let (Some(app), [newest, others @ ..]) = (app, &candidates[..])
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

/// A launch request's process type. Other requests, and odd ones, have web's.
fn process_type(found: &Found<'_>) -> String {
    let lrp = Some(found.document).filter(|_| found.kind == RequestKind::Launch);
    let lrp: Option<DesiredLrp> = lrp.and_then(|document| serde_json::from_str(document).ok());
    lrp.map_or_else(|| WEB.to_owned(), |lrp| lrp.process_type())
}
