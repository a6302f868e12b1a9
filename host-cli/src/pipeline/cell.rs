//! The cell's view of an engine, and its hands there: an instance is brought up by the same way as a launch.

use super::life::start_for_cell;
use crate::backend::docker::apps::{index, process_type};
use crate::backend::docker::ours::is_container;
use crate::backend::docker::wishes::wishes;
use crate::cell::decide::crash_id;
use crate::cell::exit_words::exit_words;
use crate::cell::records::Crash;
use crate::cell::view::{Ended, InstanceKey, Seen, SeenInstance, State, Wish, Wishes};
use crate::cell::{Lives, NotUp};
use crate::engine::{ContainerId, ContainerSummary, EngineError, Health, Running};
use crate::failure::Failure;
use crate::labels;
use crate::plan::cell::CLOSED;
use crate::plan::guard;
use crate::plan::launch::GRACE;
use crate::plan::wish::AppWish;
use crate::screen::Screen;
use crate::session::{Crashed, Session, orphans};
use crate::state_folder;
use crate::wishes::Wanted;
use jiff::Timestamp;
use shared_model::event::{Event, EventSink};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An engine with its apps.
pub(crate) struct OnEngine {
    session: Session,
    /// Which containers are ours, by id, of those that were there at the last look.
    known: Mutex<BTreeMap<String, bool>>,
}

impl OnEngine {
    /// That of this session.
    pub(crate) fn new(session: &Session) -> Self {
        Self { session: session.clone(), known: Mutex::default() }
    }

    /// Those of apps whose labels are their own, and not their image's.
    fn ours(&self, listed: Vec<ContainerSummary>) -> Result<Vec<ContainerSummary>, EngineError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let there: BTreeSet<&str> = listed.iter().map(|one| one.id.0.as_str()).collect();
        known.retain(|id, _| there.contains(id.as_str()));
        let mut ours = Vec::new();
        for one in listed.into_iter().filter(|one| one.label(labels::KIND) == labels::KIND_APP) {
            let is_ours = if let Some(is_ours) = known.get(&one.id.0) {
                *is_ours
            } else {
                let is_ours = is_container(&*self.session.engine, &one.labels, &one.image)?;
                known.insert(one.id.0.clone(), is_ours);
                is_ours
            };
            if is_ours {
                ours.push(one);
            }
        }
        Ok(ours)
    }

    /// What of a container only a look at itself tells; `None`: it is gone.
    fn ended(&self, one: &ContainerSummary) -> Result<Option<State>, EngineError> {
        let Some(found) = self.session.engine.container(&one.id)? else { return Ok(None) };
        Ok(Some(match (found.running, found.health) {
            (true, Health::Unhealthy) => State::Unhealthy { started: found.started },
            (true, _) => State::Up,
            (false, _) if found.ended == 0 => State::Made,
            (false, _) => State::Down(Ended {
                status: found.exit_status,
                out_of_memory: found.out_of_memory,
                started: found.started,
                ended: found.ended,
            }),
        }))
    }

    fn wish_of(&self, key: &InstanceKey) -> Result<AppWish, NotUp> {
        let wishes =
            wishes(&*self.session.engine).ok_or_else(|| NotUp::Later("there is no state folder".to_owned()))?;
        let wish = wishes.of(&key.app_guid).map_err(|error| NotUp::Later(error.to_string()))?;
        let is_wanted = |wish: &AppWish| {
            wish.processes.get(&key.process).is_some_and(|wanted| wanted.started && key.index < wanted.instances)
        };
        wish.filter(is_wanted).ok_or(NotUp::Unwanted)
    }

    /// Why a start has failed; `crashed`: the app's own doing, if it was that.
    fn why(&self, key: &InstanceKey, wish: &AppWish, crashed: Option<&Crashed>, failure: &Failure) -> NotUp {
        let Some(crashed) = crashed else {
            let of_launch = guard::of_launch(&key.app_guid, &key.process);
            let is_changed = match self.wish_of(key) {
                Ok(now) => now.current(&key.process) != wish.current(&key.process),
                Err(not_up) => not_up == NotUp::Unwanted,
            };
            let is_asked_for = self.session.is_asked_for(&of_launch).unwrap_or(false);
            return if is_changed || is_asked_for { NotUp::Unwanted } else { NotUp::Later(failure.text.clone()) };
        };
        let words = crashed.ended.map_or_else(|| failure.text.clone(), |(status, memory)| exit_words(status, memory));
        let exit_status = crashed.ended.map(|(status, _)| status);
        let container = crashed.container.as_ref().map_or("", |container| &container.0).to_owned();
        let id = if container.is_empty() { String::new() } else { crash_id(&container, crashed.started) };
        NotUp::Crashed(Crash { id, up: Duration::ZERO, words, exit_status, container })
    }

    /// The newest container of an instance that runs.
    fn living(&self, key: &InstanceKey) -> Result<ContainerId, EngineError> {
        // Of all, or the next look would ask for the image of each again.
        let mut ours = self.ours(self.session.engine.list_containers()?)?;
        ours.retain(|one| one.running == Running::Now && key_of(one) == *key);
        let newest = ours.into_iter().max_by_key(|one| one.created);
        newest
            .map(|one| one.id)
            .ok_or_else(|| EngineError::NotFound { what: "the container that was started".to_owned() })
    }
}

impl Lives for OnEngine {
    fn wishes(&self) -> Result<Wishes, EngineError> {
        let doing = || "reading what is wanted of apps".to_owned();
        let refused = |reason: String| EngineError::Refused { doing: doing(), reason };
        if state_folder::of_cell().is_some_and(|folder| folder.join(CLOSED).exists()) {
            // To take that for an engine without apps would be to forget what has crashed.
            return Err(refused("somebody is stopping the cell".to_owned()));
        }
        let kept = wishes(&*self.session.engine).ok_or_else(|| refused("there is no state folder".to_owned()))?;
        let mut wishes = Wishes::default();
        for read in kept.without_requests().map_err(|error| refused(error.to_string()))? {
            match read {
                Ok(wish) => wishes.apps.push(wanted(wish)),
                Err((file, error)) => {
                    let text =
                        format!("what is wanted of an app cannot be told, and it is left alone: {error} ({file})");
                    wishes.unreadable.push(text);
                }
            }
        }
        Ok(wishes)
    }

    fn seen(&self) -> Result<Seen, EngineError> {
        let listed = self.session.engine.list_containers()?;
        let is_guard =
            |one: &&ContainerSummary| one.running == Running::NotYet && one.label(labels::KIND) == labels::KIND_GUARD;
        let guards = listed.iter().filter(is_guard).map(|one| one.name.clone()).collect();
        let ours = self.ours(listed)?;
        let lives = |one: &&ContainerSummary| one.running == Running::Now && one.health != Health::Unhealthy;
        let living: BTreeSet<InstanceKey> = ours.iter().filter(lives).map(key_of).collect();
        let mut newest: BTreeMap<InstanceKey, i64> = BTreeMap::new();
        for one in &ours {
            let created = newest.entry(key_of(one)).or_insert(one.created);
            *created = one.created.max(*created);
        }
        let mut instances = Vec::new();
        for one in &ours {
            let key = key_of(one);
            let is_last = !living.contains(&key) && newest.get(&key) == Some(&one.created);
            let state = match (one.running, one.health) {
                (Running::NotYet, _) => State::Made,
                (Running::Now, Health::Starting) => State::Starting,
                (Running::Now, Health::Healthy | Health::Unchecked) => State::Up,
                // Of one that is not the last nobody asks how it ended.
                (Running::Not, _) if !is_last => continue,
                (Running::Now, Health::Unhealthy) | (Running::Not, _) => match self.ended(one)? {
                    Some(state) => state,
                    None => continue,
                },
            };
            let by_cell = one.label(labels::BY) == labels::BY_CELL;
            instances.push(SeenInstance { key, container: one.id.clone(), created: one.created, state, by_cell });
        }
        Ok(Seen { instances, guards, at_work: BTreeSet::new() })
    }

    fn bring_up(&self, instance: &InstanceKey) -> Result<ContainerId, NotUp> {
        let wish = self.wish_of(instance)?;
        let screen: Screen = Arc::new(Warnings(self.session.clone()));
        // Inside, so that its session is still there to ask.
        let mut not_up = None;
        let started = self.session.apart(screen, |session| {
            start_for_cell(session, &wish, &instance.process, instance.index).inspect_err(|failure| {
                not_up = Some(self.why(instance, &wish, session.unconnected().crashed(), failure));
            })
        });
        started.map_err(|failure| not_up.unwrap_or(NotUp::Later(failure.text)))?;
        self.living(instance).map_err(|error| NotUp::Later(error.to_string()))
    }

    fn end(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.session.engine.stop(container, GRACE)
    }

    fn wait_for_event(&self, since: Timestamp, patience: Duration) -> Result<Option<Timestamp>, EngineError> {
        self.session.engine.wait_for_event(since, patience)
    }

    fn tidy(&self) {
        orphans::remove(&self.session);
    }
}

fn wanted(wish: Wanted) -> Wish {
    let instances = wish.processes.into_iter();
    Wish {
        app_guid: wish.guid,
        processes: instances.map(|(process, of)| (process, if of.started { of.instances } else { 0 })).collect(),
    }
}

fn key_of(one: &ContainerSummary) -> InstanceKey {
    InstanceKey {
        app_guid: one.label(labels::APP_GUID).to_owned(),
        process: process_type(one).to_owned(),
        index: index(one),
    }
}

/// Of what a start says only what somebody should look into: the rest, and what an app printed, is in no log of the cell's.
struct Warnings(Session);

impl EventSink for Warnings {
    fn emit(&self, event: Event) {
        if let Event::Warning { .. } = event {
            self.0.emit(event);
        }
    }
}
