//! `rollback`: back to an earlier revision.

use super::{Instances, Unchanged, bring_up, known, remember_launch, wish_of};
use crate::backend::docker::{OneEngine, WhichImage};
use crate::engine::ImageId;
use crate::failure::Failure;
use crate::plan::apps::Selected;
use crate::plan::launch::Size;
use crate::plan::wish::Launched;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;

/// `rollback`: starts an app's processes as an earlier revision had them; `None`: the one before the newest that runs.
pub(crate) fn rollback(session: &Session, selected: &Selected, version: Option<u64>) -> Result<(), Failure> {
    let wish = wish_of(session, selected)?;
    let app = escape_control(selected.app.subject());
    let current = wish.processes.values().map(|process| process.revision).max().unwrap_or(0);
    let before = || wish.revisions.iter().rev().find(|one| one.version < current).map(|one| one.version);
    let Some(version) = version.or_else(before) else {
        let text = format!("{app} has no revision before {current}");
        return Err(Failure::new(ExitCode::Launch, text, "`host-cli revisions APP` shows those that are remembered"));
    };
    let Some(revision) = wish.revision(version) else {
        let known = listed(wish.revisions.iter().map(|one| one.version.to_string()));
        let text = format!("nothing is remembered of revision {version} of {app}; there are {known}");
        return Err(Failure::new(ExitCode::Launch, text, "`host-cli revisions APP` shows them"));
    };
    if wish.processes.values().all(|process| process.revision == version) {
        session.emit(Event::Note { text: format!("{app} runs revision {version} already") });
        return Ok(());
    }
    for (process, recipe) in &revision.recipes {
        let wanted = wish.processes.get(process);
        let (instances, size) = wanted.map_or((1, Size::default()), |wanted| (wanted.instances, wanted.size));
        let image = WhichImage::Known(&revision.image);
        let newest = known(session, &wish.guid, &app)?;
        let indices = (0..instances).collect();
        let engine = OneEngine::new(session, &recipe.stager_image);
        let unchanged = Unchanged::new(session, &wish, process);
        let launched = Launched {
            guid: wish.guid.clone(),
            name: wish.name.clone(),
            process: process.clone(),
            recipe: recipe.clone(),
            image: revision.image.clone(),
            instances,
            size,
            description: Some(format!("Rolled back to revision {version}.")),
        };
        let instances = Instances {
            recipe,
            indices,
            size,
            image,
            is_all: true,
            unchanged: Some(&unchanged),
            is_up: &|_: &ImageId| unchanged.is_now(remember_launch(session, &launched)),
            by_cell: false,
        };
        bring_up(&engine, Some(&newest), &instances)?;
    }
    Ok(())
}
