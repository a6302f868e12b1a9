//! An app that was launched lives on: started and stopped, with more instances or fewer, back to what it was before. What is wanted of it
//! is remembered ([`crate::wishes`]); what is started is a fresh container, by the same way as a launch.

use crate::backend::docker::wishes::{not_had, wishes};
use crate::backend::docker::{OneEngine, Order, WhichImage};
use crate::cell::record_file::now;
use crate::engine::ImageId;
use crate::failure::Failure;
use crate::plan::apps::Selected;
use crate::plan::launch::{LaunchPlan, Size};
use crate::plan::recipe::{Recipe, Which};
use crate::plan::wish::{AppWish, Launched, MOST_INSTANCES, ProcessWish};
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::cell::RefCell;
use std::num::NonZeroU16;
use uuid::Uuid;

mod rollback;
mod scale;

pub(crate) use rollback::rollback;
pub(crate) use scale::{Scale, scale};

/// Instances of a process that are to be started.
struct Instances<'a> {
    /// How.
    recipe: &'a Recipe,
    /// Their numbers; none: nothing is started.
    indices: Vec<u32>,
    /// How much each may use.
    size: Size,
    /// Of what.
    image: WhichImage<'a>,
    /// Whether there are to be no others.
    is_all: bool,
    /// Of what must be remembered still what was read, when nobody else can launch the process any more and while they come up; `None`:
    /// they are right whatever was before.
    unchanged: Option<&'a Unchanged<'a>>,
    /// Called when the first of them is up, with its image: what comes after that may fail, or be killed.
    is_up: &'a dyn Fn(&ImageId),
    /// Whether the cell starts them.
    by_cell: bool,
}

/// Starts instances, each healthy before the earlier one of its number ends; `wish` is what was remembered before.
fn bring_up(engine: &OneEngine<'_>, wish: Option<&AppWish>, instances: &Instances<'_>) -> Result<(), Failure> {
    let Instances { recipe, size, image, is_all, unchanged, is_up, by_cell, .. } = instances;
    let plan = |index: &u32| {
        Ok::<LaunchPlan, Failure>(recipe.plan(Which {
            instance: &Uuid::new_v4().to_string(),
            index: *index,
            size: *size,
        })?)
    };
    let plans: Vec<LaunchPlan> = instances.indices.iter().map(plan).collect::<Result<_, _>>()?;
    let Some(first) = plans.first() else { return Ok(()) };
    let process = &first.process.process_type;
    let revision = |image: &str| AppWish::version(wish, image, process, recipe);
    let order = Order {
        plans: &plans,
        image: *image,
        is_right: &|| unchanged.map_or(Ok(()), Unchanged::is_right),
        is_wanted: &|| unchanged.map_or(Ok(()), Unchanged::is_wanted),
        is_up: *is_up,
        revision: &revision,
        is_all: *is_all,
        by_cell: *by_cell,
    };
    engine.launch(&order).map(drop)
}

/// How many instances of the process there are to be: as many as were typed, else as the request has.
///
/// # Errors
/// More than one engine takes.
pub(crate) fn instances(typed: Option<NonZeroU16>, plan: &LaunchPlan) -> Result<u32, Failure> {
    let wanted = typed.map_or(u32::try_from(plan.orchestration.instances).unwrap_or(1), |typed| u32::from(typed.get()));
    if wanted > MOST_INSTANCES {
        let text = format!("{wanted} instances of {} are more than one engine takes", escape_control(&plan.subject()));
        let advice = format!("choose fewer with --instances, {MOST_INSTANCES} at most");
        return Err(Failure::new(ExitCode::Request, text, advice));
    }
    Ok(wanted)
}

/// Starts all instances of a process from its request, and remembers how. `plan` is the first one's.
pub(crate) fn launch(
    session: &Session,
    engine: &OneEngine<'_>,
    (recipe, size): (&Recipe, Size),
    plan: &LaunchPlan,
    instances: u32,
) -> Result<(), Failure> {
    let (guid, app) = (&*plan.app_guid, &*plan.app);
    // What cannot be read now is told when it cannot be written.
    let wish = remembered(session, guid, app).unwrap_or_default();
    let image = WhichImage::Newest;
    let indices = (0..instances).collect();
    let is_up = |ImageId(image): &ImageId| {
        let launched = Launched {
            guid: guid.to_owned(),
            name: app.to_owned(),
            process: plan.process.process_type.clone(),
            recipe: recipe.clone(),
            image: image.clone(),
            instances,
            size,
            description: None,
        };
        remember_launch(session, &launched);
    };
    let instances =
        Instances { recipe, indices, size, image, is_all: true, unchanged: None, is_up: &is_up, by_cell: false };
    bring_up(engine, wish.as_ref(), &instances)
}

/// What is remembered of an app; `None`: nothing, or there is no place for it.
///
/// # Errors
/// It cannot be read.
pub(crate) fn remembered(session: &Session, guid: &str, app: &str) -> Result<Option<AppWish>, Failure> {
    wishes(&*session.engine).map_or(Ok(None), |wishes| wishes.of(guid)).map_err(|error| not_had(app, &error))
}

/// As [`remembered`], for who cannot do without.
pub(crate) fn known(session: &Session, guid: &str, app: &str) -> Result<AppWish, Failure> {
    remembered(session, guid, app)?.ok_or_else(|| {
        let text = format!("nothing is remembered of {} here: who launched it, and how", escape_control(app));
        Failure::new(ExitCode::Launch, text, "`host-cli launch APP` starts it from its request and remembers it")
    })
}

/// Changes what is remembered of an app. An app lives without it, so that is only a warning.
pub(crate) fn remember(
    session: &Session,
    (guid, app): (&str, &str),
    change: impl Fn(Option<AppWish>) -> Option<AppWish>,
) -> Option<AppWish> {
    let Some(wishes) = wishes(&*session.engine) else {
        let text = format!(
            "what is wanted of {} is not remembered: there is no state folder; XDG_STATE_HOME or HOME names one",
            escape_control(app)
        );
        session.emit(Event::Warning { text });
        return None;
    };
    wishes.change(guid, change).unwrap_or_else(|error| {
        session.emit(not_had(app, &error).warning());
        None
    })
}

/// Remembers a launch of which an instance is up.
pub(crate) fn remember_launch(session: &Session, launched: &Launched) -> Option<AppWish> {
    let (now, guid, name) = (now(), &*launched.guid, &*launched.name);
    let started = |wish: Option<AppWish>| {
        let mut wish = AppWish::launched(wish, launched.clone(), now);
        let version = wish.processes.get(&launched.process).map_or(0, |process| process.revision);
        let what = format!("{}, {} of revision {version}", launched.process, counted(launched.instances));
        wish.tell(now, "audit.app.start", what);
        Some(wish)
    };
    remember(session, (guid, name), started)
}

/// `1 instance`, `3 instances`.
pub(crate) fn counted(instances: u32) -> String {
    if instances == 1 { "1 instance".to_owned() } else { format!("{instances} instances") }
}

/// How instances of a process are started again.
struct Again<'a> {
    /// What was read of the app: if another is there by then, somebody was faster.
    read: &'a AppWish,
    /// As what the process is to be.
    wish: &'a AppWish,
    process: &'a str,
    /// Which instances.
    is_meant: &'a dyn Fn(u32) -> bool,
    /// Called when the first of them is up; what is remembered then, where that was changed.
    is_up: &'a dyn Fn() -> Option<AppWish>,
    by_cell: bool,
}

/// Starts an instance for the cell, as it is wanted, of the revision that its process runs.
pub(crate) fn start_for_cell(session: &Session, wish: &AppWish, process: &str, index: u32) -> Result<(), Failure> {
    let is_meant = &|one| one == index;
    start_again(session, &Again { read: wish, wish, process, is_meant, is_up: &|| None, by_cell: true })
}

fn start_again(session: &Session, again: &Again<'_>) -> Result<(), Failure> {
    let Again { wish, process, by_cell, .. } = *again;
    let Some((wanted, revision, recipe)) = wish.current(process) else { return Ok(()) };
    let indices: Vec<u32> = (0..wanted.instances).filter(|index| (again.is_meant)(*index)).collect();
    let unchanged = Unchanged::new(session, again.read, process);
    let instances = Instances {
        recipe,
        is_all: u32::try_from(indices.len()) == Ok(wanted.instances),
        indices,
        size: wanted.size,
        image: WhichImage::Known(&revision.image),
        unchanged: Some(&unchanged),
        is_up: &|_: &ImageId| unchanged.is_now((again.is_up)()),
        by_cell,
    };
    bring_up(&OneEngine::new(session, &recipe.stager_image), Some(wish), &instances)
}

/// What was read of a process is what is remembered still. Else somebody was faster: to go on would undo what he did.
struct Unchanged<'a> {
    session: &'a Session,
    process: &'a str,
    read: RefCell<AppWish>,
}

impl<'a> Unchanged<'a> {
    fn new(session: &'a Session, read: &AppWish, process: &'a str) -> Self {
        Self { session, process, read: RefCell::new(read.clone()) }
    }

    /// The process was changed here, and is this now; `None`: it was not.
    fn is_now(&self, changed: Option<AppWish>) {
        if let Some(changed) = changed {
            *self.read.borrow_mut() = changed;
        }
    }

    /// # Errors
    /// It is not, or that cannot be told.
    fn is_right(&self) -> Result<(), Failure> {
        let read = self.read.borrow();
        let now = remembered(self.session, &read.guid, &read.name)?;
        self.is_as_read(now.as_ref())
    }

    /// As [`Self::is_right`], where what cannot be told in passing is no reason to give up.
    fn is_wanted(&self) -> Result<(), Failure> {
        let read = self.read.borrow();
        remembered(self.session, &read.guid, &read.name).map_or(Ok(()), |now| self.is_as_read(now.as_ref()))
    }

    fn is_as_read(&self, now: Option<&AppWish>) -> Result<(), Failure> {
        let read = self.read.borrow();
        if now.and_then(|now| now.current(self.process)) == read.current(self.process) {
            return Ok(());
        }
        let text = format!("somebody else has just changed {}; this is given up", escape_control(&read.name));
        let advice = "`host-cli app APP` shows it as it is now; try again if that is still wanted";
        Err(Failure::new(ExitCode::Launch, text, advice))
    }
}

/// `start`: starts what is meant of an app and does not run.
pub(crate) fn start(session: &Session, selected: &Selected) -> Result<(), Failure> {
    let (app, wish) = (&selected.app, wish_of(session, selected)?);
    let mut is_started = false;
    for process in processes(&wish, selected) {
        let runs = |index: u32| {
            let of_process = app.processes.iter().filter(|one| one.process_type == process);
            of_process.flat_map(|one| &one.instances).any(|one| one.index == index && one.state.is_up())
        };
        is_whole_or_started(&wish, selected, &process)?;
        let is_meant = |index: u32| selected.part.means(&process, index) && !runs(index);
        let started = || {
            let started = |wanted: &mut ProcessWish| wanted.started = true;
            change_process(session, &wish, &process, "audit.app.start", &started)
        };
        let wanted = wish.processes.get(&process).map_or(0, |wanted| wanted.instances);
        if (0..wanted).any(is_meant) {
            is_started = true;
            let (wish, process, is_up) = (&wish, &*process, &started);
            start_again(session, &Again { read: wish, wish, process, is_meant: &is_meant, is_up, by_cell: false })?;
        } else {
            started();
        }
    }
    if !is_started {
        session.emit(Event::Note { text: format!("{} is started already", escape_control(app.subject())) });
    }
    Ok(())
}

/// `restart`: replaces what is meant of an app, instance by instance, each healthy before the one before it ends.
pub(crate) fn restart(session: &Session, selected: &Selected) -> Result<(), Failure> {
    let wish = wish_of(session, selected)?;
    for process in processes(&wish, selected) {
        is_whole_or_started(&wish, selected, &process)?;
        let started = || {
            let started = |wanted: &mut ProcessWish| wanted.started = true;
            change_process(session, &wish, &process, "audit.app.restart", &started)
        };
        let (wish, process, is_up) = (&wish, &*process, &started);
        let is_meant = &|index| selected.part.means(process, index);
        start_again(session, &Again { read: wish, wish, process, is_meant, is_up, by_cell: false })?;
    }
    Ok(())
}

/// What is remembered of all that is meant.
fn wish_of(session: &Session, selected: &Selected) -> Result<AppWish, Failure> {
    let wish = known(session, &selected.app.guid, selected.app.subject())?;
    match &selected.part.process {
        Some(process) if wish.current(process).is_none() => {
            let text = format!("nothing is remembered of process {}: how it was launched", escape_control(process));
            Err(Failure::new(ExitCode::Launch, text, "`host-cli launch --process TYPE APP` starts it and remembers it"))
        }
        _ => Ok(wish),
    }
}

/// An instance alone can be started of what is to run, and if it is one of those that are wanted.
fn is_whole_or_started(wish: &AppWish, selected: &Selected, process: &str) -> Result<(), Failure> {
    let Some((wanted, index)) = wish.processes.get(process).zip(selected.part.index) else { return Ok(()) };
    let app = escape_control(selected.app.subject());
    if !wanted.started {
        let text = format!("{app} is stopped ({process}), and one instance of it cannot be started alone");
        return Err(Failure::new(ExitCode::Launch, text, "`host-cli start APP` starts all of them"));
    }
    if index >= wanted.instances {
        let text = format!("{app} ({process}) is to have {}, and none of number {index}", counted(wanted.instances));
        return Err(Failure::new(ExitCode::Launch, text, "`host-cli scale APP -i N` changes that"));
    }
    Ok(())
}

/// The processes that are meant and remembered.
fn processes(wish: &AppWish, selected: &Selected) -> Vec<String> {
    let wanted = selected.part.process.as_ref();
    wish.processes.keys().filter(|process| wanted.is_none_or(|wanted| wanted == *process)).cloned().collect()
}

/// Remembers what has become of a process; what is remembered now.
fn change_process(
    session: &Session,
    of: &AppWish,
    process: &str,
    event: &str,
    change: &dyn Fn(&mut ProcessWish),
) -> Option<AppWish> {
    remember(session, (&of.guid, &of.name), changed(process, event, change))
}

/// The change of one process of an app.
fn changed<'a>(
    process: &'a str,
    event: &'a str,
    change: &'a dyn Fn(&mut ProcessWish),
) -> impl Fn(Option<AppWish>) -> Option<AppWish> {
    let now = now();
    move |wish| {
        let mut wish = wish?;
        if let Some(wanted) = wish.processes.get_mut(process) {
            change(wanted);
            let what = format!("{process}, {}", counted(wanted.instances));
            wish.tell(now, event, what);
        }
        Some(wish)
    }
}
