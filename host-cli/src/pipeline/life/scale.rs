//! `scale`: another number of instances, another size of each.

use super::{Again, Unchanged, change_process, changed, start_again, wish_of};
use crate::backend::docker::apps::AppsOnEngine;
use crate::backend::docker::wishes::must_remember;
use crate::failure::Failure;
use crate::plan::apps::Selected;
use crate::plan::launch::Size;
use crate::plan::wish::ProcessWish;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;

/// How a process is to be scaled; `None` each: as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scale {
    /// How many instances.
    pub(crate) instances: Option<u32>,
    /// How much each may use.
    pub(crate) size: Size,
}

/// `scale`: gives a process other numbers. More instances are started beside those that run, the highest numbers end first; another size
/// replaces them one by one.
pub(crate) fn scale(session: &Session, selected: &Selected, process: &str, scale: Scale) -> Result<(), Failure> {
    let wish = wish_of(session, selected)?;
    let Some((before, ..)) = wish.current(process) else {
        let text = format!("nothing is remembered of process {}", escape_control(process));
        return Err(Failure::new(ExitCode::Launch, text, "`host-cli launch --process TYPE APP` starts one"));
    };
    let size = scale.size.or(before.size);
    let after = ProcessWish { instances: scale.instances.unwrap_or(before.instances), size, ..before.clone() };
    if after == *before {
        session.emit(Event::Note { text: format!("{} has that already", escape_control(selected.app.subject())) });
        return Ok(());
    }
    // Only what was typed: somebody else may have changed the other at the same time.
    let scaled = |wanted: &mut ProcessWish| {
        wanted.instances = scale.instances.unwrap_or(wanted.instances);
        wanted.size = scale.size.or(wanted.size);
    };
    let event = "audit.app.process.scale";
    let remember = || change_process(session, &wish, process, event, &scaled);
    let has_fewer = after.instances < before.instances;
    let is_meant = |index: u32| size != before.size || index >= before.instances;
    let is_any_meant = (0..after.instances).any(is_meant);
    if !after.started || !has_fewer && !is_any_meant {
        remember();
        return Ok(());
    }
    let mut as_scaled = wish.clone();
    as_scaled.processes.insert(process.to_owned(), after.clone());
    if has_fewer {
        // Before they end, or somebody would start them again.
        let remember = || {
            Unchanged::new(session, &wish, process).is_right()?;
            must_remember(session, (&wish.guid, &wish.name), changed(process, event, &scaled))
        };
        AppsOnEngine::new(session).end_from(&selected.app, (process, after.instances), &remember)?;
    }
    if !is_any_meant {
        return Ok(());
    }
    let again = Again {
        // Fewer are remembered already.
        read: if has_fewer { &as_scaled } else { &wish },
        wish: &as_scaled,
        process,
        is_meant: &is_meant,
        is_up: &|| if has_fewer { None } else { remember() },
        by_cell: false,
    };
    start_again(session, &again)
}
