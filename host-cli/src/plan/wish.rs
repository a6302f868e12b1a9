//! What is wanted of an app, and cannot be told by what runs: how many instances of each process, started or stopped, and its
//! revisions with all that it takes to start them. One value an app; [`crate::wishes`] keeps it as one small file. Pure.
//!
//! It holds secrets (requests, keys): who keeps it, keeps it closed.

use super::launch::Size;
use super::recipe::Recipe;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The form of the file that this program writes and reads.
pub(crate) const FORM: u32 = 1;
/// How many revisions are kept besides those that are in use.
pub(crate) const REVISIONS: usize = 3;
/// How many of the app's events are kept.
const EVENTS: usize = 50;
/// As many instances as Cloud Foundry lets an app have would be too many for one engine; so many no engine refuses.
pub(crate) const MOST_INSTANCES: u32 = 1000;

/// What is wanted of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppWish {
    /// [`FORM`].
    pub(crate) form: u32,
    /// The app's guid; empty where its request had none.
    pub(crate) guid: String,
    /// The app's name, as its last launch called it.
    pub(crate) name: String,
    /// By process type.
    pub(crate) processes: BTreeMap<String, ProcessWish>,
    /// The oldest first; never empty.
    pub(crate) revisions: Vec<Revision>,
    /// What people did to it, the oldest first.
    #[serde(default)]
    pub(crate) events: Vec<AppEvent>,
    /// The number of the newest one-off task; 0: there was none.
    #[serde(default)]
    pub(crate) last_task: u64,
}

/// What is wanted of a process type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessWish {
    /// Whether it is to run.
    pub(crate) started: bool,
    /// How many instances there are to be while it is started.
    pub(crate) instances: u32,
    /// How much each may use.
    #[serde(default)]
    pub(crate) size: Size,
    /// The revision that it runs.
    pub(crate) revision: u64,
}

/// An image of the app, and how its processes are started from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revision {
    /// From 1.
    pub(crate) version: u64,
    /// When it was first started.
    pub(crate) created: Timestamp,
    /// Why there is one, for people: `Initial revision.`
    pub(crate) description: String,
    /// The image's id on the engine.
    pub(crate) image: String,
    /// By process type, those that were started of it.
    pub(crate) recipes: BTreeMap<String, Recipe>,
}

/// What somebody did to an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppEvent {
    /// When.
    pub(crate) time: Timestamp,
    /// Cloud Foundry's word where it has one: `audit.app.start`.
    pub(crate) event: String,
    /// A few words; nothing secret.
    pub(crate) description: String,
}

/// A launch that went well.
#[derive(Clone, Debug)]
pub(crate) struct Launched {
    /// Whose.
    pub(crate) guid: String,
    /// What it is called.
    pub(crate) name: String,
    /// The process type.
    pub(crate) process: String,
    /// How it was started.
    pub(crate) recipe: Recipe,
    /// The image's id on the engine.
    pub(crate) image: String,
    /// How many instances.
    pub(crate) instances: u32,
    /// How much each may use.
    pub(crate) size: Size,
    /// Why, where it makes a new revision; `None`: the usual words.
    pub(crate) description: Option<String>,
}

impl AppWish {
    /// Of an app of which nothing is remembered.
    fn new(guid: &str) -> Self {
        Self {
            form: FORM,
            guid: guid.to_owned(),
            name: String::new(),
            processes: BTreeMap::new(),
            revisions: Vec::new(),
            events: Vec::new(),
            last_task: 0,
        }
    }

    /// The number of the revision that a launch belongs to: the newest one's where that has the same image and does not know better how
    /// the process is started; else the next.
    pub(crate) fn version(wish: Option<&Self>, image: &str, process: &str, recipe: &Recipe) -> u64 {
        let Some(newest) = wish.and_then(|wish| wish.revisions.last()) else { return 1 };
        let fits = newest.image == image && newest.recipes.get(process).is_none_or(|known| known == recipe);
        if fits { newest.version } else { newest.version.saturating_add(1) }
    }

    /// With this launch.
    pub(crate) fn launched(wish: Option<Self>, launched: Launched, now: Timestamp) -> Self {
        let version = Self::version(wish.as_ref(), &launched.image, &launched.process, &launched.recipe);
        let mut wish = wish.unwrap_or_else(|| Self::new(&launched.guid));
        wish.name = launched.name;
        let before = wish.revisions.last().map(|newest| newest.image.clone());
        if wish.revision(version).is_none() {
            let description = launched.description.unwrap_or_else(|| match before {
                None => "Initial revision.".to_owned(),
                Some(image) if image == launched.image => "New settings deployed.".to_owned(),
                Some(_) => "New droplet deployed.".to_owned(),
            });
            let image = launched.image;
            wish.revisions.push(Revision { version, created: now, description, image, recipes: BTreeMap::new() });
        }
        if let Some(revision) = wish.revisions.iter_mut().find(|revision| revision.version == version) {
            revision.recipes.insert(launched.process.clone(), launched.recipe);
        }
        let (instances, size) = (launched.instances, launched.size);
        wish.processes.insert(launched.process, ProcessWish { started: true, instances, size, revision: version });
        wish.forget();
        wish
    }

    /// Forgets revisions beyond the newest, but for those that are in use and the one before each.
    fn forget(&mut self) {
        let used: BTreeSet<u64> = self.processes.values().map(|process| process.revision).collect();
        let newest: BTreeSet<u64> =
            self.revisions.iter().rev().take(REVISIONS).map(|revision| revision.version).collect();
        self.revisions.retain(|one| used.contains(&one.version) || newest.contains(&one.version));
    }

    /// Forgets the oldest revision that nothing runs; false: there is none.
    pub(crate) fn forget_oldest(&mut self) -> bool {
        let used: BTreeSet<u64> = self.processes.values().map(|process| process.revision).collect();
        let oldest = self.revisions.iter().position(|revision| !used.contains(&revision.version));
        oldest.map(|oldest| self.revisions.remove(oldest)).is_some()
    }

    /// Writes down what somebody did; the oldest are forgotten.
    pub(crate) fn tell(&mut self, time: Timestamp, event: &str, description: String) {
        self.events.push(AppEvent { time, event: event.to_owned(), description });
        let surplus = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..surplus);
    }

    /// The revision of this number.
    pub(crate) fn revision(&self, version: u64) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.version == version)
    }

    /// How a process is started as it is wanted now; `None`: nothing of it is remembered.
    pub(crate) fn current(&self, process: &str) -> Option<(&ProcessWish, &Revision, &Recipe)> {
        let wanted = self.processes.get(process)?;
        let revision = self.revision(wanted.revision)?;
        Some((wanted, revision, revision.recipes.get(process)?))
    }

    /// The images that its revisions need.
    pub(crate) fn images(&self) -> BTreeSet<&str> {
        self.revisions.iter().map(|revision| &*revision.image).collect()
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::plan::image_source::Pull;
    use crate::plan::lifecycle::LifecycleFrom;
    use shared_model::secret::Secret;

    /// Of this document, with nothing typed.
    pub(crate) fn recipe(document: &str) -> Recipe {
        Recipe {
            document: Secret::new(document.to_owned()),
            requested: None,
            process: None,
            ports: Vec::new(),
            volumes: Vec::new(),
            network: "hcf".to_owned(),
            hosts: Vec::new(),
            dns: Vec::new(),
            stager_image: "stager:latest".to_owned(),
            files: Vec::new(),
            cache: None,
            lifecycle: LifecycleFrom::Image,
            pull: Pull::Missing,
            authorities: Vec::new(),
            identity: None,
            local: crate::plan::local_wishes::LocalWishes::default(),
        }
    }

    /// A launch of this process of app `g` from this image.
    pub(crate) fn launched(process: &str, image: &str, document: &str) -> Launched {
        Launched {
            guid: "g".to_owned(),
            name: "shop".to_owned(),
            process: process.to_owned(),
            recipe: recipe(document),
            image: image.to_owned(),
            instances: 1,
            size: Size::default(),
            description: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{launched, recipe};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn after(launches: &[(&str, &str, &str)]) -> AppWish {
        let launch = |wish, (at_second, (process, image, document)): (i64, &(&str, &str, &str))| {
            Some(AppWish::launched(wish, launched(process, image, document), at(at_second)))
        };
        (0..).zip(launches).fold(None, launch).unwrap()
    }

    fn versions(wish: &AppWish) -> Vec<u64> {
        wish.revisions.iter().map(|revision| revision.version).collect()
    }

    #[test]
    fn processes_of_one_image_are_one_revision_and_a_new_image_or_request_is_the_next() {
        let wish = after(&[("web", "i1", "{}"), ("worker", "i1", "{}"), ("web", "i1", "{}")]);
        assert_eq!(versions(&wish), [1]);
        assert_eq!(wish.revisions[0].description, "Initial revision.");
        let wish = after(&[("web", "i1", "{}"), ("worker", "i1", "{}"), ("web", "i2", "{}"), ("worker", "i2", "{}")]);
        assert_eq!(versions(&wish), [1, 2]);
        assert_eq!(wish.revisions[1].description, "New droplet deployed.");
        assert!(wish.processes.values().all(|process| process.revision == 2));
        let wish = after(&[("web", "i1", "{}"), ("web", "i1", "{\"a\":1}")]);
        assert_eq!((versions(&wish), &*wish.revisions[1].description), (vec![1, 2], "New settings deployed."));
    }

    #[test]
    fn three_revisions_are_kept_and_those_that_a_process_still_runs() {
        let images: Vec<String> = (0..9).map(|number| format!("i{number}")).collect();
        let webs = images.iter().map(|image| ("web", &**image, "{}"));
        let launches: Vec<_> = std::iter::once(("worker", "old", "{}")).chain(webs).collect();
        let wish = after(&launches);
        assert_eq!(versions(&wish), [1, 8, 9, 10]);
        assert_eq!(wish.current("worker").unwrap().1.image, "old");
        assert_eq!(wish.current("web").unwrap().1.image, "i8");
        assert!(wish.current("clock").is_none());
        assert_eq!(wish.images().len(), 4);
    }

    #[test]
    fn what_is_written_is_read_again_and_shown_nowhere() {
        let mut wish = after(&[("web", "i1", r#"{"secret":"pa55"}"#)]);
        wish.tell(at(7), "audit.app.scale", "3 instances".to_owned());
        let text = serde_json::to_string(&wish).unwrap();
        assert_eq!(serde_json::from_str::<AppWish>(&text).unwrap(), wish);
        assert!(text.contains("pa55") && !format!("{wish:?}").contains("pa55"));
    }

    #[test]
    fn only_the_newest_events_are_kept() {
        let mut wish = after(&[("web", "i1", "{}")]);
        (0..200).for_each(|second| wish.tell(at(second), "e", second.to_string()));
        assert_eq!((wish.events.len(), &*wish.events[0].description), (EVENTS, "150"));
    }

    #[test]
    fn a_launch_knows_its_number_before_it_is_remembered() {
        assert_eq!(AppWish::version(None, "i", "web", &recipe("{}")), 1);
        let wish = after(&[("web", "i1", "{}")]);
        let version = |image: &str, process: &str, document: &str| {
            AppWish::version(Some(&wish), image, process, &recipe(document))
        };
        assert_eq!((version("i1", "web", "{}"), version("i1", "worker", "{}")), (1, 1));
        assert_eq!((version("i2", "web", "{}"), version("i1", "web", "{ }")), (2, 2));
    }
}
