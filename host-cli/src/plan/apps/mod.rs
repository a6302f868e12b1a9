//! What runs of apps, as values that know no engine and no cluster: what was seen → apps with their processes and instances. Pure.
//! Names and texts are the tenants': whoever shows them escapes them.

mod choose;
mod log_lines;

pub(crate) use choose::{ChooseError, Part, Selected, choose};
pub(crate) use log_lines::{LineCutter, LogLine};

use crate::app_ref::{AnswersBy, AppRef};
use jiff::Timestamp;
use shared_model::application::Application;
use shared_model::process_type::WEB;
use std::collections::{BTreeMap, BTreeSet};

/// An app of which something runs, or ran and was not removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunningApp {
    /// Its name; empty where nobody gave it one, and where it has several.
    pub(crate) name: String,
    /// All names by which what runs of it calls it, where these are several: it was renamed, or somebody gives his own app's guid as
    /// this one's. Sorted; one may be empty.
    pub(crate) names: Vec<String>,
    /// Its guid; empty where its request had none.
    pub(crate) guid: String,
    /// Its process types, `web` first, then by name; never empty.
    pub(crate) processes: Vec<AppProcess>,
}

/// What runs of a process type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppProcess {
    /// `web`, `worker`.
    pub(crate) process_type: String,
    /// How many instances there are to be while it is started.
    pub(crate) wanted: usize,
    /// Whether it is to run; `None`: nobody remembers.
    pub(crate) started: Option<bool>,
    /// By index, and of one index the newest first: where an instance is being replaced there are two.
    pub(crate) instances: Vec<AppInstance>,
}

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppInstance {
    /// From 0.
    pub(crate) index: u32,
    /// What it does at the moment.
    pub(crate) state: InstanceState,
    /// How it ended; `None` while it runs, and where nobody knows.
    pub(crate) exit_status: Option<i64>,
    /// The kernel ended it for its memory; false where that was not looked at.
    pub(crate) out_of_memory: bool,
    /// What the cell knows of it; empty where it runs, and where nobody asked the cell.
    pub(crate) note: String,
    /// What it uses; `None`: it does not run, or that was not looked at.
    pub(crate) usage: Option<InstanceUsage>,
    /// When it was made, or, where it was looked at closely, since when it runs or does not; `None` where nobody knows.
    pub(crate) since: Option<Timestamp>,
    /// Where it answers: `127.0.0.1:32768`; empty while it does not run.
    pub(crate) routes: Vec<String>,
    /// What people call it where it runs: a container's name, a pod's.
    pub(crate) name: String,
    /// What the place calls it.
    pub(crate) id: String,
    /// The image's name or id.
    pub(crate) image: String,
}

/// What an instance uses at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceUsage {
    /// Thousandths of one core; `None`: nobody knows.
    pub(crate) processor_permille: Option<u32>,
    /// Bytes.
    pub(crate) memory_bytes: u64,
    /// How many it may have.
    pub(crate) memory_bound: u64,
}

/// What an instance does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InstanceState {
    /// It runs, and has not been seen healthy yet; or it is about to run.
    Starting,
    /// It runs, and nothing says that it is not healthy.
    Running,
    /// It runs, and its check fails.
    Unhealthy,
    /// It does not run.
    #[default]
    Down,
    /// It does not run, because it has ended by itself or did not get healthy, and the cell counts that.
    Crashed,
}

impl InstanceState {
    /// As lists have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Unhealthy => "unhealthy",
            Self::Down => "down",
            Self::Crashed => "crashed",
        }
    }

    /// Whether its main process runs, or is about to.
    pub(crate) const fn is_up(self) -> bool {
        !matches!(self, Self::Down | Self::Crashed)
    }
}

/// What somebody saw: an instance, or only that there is to be one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Whose it is.
    pub(crate) app_name: String,
    /// Whose it is.
    pub(crate) app_guid: String,
    /// Empty: `web`.
    pub(crate) process_type: String,
    /// How many instances there are to be of the process; `None`: as many as were seen.
    pub(crate) wanted: Option<usize>,
    /// Whether it is to run; `None`: this does not tell.
    pub(crate) started: Option<bool>,
    /// `None`: none is there.
    pub(crate) instance: Option<AppInstance>,
}

/// The apps of what was seen, by name and then by guid.
pub(crate) fn apps(seen: impl IntoIterator<Item = Seen>) -> Vec<RunningApp> {
    let mut apps: BTreeMap<(bool, String), AppSeen> = BTreeMap::new();
    for one in seen {
        // What has no guid is told apart by its name.
        let key =
            (one.app_guid.is_empty(), if one.app_guid.is_empty() { &one.app_name } else { &one.app_guid }.clone());
        let app = apps.entry(key).or_default();
        app.guid = one.app_guid;
        app.names.insert(one.app_name);
        let process_type = if one.process_type.is_empty() { WEB.to_owned() } else { one.process_type };
        let process = app.processes.entry(process_type).or_default();
        process.wanted = process.wanted.max(one.wanted);
        process.started = process.started.max(one.started);
        process.instances.extend(one.instance);
    }
    let mut apps: Vec<RunningApp> = apps.into_values().map(AppSeen::app).collect();
    apps.sort_by(|one, other| (&one.name, &one.guid).cmp(&(&other.name, &other.guid)));
    apps
}

#[derive(Default)]
struct AppSeen {
    guid: String,
    names: BTreeSet<String>,
    processes: BTreeMap<String, ProcessSeen>,
}

impl AppSeen {
    fn app(self) -> RunningApp {
        let processes = self.processes.into_iter().map(|(process_type, seen)| seen.process(process_type));
        let mut processes: Vec<AppProcess> = processes.collect();
        processes.sort_by_key(|process| process.process_type != WEB);
        let mut names: Vec<String> = self.names.into_iter().collect();
        let name = if names.len() == 1 { names.remove(0) } else { String::new() };
        RunningApp { name, names, guid: self.guid, processes }
    }
}

#[derive(Default)]
struct ProcessSeen {
    wanted: Option<usize>,
    started: Option<bool>,
    instances: Vec<AppInstance>,
}

impl ProcessSeen {
    fn process(mut self, process_type: String) -> AppProcess {
        self.instances.sort_by_key(|instance| (instance.index, std::cmp::Reverse(instance.since)));
        let seen = self.instances.iter().map(|instance| instance.index).collect::<BTreeSet<u32>>().len();
        AppProcess {
            process_type,
            wanted: self.wanted.unwrap_or(seen),
            started: self.started,
            instances: self.instances,
        }
    }
}

impl RunningApp {
    /// For people: its name, else its guid, which tells which is meant where it has several names.
    pub(crate) fn subject(&self) -> &str {
        if self.name.is_empty() { &self.guid } else { &self.name }
    }

    /// Whether somebody wants it to run, as far as that can be seen.
    pub(crate) fn is_started(&self) -> bool {
        let is_seen = |process: &AppProcess| {
            process.instances.is_empty() || process.instances.iter().any(|one| one.state.is_up())
        };
        self.processes.iter().any(|process| process.wanted > 0 && process.started.unwrap_or_else(|| is_seen(process)))
    }

    /// By what it is meant, the strongest first; `None`: it is not.
    fn is_meant(&self, wanted: &AppRef) -> Option<AnswersBy> {
        let called = |name: &String| {
            wanted.means(&Application { name: name.clone(), guid: self.guid.clone(), ..Application::default() })
        };
        if self.names.is_empty() { called(&self.name) } else { self.names.iter().filter_map(called).min() }
    }
}

impl AppProcess {
    /// How many of its indices have an instance that is neither starting nor down.
    pub(crate) fn running(&self) -> usize {
        let is_running = |one: &&AppInstance| matches!(one.state, InstanceState::Running | InstanceState::Unhealthy);
        self.instances.iter().filter(is_running).map(|one| one.index).collect::<BTreeSet<u32>>().len()
    }
}

/// Whose log a line is: `APP/PROC/WEB/0`, as Cloud Foundry writes it.
pub(crate) fn log_source(process_type: &str, index: u32) -> String {
    format!("APP/PROC/{}/{index}", process_type.to_uppercase())
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// What was seen of an instance that runs.
    pub(crate) fn seen(name: &str, guid: &str, process: &str, index: u32, state: InstanceState) -> Seen {
        let id = format!("{guid}-{process}-{index}");
        let instance = AppInstance { index, state, name: id.clone(), id, ..AppInstance::default() };
        Seen {
            app_name: name.to_owned(),
            app_guid: guid.to_owned(),
            process_type: process.to_owned(),
            wanted: None,
            started: None,
            instance: Some(instance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::seen;
    use super::*;
    use InstanceState::{Down, Running, Starting};

    #[test]
    fn what_was_seen_becomes_apps_with_web_first_and_instances_by_index() {
        let all = apps([
            seen("shop", "g-2", "worker", 0, Down),
            seen("shop", "g-2", "web", 1, Running),
            seen("shop", "g-2", "", 0, Running),
            seen("blog", "g-1", "web", 0, Starting),
        ]);
        let names: Vec<&str> = all.iter().map(RunningApp::subject).collect();
        assert_eq!(names, ["blog", "shop"]);
        let [web, worker] = &all[1].processes[..] else { panic!("{all:?}") };
        assert_eq!((web.process_type.as_str(), web.running(), web.wanted), ("web", 2, 2));
        assert_eq!((worker.process_type.as_str(), worker.running(), worker.wanted), ("worker", 0, 1));
        let indices: Vec<u32> = web.instances.iter().map(|one| one.index).collect();
        assert_eq!(indices, [0, 1]);
        assert_eq!(all[0].processes[0].running(), 0, "it has not been seen healthy");
        assert_eq!(apps([]), []);
    }

    #[test]
    fn an_instance_that_is_being_replaced_counts_once_and_the_newer_one_is_first() {
        let at = |second| Timestamp::from_second(second).ok();
        let made = |second, state| {
            let mut one = seen("shop", "g", "web", 0, state);
            one.instance.as_mut().unwrap().since = at(second);
            one
        };
        let app = apps([made(1, Running), made(9, Running)]).remove(0);
        assert_eq!((app.processes[0].running(), app.processes[0].wanted), (1, 1));
        assert_eq!(app.processes[0].instances[0].since, at(9));
    }

    #[test]
    fn apps_of_one_name_are_two_and_one_without_a_guid_is_told_by_its_name() {
        let all = apps([
            seen("shop", "g-1", "web", 0, Running),
            seen("shop", "g-2", "web", 0, Running),
            seen("shop", "", "web", 0, Running),
            seen("g-1", "", "web", 0, Running),
        ]);
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn an_app_that_is_called_by_several_names_has_none_of_them_as_its_own() {
        let one = |name: &str| seen(name, "g-1", "web", 0, Running);
        for names in [["shop", "victim"], ["victim", "shop"], ["", "shop"]] {
            let app = apps(names.map(one)).remove(0);
            assert_eq!((app.name.as_str(), app.subject(), app.names.len()), ("", "g-1", 2), "{names:?}");
        }
        let app = apps([one("shop"), one("shop")]).remove(0);
        assert_eq!((app.subject(), &*app.names), ("shop", &[][..]));
    }

    #[test]
    fn an_app_is_started_while_something_of_it_runs_or_is_awaited() {
        let one = |state, wanted| {
            let seen = Seen { wanted, ..seen("a", "g", "web", 0, state) };
            apps([seen]).remove(0).is_started()
        };
        assert!(one(Running, None) && one(Starting, None) && one(Running, Some(1)));
        assert!(!one(Down, None) && !one(Running, Some(0)));
        let awaited = Seen { wanted: Some(2), instance: None, ..seen("a", "g", "web", 0, Down) };
        assert!(apps([awaited]).remove(0).is_started());
        for is_started in [true, false] {
            let wished =
                Seen { wanted: Some(1), started: Some(is_started), instance: None, ..seen("a", "g", "web", 0, Down) };
            let app = apps([seen("a", "g", "web", 0, Down), wished]).remove(0);
            assert_eq!(
                (app.is_started(), app.processes[0].wanted),
                (is_started, 1),
                "what is remembered is what is wanted"
            );
        }
    }

    #[test]
    fn a_log_source_is_cloud_foundrys() {
        assert_eq!(log_source("web", 0), "APP/PROC/WEB/0");
        assert_eq!(log_source("worker", 12), "APP/PROC/WORKER/12");
    }
}
