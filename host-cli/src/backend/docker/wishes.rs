//! Where it is kept what is wanted of an engine's apps: in the cell's volume, where the engine has a cell; else in the user's state
//! folder, by the engine's identity.

use super::cell::{self, ThroughCell};
use crate::engine::Engine;
use crate::engine::container_spec::RestartPolicy;
use crate::failure::Failure;
use crate::plan::cell::APPS;
use crate::plan::wish::AppWish;
use crate::session::Session;
use crate::state_folder;
use crate::wishes::{Folder, Keep, WishError, Wishes};
use shared_model::event::EventSink;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::io;

/// What is remembered of this engine's apps; `None`: there is no place for it.
pub(crate) fn wishes(engine: &dyn Engine) -> Option<Wishes<'_>> {
    if let Some(cell) = state_folder::of_cell() {
        return Some(Wishes::kept(Folder::at(cell.join(APPS))));
    }
    match cell::find(engine) {
        Ok(Some(cell)) => Some(Wishes::kept(ThroughCell::new(engine, cell.id))),
        Ok(None) => Some(Wishes::kept(cell::own_folder(engine)?)),
        Err(error) => Some(Wishes::kept(Unanswered(error.to_string()))),
    }
}

/// What an engine keeps that did not say whether it has a cell: to take that for none would be to write in the wrong place.
struct Unanswered(String);

impl Keep for Unanswered {
    fn each(&self, _: &mut dyn FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()> {
        Err(io::Error::other(self.0.clone()))
    }

    fn one(&self, _: &str) -> io::Result<Option<Vec<u8>>> {
        Err(io::Error::other(self.0.clone()))
    }

    fn replace(&self, _: &str, _: Option<&str>, _: Option<&[u8]>) -> io::Result<bool> {
        Err(io::Error::other(self.0.clone()))
    }
}

/// Changes what is remembered of an app. Where there is no cell it lives without that, and it is only a warning.
///
/// # Errors
/// It cannot be changed, and a cell would go by what is there.
pub(crate) fn must_remember(
    session: &Session,
    (guid, app): (&str, &str),
    change: impl Fn(Option<AppWish>) -> Option<AppWish>,
) -> Result<(), Failure> {
    must(session, app, |wishes| wishes.change(guid, &change).map(drop))
}

/// As [`must_remember`], of an app of which nothing is to be remembered.
pub(crate) fn must_forget(session: &Session, guid: &str, app: &str) -> Result<(), Failure> {
    must(session, app, |wishes| wishes.forget(guid))
}

fn must(session: &Session, app: &str, act: impl Fn(&Wishes<'_>) -> Result<(), WishError>) -> Result<(), Failure> {
    let Some(wishes) = wishes(&*session.engine) else { return Ok(()) };
    let Err(error) = act(&wishes) else { return Ok(()) };
    let failure = not_had(app, &error);
    if cell::restart_policy(&*session.engine)? == RestartPolicy::No {
        return Err(failure);
    }
    session.emit(failure.warning());
    Ok(())
}

/// Why what is remembered of the app cannot be had.
pub(crate) fn not_had(app: &str, error: &WishError) -> Failure {
    let advice = match error {
        WishError::Newer(_) => "use the newer host-cli, which wrote it",
        WishError::TooLarge => "the app runs; its request is too large to be started again from what is remembered",
        WishError::Busy => "try it again",
        WishError::Damaged | WishError::Kept(_) => "`host-cli launch APP` makes it anew; what runs goes on meanwhile",
    };
    Failure::new(ExitCode::Launch, format!("what is wanted of {} cannot be told: {error}", escape_control(app)), advice)
}
