//! Starts the cell, ends it, and replaces it by one of another image. No app is touched by any of these but for its restart policy.

use super::adopt::adopt;
use super::find::{find, own_folder};
use super::kept::{REPLACED, ThroughCell, archive, ask};
use super::told::told;
use crate::backend::docker::bounds::usual_log;
use crate::backend::docker::preflight;
use crate::cell::status::Told;
use crate::engine::container_spec::RestartPolicy;
use crate::engine::{Container, ContainerId};
use crate::failure::Failure;
use crate::labels;
use crate::plan::cell::{APPS, FOLDER, NAME, SOCKET, container, is_socket_path, volume_labels};
use crate::session::Session;
use crate::wishes::{Keep, Wishes, digest, digest_of_all, whole};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the cell is given between SIGTERM and SIGKILL. It needs less than one, unless it is bringing up several apps, which it removes first.
const GRACE: Duration = Duration::from_secs(30);
/// How long an engine may show nobody behind a name that it has given away.
const NAMELESS: Duration = Duration::from_secs(5);
/// How long it may take until it has looked for the first time.
const START: Duration = Duration::from_secs(30);
/// Between two looks at that.
const POLL: Duration = Duration::from_millis(50);
/// How often what is wanted is moved anew, because somebody has changed it meanwhile.
const ATTEMPTS: usize = 20;
/// How much of what a cell printed that did not start is shown.
const LAST_LINES: usize = 20;

/// `cell start`: makes the cell, or starts the one that is there; then the apps that run are its own. `socket`: the engine's on its
/// machine; `None`: the one at which it is spoken to, or the usual one.
pub(crate) fn start(session: &Session, image: &str, socket: Option<&str>) -> Result<(), Failure> {
    let engine = &*session.engine;
    match find(engine)? {
        Some(cell) if cell.running => note(session, &format!("The cell runs already: container {NAME}")),
        Some(cell) => {
            engine.start(&cell.id)?;
            await_up(session, &cell.id)?;
            note(session, &format!("The cell runs again: container {NAME}"));
        }
        None => {
            let usual = engine.socket().unwrap_or_else(|| SOCKET.to_owned());
            let socket = socket.unwrap_or(&usual);
            checked(socket)?;
            match make(session, image, socket) {
                // Of two, one wins.
                Err(failure) if failure.text.contains("already in use") => {
                    await_anothers(session)?;
                    note(session, &format!("Another host-cli has started the cell: container {NAME}"));
                }
                made => {
                    made?;
                    note(session, &format!("The cell runs: container {NAME}"));
                }
            }
        }
    }
    take_over(session)?;
    let adopted = adopt(session, &remembered(session)?, RestartPolicy::No)?;
    note(session, &format!("{} in its care; what it does: `docker logs {NAME}`", counted(adopted)));
    Ok(())
}

/// `cell stop`: gives the apps that run back to the engine, and what is wanted of them to this user's host-cli, and ends the cell. Its
/// volume stays, with the crashes so far.
pub(crate) fn stop(session: &Session) -> Result<(), Failure> {
    let engine = &*session.engine;
    let Some(cell) = find(engine)? else {
        note(session, "There is no cell on this engine");
        return Ok(());
    };
    // First: from here on somebody starts again what crashes, whatever comes of the rest.
    let apps = remembered(session)?;
    adopt(session, &apps, RestartPolicy::UnlessStopped)?;
    let apps = give_back(session, &cell.id).map_err(|error| not_given_back(&error))?;
    engine.stop(&cell.id, GRACE)?;
    engine.remove(&cell.id)?;
    // With what it has brought up meanwhile.
    let adopted = adopt(session, &apps, RestartPolicy::UnlessStopped)?;
    note(session, &format!("The cell has ended. The engine starts again what crashes: {}", counted(adopted)));
    Ok(())
}

/// `cell upgrade`: replaces the cell by one of the image that bears this name now. What it keeps stays; where the new one does not start,
/// the old one does again.
pub(crate) fn upgrade(session: &Session, image: &str, socket: Option<&str>) -> Result<(), Failure> {
    let engine = &*session.engine;
    let newest = preflight::image(engine, image, preflight::STAGER)?;
    let Some(cell) = find(engine)? else {
        let text = "there is no cell on this engine";
        return Err(Failure::new(ExitCode::Engine, text, "`host-cli cell start` starts one"));
    };
    if cell.running && cell.image == newest.id {
        note(session, &format!("The cell is of the newest {} already", escape_control(image)));
        return Ok(());
    }
    let known = cell.labels.get(labels::SOCKET).cloned();
    let its = known.or_else(|| engine.socket()).unwrap_or_else(|| SOCKET.to_owned());
    let socket = socket.unwrap_or(&its);
    checked(socket)?;
    replace(session, &cell, &newest.id.0, socket).or_else(|failure| {
        // Whatever failed, apps are to be kept running.
        replace_left(session, &cell.image.0, &its)?;
        Err(Failure { text: format!("{}; a cell of the earlier image runs in its place", failure.text), ..failure })
    })?;
    note(session, &format!("The cell is of {} now", escape_control(image)));
    Ok(())
}

/// The path may be a socket's.
fn checked(socket: &str) -> Result<(), Failure> {
    if is_socket_path(socket) {
        return Ok(());
    }
    let text = format!("\"{}\" is no path of a socket", escape_control(socket));
    Err(Failure::new(ExitCode::CommandLine, text, "--socket takes an absolute path on the engine's machine"))
}

fn replace(session: &Session, cell: &Container, image: &str, socket: &str) -> Result<(), Failure> {
    session.engine.stop(&cell.id, GRACE)?;
    session.engine.remove(&cell.id)?;
    make_empty(session, image, socket)
}

/// Puts a cell of the old image where none is any more.
fn replace_left(session: &Session, image: &str, socket: &str) -> Result<(), Failure> {
    if let Some(left) = find(&*session.engine)? {
        session.engine.remove(&left.id)?;
    }
    make_empty(session, image, socket)
}

/// Makes and starts a cell that keeps what this user's host-cli has kept until now.
fn make(session: &Session, image: &str, socket: &str) -> Result<(), Failure> {
    let image = preflight::image(&*session.engine, image, preflight::STAGER)?;
    let cell = create(session, &image.id.0, socket)?;
    // Before it looks for the first time, or it would forget crashes of apps of which it knows nothing.
    let kept = own_folder(&*session.engine).map_or_else(|| Ok(BTreeMap::new()), |folder| whole(&folder));
    let moved =
        kept.and_then(|kept| archive(kept.iter().map(|(name, content)| (format!("{APPS}/{name}"), &**content))));
    session.engine.copy_in(&cell, FOLDER, moved.map_err(|error| not_taken_over(&error))?)?;
    run(session, &cell)
}

fn make_empty(session: &Session, image: &str, socket: &str) -> Result<(), Failure> {
    let cell = create(session, image, socket)?;
    // The earlier one is gone: whoever interrupts this leaves a cell.
    session.cleanup().release(&cell);
    run(session, &cell)
}

fn create(session: &Session, image: &str, socket: &str) -> Result<ContainerId, Failure> {
    let engine = &*session.engine;
    engine.ensure_volume(NAME, &volume_labels())?;
    let log = usual_log(session, image)?;
    session.create(Some(NAME), &container(image, socket, &log, &Uuid::new_v4().to_string()))
}

fn run(session: &Session, cell: &ContainerId) -> Result<(), Failure> {
    session.engine.start(cell)?;
    await_up(session, cell)?;
    session.cleanup().release(cell);
    Ok(())
}

/// Waits for a cell that somebody else is about to start: an engine gives a name away a moment before it shows who has it.
fn await_anothers(session: &Session) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        if let Some(cell) = find(&*session.engine)? {
            return await_up(session, &cell.id);
        }
        let is_anothers = session.engine.container(&ContainerId(NAME.to_owned()))?.is_some();
        if is_anothers || began.elapsed() >= NAMELESS {
            return Err(not_ours());
        }
        thread::sleep(POLL);
    }
}

/// Waits until the cell has looked for the first time.
fn await_up(session: &Session, cell: &ContainerId) -> Result<(), Failure> {
    let engine = &*session.engine;
    let began = Instant::now();
    loop {
        let now = engine.container(cell)?;
        let runs = now.as_ref().filter(|now| now.running && now.restarts == 0);
        // The volume may have the words of an earlier cell.
        let has_looked =
            |told: Told| told.status.is_some_and(|status| status.looked.as_second() >= told.container.started);
        if runs.is_some() && told(engine)?.is_some_and(has_looked) {
            return Ok(());
        }
        if began.elapsed() >= START || now.is_none_or(|now| now.ended > 0 && !now.running || now.restarts > 0) {
            let said = engine.log_tail(cell, LAST_LINES).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let said = said.lines().last().map_or_else(String::new, |line| format!(": {}", escape_control(line)));
            let text = format!("the cell does not start{said}");
            let advice = "is --socket the path of the engine's socket on its own machine, and --stager-image as new as this host-cli?";
            return Err(Failure::new(ExitCode::Engine, text, advice));
        }
        thread::sleep(POLL);
    }
}

/// Gives the cell what this user's host-cli has kept until now, and forgets it here. What the cell knows better stays.
fn take_over(session: &Session) -> Result<(), Failure> {
    let Some(folder) = own_folder(&*session.engine) else { return Ok(()) };
    let Some(cell) = through(session)? else { return Ok(()) };
    let mut put: BTreeMap<String, String> = BTreeMap::new();
    let move_all = || -> io::Result<bool> {
        let (here, there) = (whole(&folder)?, whole(&cell)?);
        let mut is_all = true;
        for (name, content) in here {
            if !there.contains_key(&name) {
                cell.replace(&name, None, Some(&content))?;
            } else if put.get(&name) == there.get(&name).map(|there| digest(there)).as_ref() {
                // What was put there a moment ago, and has been changed here since.
                cell.replace(&name, put.get(&name).map(|put| &**put), Some(&content))?;
            }
            put.insert(name.clone(), digest(&content));
            is_all &= folder.replace(&name, Some(&digest(&content)), None)?;
        }
        Ok(is_all)
    };
    until_all(move_all).map_err(|error| not_taken_over(&error))
}

/// Does something again and again until all of it is done: others may change the same at the same time.
fn until_all(mut act: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        if act()? {
            return Ok(());
        }
    }
    Err(io::Error::other("somebody else changes it at the same time, again and again"))
}

/// What the cell keeps; `None`: it is gone.
fn through(session: &Session) -> Result<Option<ThroughCell<'_>>, Failure> {
    let engine = &*session.engine;
    Ok(find(engine)?.map(|cell| ThroughCell::new(engine, cell.id)))
}

/// The apps of which the cell keeps what is wanted.
fn remembered(session: &Session) -> Result<BTreeSet<String>, Failure> {
    let Some(cell) = through(session)? else { return Ok(BTreeSet::new()) };
    let kept = Wishes::kept(cell).all().map_err(|error| {
        let text = format!("what is wanted of apps cannot be read from the cell: {error}");
        Failure::new(ExitCode::Engine, text, "is the engine still running?")
    })?;
    Ok(kept.into_iter().filter_map(Result::ok).map(|wish| wish.guid).collect())
}

/// Takes back all that the cell keeps, and has it keep nothing any more; the apps that this is about.
fn give_back(session: &Session, cell: &ContainerId) -> io::Result<BTreeSet<String>> {
    let none = || io::Error::other("there is no state folder; XDG_STATE_HOME or HOME names one");
    let folder = own_folder(&*session.engine).ok_or_else(none)?;
    let cell = ThroughCell::new(&*session.engine, cell.clone());
    let mut given: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    until_all(|| {
        let all = whole(&cell)?;
        for name in given.keys().filter(|name| !all.contains_key(*name)) {
            // An app that was deleted since it was given.
            folder.replace(name, given.get(name).map(|given| digest(given)).as_deref(), None)?;
        }
        for (name, content) in &all {
            let before = folder.one(name)?.map(|before| digest(&before));
            if !folder.replace(name, before.as_deref(), Some(content))? {
                return Ok(false);
            }
        }
        let cleared = ask(&*session.engine, &["cell", "run", "clear", &digest_of_all(&all)])?;
        given = all;
        Ok(cleared == REPLACED)
    })?;
    Ok(Wishes::kept(folder).all()?.into_iter().filter_map(Result::ok).map(|wish| wish.guid).collect())
}

fn not_taken_over(error: &io::Error) -> Failure {
    let text = format!("what is wanted of apps cannot be given to the cell: {error}");
    Failure::new(ExitCode::Engine, text, "`host-cli cell start` tries it again")
}

fn not_given_back(error: &io::Error) -> Failure {
    let text = format!("what is wanted of apps cannot be taken back from the cell, which runs on: {error}");
    Failure::new(ExitCode::Engine, text, "`host-cli cell stop` tries it again")
}

fn not_ours() -> Failure {
    let text = format!("container {NAME} is there and was not made by stager");
    Failure::new(ExitCode::Engine, text, format!("`docker rename {NAME} NAME` gives it another name"))
}

fn counted(apps: usize) -> String {
    if apps == 1 { "1 instance".to_owned() } else { format!("{apps} instances") }
}

fn note(session: &Session, text: &str) {
    session.emit(Event::Note { text: text.to_owned() });
}
