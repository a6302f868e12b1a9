//! One-off tasks: a fresh container of the app with another command, as Cloud Foundry's. What is there of tasks their containers tell.
//! Pure.

use super::launch::published;
use super::process::started_with;
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, ContainerSummary, Running};
use crate::labels;
use jiff::Timestamp;
use shared_model::validate::LONGEST_ARGUMENT;

/// Characters of a task's name.
pub(crate) const LONGEST_NAME: usize = 250;
/// How many that have ended stay, for what they printed; older ones go when the next one starts.
pub(crate) const KEPT: usize = 5;

/// What an instance has and a task does not: nobody routes to it, and it has no number among its like.
const OF_AN_INSTANCE: [&str; 5] = ["PORT", "VCAP_APP_PORT", "VCAP_APP_HOST", "INSTANCE_INDEX", "CF_INSTANCE_INDEX"];

/// A task that is to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskOrder<'a> {
    /// From 1, another one for each task of the app.
    pub(crate) id: u64,
    /// For people.
    pub(crate) name: &'a str,
    /// What it runs; `None`: what its process runs.
    pub(crate) command: Option<&'a str>,
}

/// The container of a task; `app` is the one that its process would have. No port, no name in the network, no check.
pub(crate) fn task_container(app: ContainerSpec, order: &TaskOrder<'_>) -> ContainerSpec {
    let mut container = published(app, &[]);
    let labels = &mut container.labels;
    labels.remove(labels::PORTS);
    labels.remove(labels::INDEX);
    for (name, value) in
        [(labels::KIND, labels::KIND_TASK), (labels::TASK_ID, &order.id.to_string()), (labels::TASK_NAME, order.name)]
    {
        labels.insert(name.to_owned(), value.to_owned());
    }
    container.environment.retain(|(name, _)| !OF_AN_INSTANCE.contains(&name.as_str()));
    let command = started_with(&container.command, order.command);
    ContainerSpec { command, aliases: Vec::new(), health_check: None, ..container }
}

/// The container's name, of the one that an instance made at the same moment would have.
pub(crate) fn container_name(of_instance: &str) -> String {
    format!("cf-task-{}", of_instance.strip_prefix("cf-app-").unwrap_or(of_instance))
}

/// Why a task cannot be as it was typed; `None`: it can.
pub(crate) fn refusal(name: &str, command: Option<&str>) -> Option<String> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Some(format!("a task's name has 1 to {LONGEST_NAME} characters"));
    }
    let command = command?;
    if command.trim().is_empty() {
        return Some("the command is empty".to_owned());
    }
    (command.len() > LONGEST_ARGUMENT)
        .then(|| format!("the command has {} bytes; a program takes {LONGEST_ARGUMENT}", command.len()))
}

/// How far a task is, in Cloud Controller's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// It is about to run.
    Pending,
    /// It runs.
    Running,
    /// It ended with 0.
    Succeeded,
    /// It ended otherwise.
    Failed,
}

impl TaskState {
    /// As lists have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether it is over.
    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// A task of which the container is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// From 1.
    pub(crate) id: u64,
    /// For people; foreign text.
    pub(crate) name: String,
    /// How far it is.
    pub(crate) state: TaskState,
    /// How it ended; `None` while it runs.
    pub(crate) exit_status: Option<i64>,
    /// When it was made; `None` where nobody knows.
    pub(crate) created: Option<Timestamp>,
    /// Its container.
    pub(crate) container: ContainerId,
    /// Its container's name.
    pub(crate) container_name: String,
}

impl Task {
    /// Of a container that was proven a task's; `None`: it has no number.
    pub(crate) fn of(one: &ContainerSummary) -> Option<Self> {
        let label = |name: &str| one.labels.get(name);
        let exit_status = one.exit_status.filter(|_| one.running == Running::Not);
        Some(Self {
            id: label(labels::TASK_ID)?.parse().ok()?,
            name: label(labels::TASK_NAME).cloned().unwrap_or_default(),
            state: match (one.running, exit_status) {
                (Running::NotYet, _) => TaskState::Pending,
                (Running::Now, _) => TaskState::Running,
                (Running::Not, Some(0)) => TaskState::Succeeded,
                (Running::Not, _) => TaskState::Failed,
            },
            exit_status,
            created: Timestamp::from_second(one.created).ok().filter(|_| one.created > 0),
            container: one.id.clone(),
            container_name: one.name.clone(),
        })
    }
}

/// Those of `tasks`, the newest first, that go when the next one starts.
pub(crate) fn outdated(tasks: &[Task]) -> impl Iterator<Item = &Task> {
    tasks.iter().filter(|task| task.state.has_ended()).skip(KEPT)
}

/// Whose log a line is: `APP/TASK/migrate`, as Cloud Foundry writes it.
pub(crate) fn log_source(name: &str) -> String {
    format!("APP/TASK/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::container_spec::{HealthCheck, PublishedPort};

    const ORDER: TaskOrder<'_> = TaskOrder { id: 3, name: "migrate", command: Some("rake db:migrate") };

    fn app() -> ContainerSpec {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let check = HealthCheck {
            command: vec!["true".into()],
            beside: Vec::new(),
            ports: Vec::new(),
            interval: std::time::Duration::ZERO,
            only_interval: std::time::Duration::ZERO,
            start_interval: std::time::Duration::ZERO,
            timeout: std::time::Duration::ZERO,
            retries: 1,
            start_period: std::time::Duration::ZERO,
        };
        ContainerSpec {
            entrypoint: vec!["/tmp/lifecycle/launcher".into()],
            command: vec!["app".into(), "./start".into(), "{}".into()],
            environment: vec![pair("PORT", "8080"), pair("INSTANCE_INDEX", "0"), pair("A", "b")],
            labels: [pair(labels::KIND, labels::KIND_APP), pair(labels::INDEX, "0"), pair(labels::APP_GUID, "g")]
                .into(),
            aliases: vec!["shop".into()],
            ports: vec![PublishedPort { host_address: String::new(), host: 1, container: 8080 }],
            health_check: Some(check),
            ..ContainerSpec::default()
        }
    }

    #[test]
    fn a_task_is_the_apps_container_with_another_command_and_nobody_reaches_it() {
        let task = task_container(app(), &ORDER);
        assert_eq!(task.command, ["app", "rake db:migrate", "{}"]);
        assert!(task.ports.is_empty() && task.aliases.is_empty() && task.health_check.is_none());
        let variable = |name: &str| task.environment.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
        assert_eq!((variable("PORT"), variable("INSTANCE_INDEX"), variable("A")), (None, None, Some("b")));
        assert_eq!(variable("CF_INSTANCE_PORTS"), Some("[]"));
        let labels: Vec<(&str, &str)> = task.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let expected = [
            (labels::APP_GUID, "g"),
            (labels::KIND, labels::KIND_TASK),
            (labels::TASK_ID, "3"),
            (labels::TASK_NAME, "migrate"),
        ];
        assert_eq!(labels, expected, "nothing of the command");
        let own = task_container(app(), &TaskOrder { command: None, ..ORDER });
        assert_eq!(own.command, app().command);
        let bare = task_container(ContainerSpec { command: Vec::new(), ..app() }, &ORDER);
        assert_eq!(bare.command, ["app", "rake db:migrate", ""]);
        assert_eq!(container_name("cf-app-shop-1-2"), "cf-task-shop-1-2");
    }

    fn seen(id: &str, running: Running, exit_status: Option<i64>) -> ContainerSummary {
        let labels = [(labels::TASK_ID, id), (labels::TASK_NAME, "n")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        ContainerSummary { labels, running, exit_status, ..ContainerSummary::default() }
    }

    #[test]
    fn a_tasks_state_is_its_containers_and_the_last_that_ended_stay() {
        let state = |running, status| Task::of(&seen("1", running, status)).map(|task| task.state.name());
        assert_eq!(state(Running::NotYet, None), Some("PENDING"));
        assert_eq!(state(Running::Now, Some(0)), Some("RUNNING"));
        assert_eq!(state(Running::Not, Some(0)), Some("SUCCEEDED"));
        assert_eq!((state(Running::Not, Some(1)), state(Running::Not, None)), (Some("FAILED"), Some("FAILED")));
        assert_eq!(Task::of(&seen("x", Running::Now, None)), None);
        let task = |id: u64| {
            let running = if id.is_multiple_of(2) { Running::Now } else { Running::Not };
            Task::of(&seen(&id.to_string(), running, Some(0))).unwrap()
        };
        let tasks: Vec<Task> = (1..=14).rev().map(task).collect();
        assert_eq!(outdated(&tasks).map(|task| task.id).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn what_cannot_be_a_task_is_refused() {
        assert_eq!(refusal("n", Some("ls")), None);
        assert_eq!(refusal("n", None), None);
        for (name, command) in
            [("", "ls"), (&*"x".repeat(LONGEST_NAME + 1), "ls"), ("n", " "), ("n", &"x".repeat(1 << 20))]
        {
            assert!(refusal(name, Some(command)).is_some());
        }
    }
}
