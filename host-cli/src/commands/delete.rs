//! `delete`: ends an app and removes what it ran in.

use super::place;
use crate::app_ref::{AnswersBy, AppRef};
use crate::arguments::Delete;
use crate::failure::Failure;
use crate::plan::apps::{ChooseError, Part, RunningApp, choose};
use crate::screen::question::{can_be_asked, is_agreed};
use crate::screen::screen;
use crate::session::{Unconnected, run_without_engine};
use crate::stagings;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;

/// Removes the app.
pub(super) fn run(command: Delete) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| delete(session, &command))
}

fn delete(session: &Unconnected, command: &Delete) -> Result<(), Failure> {
    let app = command.app_ref()?;
    let cluster = command.cluster()?;
    if !command.force && !can_be_asked() {
        let text = "delete asks before it removes an app, and there is no terminal to ask at";
        return Err(Failure::new(ExitCode::CommandLine, text, "-f removes it without asking"));
    }
    let place = place::to_act_on(session, cluster.as_ref())?;
    let Some(app) = whole(&place.apps()?, &app)? else {
        // A script may delete twice; who mistyped the name reads it.
        let text = format!("app \"{}\" does not exist", escape_control(&app.word));
        session.emit(Event::Warning { text });
        // Its staging may be remembered all the same. A name may be another app's by now, or one's of another engine.
        match &stagings::meant(&app)[..] {
            [staged] if app.means(staged) != Some(AnswersBy::Name) => forget_staging(session, &staged.guid),
            [staged] => {
                let guid = escape_control(&staged.guid);
                let text = format!(
                    "What was said in the last staging of app {guid} stays; `host-cli delete {guid}` removes it"
                );
                session.emit(Event::Note { text });
            }
            _ => {}
        }
        return Ok(());
    };
    let question = format!("Really delete the app {} ({})?", escape_control(app.subject()), place.what_goes(&app));
    if !command.force && !is_agreed(&question) {
        session.emit(Event::Note { text: "Delete cancelled".to_owned() });
        return Ok(());
    }
    place.delete(&app)?;
    forget_staging(session, &app.guid);
    Ok(())
}

fn forget_staging(session: &Unconnected, guid: &str) {
    if let Err(error) = stagings::forget(guid) {
        session.emit(Event::Warning { text: format!("what was said in its last staging stays: {error}") });
    }
}

/// The app that is meant; `None`: there is none. A part of an app is refused.
fn whole(apps: &[RunningApp], app: &AppRef) -> Result<Option<RunningApp>, Failure> {
    match choose(apps, app, &Part::default()) {
        Ok(selected) if selected.part == Part::default() => Ok(Some(selected.app)),
        Err(ChooseError::NoApp { .. }) => Ok(None),
        Ok(_) | Err(ChooseError::NoProcess { .. } | ChooseError::NoInstance { .. }) => {
            let text = format!("delete removes a whole app, and \"{}\" is a part of one", escape_control(&app.word));
            Err(Failure::new(ExitCode::CommandLine, text, "`host-cli stop APP/PROCESS` ends a process"))
        }
        Err(error) => Err(error.into()),
    }
}
