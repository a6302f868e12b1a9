//! `mini-hcf push`: the package goes into the blobstore, stager's and nsync's lines into the logs.

use std::collections::BTreeMap;
use std::io::Write;

use crate::failure::Failure;
use crate::manage::choose::{PushOptions, chosen_buildpacks};
use crate::manage::describe::{described, processes};
use crate::manage::log::{LogSource, append};
use crate::manage::now::{new_guid, now, seconds};
use crate::request::lifecycle::Kind;
use crate::request::lines::{self, Occasion};
use crate::request::signature::{LIFETIME, Signer};
use crate::state::{KnownApp, State};

/// Pushes; prints name, guid and process guids.
pub(crate) fn push(state: &State, push: &PushOptions, out: &mut dyn Write) -> Result<(), Failure> {
    let mut settings = state.settled()?;
    let chosen = chosen_buildpacks(&settings, push)?;
    let mut app = state.app_named(&push.name)?.unwrap_or_else(|| KnownApp {
        name: push.name.clone(),
        guid: new_guid(),
        stack: String::new(),
        processes: BTreeMap::new(),
    });
    app.stack.clone_from(&push.stack);
    for (kind, _) in &push.processes {
        app.processes.entry(kind.clone()).or_insert_with(new_guid);
    }
    state.remember(&app)?;

    let now = now();
    let age = if push.expired { 2 * LIFETIME } else { 0 };
    let signer = Signer::new(&settings.secret, seconds(now) + LIFETIME - age);
    let web = described(state, push, &app, &chosen, &signer, now)?;
    let processes = processes(web.clone(), push, &app);
    settings.pushes += 1;
    state.keep(&settings)?;
    let occasion = Occasion { nanoseconds: now, number: settings.pushes };
    if push.logs {
        append(state, LogSource::Stager, now, &lines::stager(&web, occasion))?;
        for process in &processes {
            append(state, LogSource::NsyncListener, now, &lines::nsync(process, occasion))?;
        }
    }
    if push.style.is_today() {
        state.tell_bbs(&processes, now)?;
    }
    let _ = writeln!(out, "pushed {} (app guid {})", app.name, app.guid);
    if web.lifecycle.kind() == Kind::Cnb && web.command.is_empty() {
        // Cloud Controller takes it from the result of the staging, which nobody brings here.
        let _ = writeln!(out, "note: web has no start command, and the launcher of cnb apps wants one; add --command");
    }
    for process in &processes {
        let kind = if process.is_web() { String::new() } else { format!(" ({})", process.process.kind) };
        let _ = writeln!(out, "process guid {}{kind}", process.process_guid());
    }
    Ok(())
}
